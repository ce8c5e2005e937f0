import { describe, expect, it } from "vitest";
import { problems, problemsOf, resource, revoked, tokens, withRotation, withTokens } from "./resource.ts";

describe("parseRotation refuses in these words", () => {
  const wide = (interval: string, minimum: string) => ({
    rotation: { interval },
    propagation: { minimum },
    rotationWindow: "2h",
  });
  it.each<[string, object, string]>([
    ["a missing issuer", { tokens: { audiences: ["a"] } }, "spec.tokens.issuer: must be set, is missing"],
    ["an issuer that is null", withTokens({ issuer: null }), "spec.tokens.issuer: must be set, is missing"],
    ["missing audiences", { tokens: { issuer: "a" } }, "spec.tokens.audiences: must be set, is missing"],
    ["no audience", withTokens({ audiences: [] }), "spec.tokens.audiences: must have at least one item, has none"],
    [
      "an audience twice",
      withTokens({ audiences: ["a", "b", "a"] }),
      'spec.tokens.audiences[2]: must not stand in the list twice, is "a"',
    ],
    [
      "a kid twice",
      { revokedKids: [{ kid: "a" }, { kid: "a" }] },
      'spec.revokedKids[1].kid: must not stand in the list twice, is "a"',
    ],
    ["too many kids", { revokedKids: revoked(65) }, "spec.revokedKids: must have at most 64 items, has 65"],
    [
      "a signed duration",
      withTokens({ maxTTL: "-1h" }),
      'spec.tokens.maxTTL: must be whole seconds from 1s to 8760h, written as 1h30m, is "-1h"',
    ],
    [
      "a number for a text",
      withRotation({ requestID: 7 }),
      "spec.rotation.requestID: must be a text of 1 to 128 characters without control characters, in quotes, is 7",
    ],
    [
      "a text that is too long",
      withRotation({ requestID: "x".repeat(129) }),
      `spec.rotation.requestID: must be a text of 1 to 128 characters without control characters, is a text of 129 characters`,
    ],
    [
      "a list for a text",
      { activeKid: ["k1"] },
      "spec.activeKid: must be a text of 1 to 256 characters without control characters, in quotes, is a list",
    ],
    [
      "a list for a duration",
      withTokens({ maxTTL: ["1h"] }),
      "spec.tokens.maxTTL: must be whole seconds from 1s to 8760h, written as 1h30m, is a list",
    ],
    [
      "a list for an instant",
      { revokeKeysCreatedBefore: ["2026-11-21T10:00:00Z"] },
      "spec.revokeKeysCreatedBefore: must be an instant of RFC 3339 such as 2026-11-21T10:00:00Z, is a list",
    ],
    [
      "a word that is no choice",
      { deletionPolicy: "Keep" },
      'spec.deletionPolicy: must be one of Retain, Delete, is "Keep"',
    ],
    [
      "too many labels",
      { secretTemplate: { labels: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`l${i}`, ""])) } },
      "spec.secretTemplate.labels: must have at most 32 entries, has 33",
    ],
    ["a list for an object", { tokens: [] }, "spec.tokens: must be an object, is a list"],
    [
      "interval and schedule",
      withRotation({ interval: "1h", schedule: "@daily" }),
      "spec.rotation: must set at most one of interval and schedule, sets both",
    ],
    [
      "interval 0s and schedule",
      withRotation({ interval: "0s", schedule: "@daily" }),
      "spec.rotation: must set at most one of interval and schedule, sets both",
    ],
    [
      "a time zone without schedule",
      withRotation({ timeZone: "UTC" }),
      'spec.rotation.timeZone: must be set only together with schedule, is "UTC"',
    ],
    [
      "an unknown time zone",
      withRotation({ schedule: "@daily", timeZone: "Mars/Base" }),
      'spec.rotation.timeZone: must be a name of the IANA time zone database, is "Mars/Base"',
    ],
    [
      "seconds in a schedule",
      withRotation({ schedule: "0 0 3 1 * *" }),
      'spec.rotation.schedule: must have five fields: minute hour day month weekday, is "0 0 3 1 * *"',
    ],
    [
      "a short window",
      { rotationWindow: "30m" },
      "spec.rotationWindow: must be at least maxTTL + 2 × clockSkew = 1h2m, is 30m",
    ],
    [
      "a long rollback",
      { rotationWindow: "2h", rollbackWindow: "3h" },
      "spec.rollbackWindow: must be at most rotationWindow = 2h, is 3h",
    ],
    [
      "a rollback longer than the default",
      { rollbackWindow: "93m" },
      "spec.rollbackWindow: must be at most rotationWindow = 1h32m, is 1h33m",
    ],
    [
      "an interval just too short",
      wide("14m59s", "30m"),
      "spec.rotation.interval: must be 0s or at least (rotationWindow + 2 × propagation.minimum) ÷ 12 = 15m, is 14m59s",
    ],
    [
      "an interval too short by a part of a second",
      wide("15m", "1801s"),
      "spec.rotation.interval: must be 0s or at least (rotationWindow + 2 × propagation.minimum) ÷ 12 = 15m1s, is 15m",
    ],
    [
      "a default interval too short",
      { rotationWindow: "17520h" },
      "spec.rotation.interval: must be 0s or at least (rotationWindow + 2 × propagation.minimum) ÷ 12 = 1460h5m, is 720h, the default",
    ],
    [
      "a schedule too tight",
      { rotation: { schedule: "* * * * *" }, rotationWindow: "2h" },
      'spec.rotation.schedule: must spread 12 runs over at least rotationWindow + 2 × propagation.minimum = 3h, is "* * * * *"',
    ],
    [
      "a modulus for ES256",
      { rsaModulusBits: 3072 },
      "spec.rsaModulusBits: must be set only with an RS or PS algorithm, is set with ES256",
    ],
    [
      "a modulus for an algorithm that is named",
      { algorithm: "EdDSA", rsaModulusBits: 3072 },
      "spec.rsaModulusBits: must be set only with an RS or PS algorithm, is set with EdDSA",
    ],
    ["an unknown field", { foo: 1 }, 'unknown field "spec.foo"'],
    [
      "an unknown field of an item",
      { revokedKids: [{ kid: "a", why: "" }] },
      'unknown field "spec.revokedKids[0].why"',
    ],
    [
      "a field that is null and unknown",
      { tokens: { ...tokens, maxTtl: null } },
      'unknown field "spec.tokens.maxTtl", did you mean "maxTTL"?',
    ],
    ["an inherited name", JSON.parse('{"__proto__": {"a": 1}}') as object, 'unknown field "spec.__proto__"'],
  ])("%s", (_, spec, line) => {
    // Not by spreading, which would drop __proto__
    const full = { ...resource(), spec: Object.defineProperties({ tokens }, Object.getOwnPropertyDescriptors(spec)) };
    expect(problemsOf(full)).toEqual([line]);
  });

  it.each<[string, unknown, string[]]>([
    [
      "another version",
      { ...resource(), apiVersion: "keyturn.dev/v1" },
      ['apiVersion: must be keyturn.dev/v1alpha1, is "keyturn.dev/v1"'],
    ],
    ["another kind", { ...resource(), kind: "Secret" }, ['kind: must be JwtKeyRotation, is "Secret"']],
    ["an unknown field at the top", { ...resource(), data: {} }, ['unknown field "data"']],
    ["metadata that is no object", { ...resource(), metadata: "x" }, ['metadata: must be an object, is "x"']],
    [
      "annotations that are no object",
      resource({}, { annotations: [] }),
      ["metadata.annotations: must be an object, is a list"],
    ],
  ])("%s", (_, value, lines) => {
    expect(problemsOf(value)).toEqual(lines);
  });

  it.each([null, undefined, {}])("every missing field of %s", (value) => {
    expect(problemsOf(value)).toEqual([
      "apiVersion: must be set, is missing",
      "kind: must be set, is missing",
      "metadata.name: must be set, is missing",
      "spec.tokens.issuer: must be set, is missing",
      "spec.tokens.audiences: must be set, is missing",
    ]);
  });

  it("what is no object, without what it lacks therefore", () => {
    expect(problemsOf([])).toEqual(["the resource: must be an object, is a list"]);
    expect(problemsOf({ ...resource(), spec: 5 })).toEqual(["spec: must be an object, is 5"]);
    expect(problems({ revokedKids: [null] })).toEqual(["spec.revokedKids[0].kid: must be set, is missing"]);
    expect(problems({ revokedKids: [{}, {}] })).toEqual([
      "spec.revokedKids[0].kid: must be set, is missing",
      "spec.revokedKids[1].kid: must be set, is missing",
    ]);
  });
});

describe("parseRotation's rules hold to the second", () => {
  it.each([
    ["15m at 3h", { rotation: { interval: "15m" }, rotationWindow: "2h" }],
    ["every 15 minutes at 3h", { rotation: { schedule: "*/15 * * * *" }, rotationWindow: "2h" }],
    ["two runs close together, once a month", { rotation: { schedule: "0,5 3 1 * *" }, rotationWindow: "2h" }],
    [
      "every minute at 12 minutes",
      {
        rotation: { schedule: "* * * * *" },
        propagation: { minimum: "2m" },
        ...withTokens({ maxTTL: "7m", clockSkew: "30s" }),
        rotationWindow: "8m",
      },
    ],
    ["a window of exactly the least", { rotationWindow: "1h2m" }],
    ["a rollback of exactly the window", { rotationWindow: "2h", rollbackWindow: "2h" }],
  ])("%s is good", (_, spec) => {
    expect(problems(spec)).toEqual([]);
  });

  it.each([
    [
      "every 15 minutes at 3h and 2s",
      { rotation: { schedule: "*/15 * * * *" }, propagation: { minimum: "1801s" }, rotationWindow: "2h" },
    ],
    [
      "every minute at 12 minutes and a second",
      {
        rotation: { schedule: "* * * * *" },
        propagation: { minimum: "2m" },
        ...withTokens({ maxTTL: "7m", clockSkew: "30s" }),
        rotationWindow: "481s",
      },
    ],
    [
      "three hours of runs every five minutes, once a month",
      { rotation: { schedule: "*/5 0-2 1 * *" }, rotationWindow: "2h" },
    ],
  ])("%s is not", (_, spec) => {
    expect(problems(spec)).toEqual([expect.stringMatching(/^spec\.rotation\.schedule: must spread/)]);
  });
});
