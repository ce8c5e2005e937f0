import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { algorithms, isRsa } from "../../../src/ring/key.ts";
import { parseRotation, requestsOf } from "../../../src/ring/resource/rotation.ts";
import { problems, problemsOf, resource, withRotation, withTokens } from "./resource.ts";

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;

const policy = (spec: object) => parseRotation(resource(spec)).policy;

describe("parseRotation fills in", () => {
  it("every default of the least resource", () => {
    expect(parseRotation(resource())).toStrictEqual({
      ref: { namespace: "edge", name: "gateway-jwt" },
      secretName: "gateway-jwt",
      secretTemplate: { labels: {}, annotations: {}, ringAnnotations: {} },
      policy: {
        profile: {
          algorithm: "ES256",
          issuer: "https://issuer.example",
          audiences: ["gateway"],
          maxTTLMs: hourMs,
        },
        schedule: { kind: "interval", everyMs: 720 * hourMs },
        propagationMs: 30 * minuteMs,
        acknowledgements: "Required",
        clockSkewMs: minuteMs,
        rotationWindowMs: 92 * minuteMs,
        rollbackWindowMs: 92 * minuteMs,
        revokedKids: [],
        adoptionMaxTTLMs: hourMs,
        suspend: false,
      },
      deletionPolicy: "Retain",
      annotations: {},
      warnings: [],
    });
  });

  it("nothing where something is set", () => {
    const spec = {
      secretName: "signer.keys",
      secretTemplate: {
        labels: { "app.kubernetes.io/part-of": "edge" },
        annotations: { note: "any text\nat all" },
        ringAnnotations: { "policy.example/owner": "edge" },
      },
      algorithm: "PS384",
      rsaModulusBits: 4096,
      rotation: { schedule: "0 3 1 * *", timeZone: "Europe/Berlin", requestID: "2026-11-21" },
      propagation: { minimum: "15m", acknowledgements: "Ignored" },
      tokens: { issuer: "me", audiences: ["a", "b"], maxTTL: "2h", clockSkew: "30s" },
      rotationWindow: "3h",
      rollbackWindow: "1h",
      activeKid: "old",
      revokedKids: [{ kid: "stolen", reason: "laptop stolen" }, { kid: "lost" }],
      revokeKeysCreatedBefore: "2026-11-21T10:00:00Z",
      adoption: { maxTTL: "24h", algorithm: "PS384" },
      suspend: true,
      deletionPolicy: "Delete",
    };
    const annotations = {
      "keyturn.dev/rotate-requested-at": "now",
      "keyturn.dev/recover-requested-at": "2026-11-21T12:00:00+01:00",
      other: "x",
    };
    expect(parseRotation(resource(spec, { annotations }))).toStrictEqual({
      ref: { namespace: "edge", name: "gateway-jwt" },
      secretName: "signer.keys",
      secretTemplate: spec.secretTemplate,
      policy: {
        profile: { algorithm: "PS384", issuer: "me", audiences: ["a", "b"], maxTTLMs: 2 * hourMs },
        modulusBits: 4096,
        schedule: { kind: "cron", expression: "0 3 1 * *", timeZone: "Europe/Berlin" },
        propagationMs: 15 * minuteMs,
        acknowledgements: "Ignored",
        clockSkewMs: 30 * secondMs,
        rotationWindowMs: 3 * hourMs,
        rollbackWindowMs: hourMs,
        pinnedKid: "old",
        revokedKids: [{ kid: "stolen", reason: "laptop stolen" }, { kid: "lost" }],
        revokeCreatedBeforeMs: Date.parse("2026-11-21T10:00:00Z"),
        adoptionMaxTTLMs: 24 * hourMs,
        adoptionAlgorithm: "PS384",
        suspend: true,
      },
      deletionPolicy: "Delete",
      requestID: "2026-11-21",
      annotations: { rotateRequestedAt: "now", recoverRequestedAtMs: Date.parse("2026-11-21T11:00:00Z") },
      warnings: [],
    });
  });

  it.each([
    [
      "rotationWindow from the tokens and propagation.minimum",
      { ...withTokens({ maxTTL: "2h", clockSkew: "0s" }), propagation: { minimum: "10m" } },
      { rotationWindowMs: 130 * minuteMs, rollbackWindowMs: 130 * minuteMs },
    ],
    ["rollbackWindow from rotationWindow", { rotationWindow: "5h" }, { rollbackWindowMs: 5 * hourMs }],
    ["adoption.maxTTL from tokens.maxTTL", withTokens({ maxTTL: "3h" }), { adoptionMaxTTLMs: 3 * hourMs }],
    ["modulusBits for RSA", { algorithm: "RS256" }, { modulusBits: 3072 }],
    [
      "UTC beside a schedule",
      withRotation({ schedule: "@monthly" }),
      { schedule: { kind: "cron", expression: "@monthly", timeZone: "UTC" } },
    ],
    [
      "720h beside a requestID",
      withRotation({ requestID: "1" }),
      { schedule: { kind: "interval", everyMs: 720 * hourMs } },
    ],
  ])("%s", (_, spec, expected) => {
    expect(policy(spec)).toMatchObject(expected);
  });

  it("the namespace default, where a file names none", () => {
    expect(parseRotation(resource({}, { namespace: undefined })).ref.namespace).toBe("default");
  });

  it("defaults for null, as the API server does", () => {
    const spec = { rotation: null, propagation: { minimum: null }, revokedKids: null, activeKid: null, suspend: null };
    expect(parseRotation(resource(spec, { annotations: null }))).toEqual(parseRotation(resource()));
  });

  it("nothing for the empty text in fields where charts write it", () => {
    const spec = {
      rotation: { requestID: "" },
      activeKid: "",
      revokeKeysCreatedBefore: "",
      revokedKids: [{ kid: "a", reason: "" }],
    };
    const annotations = { "keyturn.dev/rotate-requested-at": "", "keyturn.dev/recover-requested-at": "" };
    const rotation = parseRotation(resource(spec, { annotations }));
    expect(rotation).toEqual(parseRotation(resource({ revokedKids: [{ kid: "a" }] })));
  });

  it("no schedule for an interval of 0s", () => {
    expect(policy(withRotation({ interval: "0s" })).schedule).toEqual({ kind: "onRequest" });
  });

  it("modulusBits for RSA and for nothing else", () => {
    for (const algorithm of algorithms) expect("modulusBits" in policy({ algorithm })).toBe(isRsa(algorithm));
  });
});

describe("parseRotation takes", () => {
  it("a demo that rotates every ten seconds", () => {
    const spec = {
      rotation: { interval: "10s" },
      propagation: { minimum: "2s" },
      ...withTokens({ maxTTL: "5s", clockSkew: "0s" }),
      rotationWindow: "6s",
    };
    expect(problems(spec)).toEqual([]);
  });

  it("status and Kubernetes' own metadata, whatever they hold", () => {
    const metadata = { uid: "u", generation: 3, managedFields: [{}], labels: { a: "b" }, annotations: { a: "b" } };
    expect(problemsOf({ ...resource({}, metadata), status: { anything: [1] } })).toEqual([]);
  });
});

describe("parseRotation's error", () => {
  it("lists every problem at once, in the order of the fields, and no consequence of another problem", () => {
    const spec = {
      algorithm: "HS256",
      rsaModulusBits: 2048,
      rotation: { interval: "soon" },
      tokens: { issuer: "", audiences: ["a"], maxTTL: "1y" },
      rotationWindow: "1s",
      rollbackWindow: "2s",
      extra: 1,
    };
    expect(problems(spec).map((line) => line.split(":")[0])).toEqual([
      'unknown field "spec.extra"',
      "spec.tokens.issuer",
      "spec.tokens.maxTTL",
      "spec.algorithm",
      "spec.rotation.interval",
      "spec.rollbackWindow",
    ]);
  });

  it("quotes no more than 64 characters of a value, on one line", () => {
    const [line = "", ...others] = problems({ secretName: "x\n".repeat(100) });
    expect(others).toEqual([]);
    expect(line).toContain(`is a text of 200 characters`);
  });

  it.each([
    ["x".repeat(32), `"${"x".repeat(32)}"`],
    ["x".repeat(33), "a text of 33 characters"],
    ["x y ".repeat(16), `"${"x y ".repeat(16)}"`],
    [`${"x y ".repeat(16)}z`, "a text of 65 characters"],
    [1, "1"],
    [[true], "a list"],
    [{ true: true }, "an object"],
  ])("says of %j what it is", (suspend, actual) => {
    expect(problems({ suspend })).toEqual([`spec.suspend: must be true or false, is ${actual}`]);
    expect(problems({ activeKid: true })).toEqual([expect.stringMatching(/ in quotes, is true$/)]);
  });

  it("quotes no more than 64 characters of a field's name, on one line", () => {
    const found = problems({ [`a\n${"x".repeat(500)}`]: 1 });
    expect(found).toHaveLength(1);
    expect(found[0]?.length).toBeLessThan(120);
  });

  it.each(["-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIHNlY3JldA==", '{"kty":"OKP","d":"c2VjcmV0"}'])(
    "never quotes what looks like a private key: %j",
    (secret) => {
      const lines = problems({ secretName: secret, activeKid: `${secret}\n`, algorithm: secret });
      expect(lines).toHaveLength(3);
      for (const line of lines) expect(line).toMatch(/is what looks like a private key$/);
    },
  );

  it("never quotes the value of an unknown field, or the inside of a list or an object", () => {
    const text = problems({ private: "c2VjcmV0", suspend: ["c2VjcmV0"], activeKid: { d: "c2VjcmV0" } }).join("\n");
    expect(text).not.toContain("c2VjcmV0");
  });

  it("ends after 50 problems with the number of the others", () => {
    const unknown = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`field${i}`, i]));
    expect(problems(unknown(50))).toHaveLength(50);
    const lines = problems(unknown(53));
    expect(lines).toHaveLength(51);
    expect(lines.at(-1)).toBe("and 3 more problems");
  });

  it("is the only thing thrown, whatever the value", () => {
    const value = fc.oneof(
      fc.anything(),
      fc.jsonValue(),
      fc.anything().map((spec) => ({ ...resource(), spec })),
    );
    fc.assert(
      fc.property(value, (anything) => {
        for (const line of problemsOf(anything)) if (!/^[^\n]+$/.test(line)) return false;
        return true;
      }),
      { numRuns: 500 },
    );
  });

  it("comes in place of any stand-in: what is returned has only whole, sound numbers", () => {
    const duration = fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom("0s", "1s", "30m", "1h", "2h", "3h", "720h", undefined) },
      { weight: 1, arbitrary: fc.constantFrom("x", "1.0001s") },
    );
    const spec = fc.record({
      rotation: fc.record({ interval: duration }),
      propagation: fc.record({ minimum: duration }),
      tokens: fc.record({
        issuer: fc.constant("i"),
        audiences: fc.constant(["a"]),
        maxTTL: duration,
        clockSkew: duration,
      }),
      rotationWindow: duration,
      rollbackWindow: duration,
    });
    let good = 0;
    fc.assert(
      fc.property(spec, (some) => {
        if (problems(some).length > 0) return true;
        good++;
        const { profile, clockSkewMs, rotationWindowMs, rollbackWindowMs, propagationMs, schedule } = policy(some);
        const everyMs = schedule.kind === "interval" ? schedule.everyMs : Infinity;
        return (
          rotationWindowMs >= profile.maxTTLMs + 2 * clockSkewMs &&
          rollbackWindowMs <= rotationWindowMs &&
          rotationWindowMs + 2 * propagationMs <= 12 * everyMs
        );
      }),
      { numRuns: 1000 },
    );
    expect(good).toBeGreaterThan(30);
  });
});

describe("parseRotation's warnings", () => {
  const warned = (annotations: object) => {
    const { annotations: read, warnings } = parseRotation(resource({}, { annotations }));
    expect(read).toEqual({});
    return warnings;
  };

  it("tell of a request that is too long, which does not spoil the spec", () => {
    expect(warned({ "keyturn.dev/rotate-requested-at": "x".repeat(129) })).toEqual([
      expect.stringMatching(/^metadata\.annotations\[keyturn\.dev\/rotate-requested-at\]: must be a text of 1 to 128 /),
    ]);
  });

  it("tell of a recovery that is requested at no instant", () => {
    expect(warned({ "keyturn.dev/recover-requested-at": "now" })).toEqual([
      'metadata.annotations[keyturn.dev/recover-requested-at]: must be an instant of RFC 3339 such as 2026-11-21T10:00:00Z, is "now"',
    ]);
  });
});

describe("parseRotation with unknownFields: warn", () => {
  const newer = resource({ foo: 1, revokedKids: [{ kid: "a", since: 1 }] });

  it("warns of fields that it does not know, and goes on without them", () => {
    const { warnings, ...rest } = parseRotation(newer, { unknownFields: "warn" });
    expect(warnings).toEqual(['unknown field "spec.foo"', 'unknown field "spec.revokedKids[0].since"']);
    expect({ ...rest, warnings: [] }).toEqual(parseRotation(resource({ revokedKids: [{ kid: "a" }] })));
  });

  it("refuses everything else that is wrong", () => {
    expect(() => parseRotation(resource({ foo: 1, suspend: 1 }), { unknownFields: "warn" })).toThrow(
      /^spec\.suspend: must be true or false, is 1$/,
    );
  });

  it("is not the default", () => {
    expect(problemsOf(newer)).toEqual(parseRotation(newer, { unknownFields: "warn" }).warnings);
  });
});

describe("requestsOf", () => {
  const requests = (requestID?: string, rotate?: string) =>
    requestsOf(
      parseRotation(
        resource(withRotation({ requestID }), { annotations: { "keyturn.dev/rotate-requested-at": rotate } }),
      ),
    );

  it("is empty without a request", () => {
    expect(requests()).toEqual([]);
    expect(requests("", "")).toEqual([]);
  });
  it("has each request with its origin, so that equal values stay two requests", () => {
    expect(requests("1")).toEqual(["spec:1"]);
    expect(requests(undefined, "1")).toEqual(["annotation:1"]);
    expect(requests("1", "1")).toEqual(["spec:1", "annotation:1"]);
  });
});
