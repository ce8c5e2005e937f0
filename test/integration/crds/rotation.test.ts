import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../../../hack/run.ts";
import { apply, readManifests } from "../../../hack/testcluster/apply.ts";
import type { KubeObject } from "../../../hack/testcluster/client.ts";
import { parseRotation } from "../../../src/ring/resource/rotation.ts";
import { resource, revoked, tokens, withTokens } from "../../ring/resource/resource.ts";
import { admin, hasKubectl, kubectl, makeNamespace } from "../support/scene.ts";
import { onCreate, onUpdate } from "./judge.ts";

const namespace = await makeNamespace("rotation");
const folder = `/apis/keyturn.dev/v1alpha1/namespaces/${namespace}/jwtkeyrotations`;

const rotation = (name: string, spec: object = {}): object => resource(spec, { name, namespace });
const make = (name: string, spec: object = {}): Promise<KubeObject> => admin.create(folder, rotation(name, spec));

/** `spec.secretName: must …`, as many lines as there are mistakes. */
async function mistakes(name: string, spec: object, there?: KubeObject): Promise<string[]> {
  const object = resource(spec, { name, namespace, resourceVersion: there?.metadata.resourceVersion });
  const { findings } = await (there ? onUpdate(`${folder}/${name}`, object) : onCreate(folder, object));
  return findings.map(({ path, words, message }) => `${path}: ${words ?? message}`);
}

describe("a new JwtKeyRotation", () => {
  it("has every default that is a constant written into it", async () => {
    expect((await make("least"))["spec"]).toEqual({
      algorithm: "ES256",
      propagation: { minimum: "30m", acknowledgements: "Required" },
      tokens: { ...tokens, maxTTL: "1h", clockSkew: "1m" },
      suspend: false,
      deletionPolicy: "Retain",
    });
  });

  it("means to parseRotation what the same file means to it", async () => {
    expect(parseRotation(await make("meaning"))).toEqual(parseRotation(rotation("meaning")));
  });

  it("keeps a default that is given in part, and fills in the rest", async () => {
    const { spec } = (await make("in-part", { propagation: { minimum: "5m" } })) as unknown as { spec: object };
    expect(spec).toMatchObject({ propagation: { minimum: "5m", acknowledgements: "Required" } });
  });

  it("has status.observedGeneration -1, whatever its maker says, so that nobody takes it for ready", async () => {
    const made = await admin.create(folder, { ...rotation("unseen"), status: { observedGeneration: 1 } });
    expect(made["status"]).toEqual({ observedGeneration: -1 });
  });

  it("may not be without a spec", async () => {
    const { apiVersion, kind } = await make("whole");
    const { findings } = await onCreate(folder, { apiVersion, kind, metadata: { name: "no-spec" } });
    expect(findings).toEqual([{ path: "spec", message: "Required value" }]);
  });

  it.each([
    [63, []],
    [64, ["metadata.name: must be a DNS name (a-z, 0-9, - and .) of 1 to 63 characters"]],
  ])("may have a name of %i characters: mistakes %j", async (length, expected) => {
    expect(await mistakes("n".repeat(length), {})).toEqual(expected);
  });

  it("of the largest size is within what rules may cost", async () => {
    const long = (most: number) => (index: number) => `${"x".repeat(most - 3)}${100 + index}`;
    const list = (count: number, each: (index: number) => string) =>
      Array.from({ length: count }, (_, index) => each(index));
    const map = (value: string) =>
      Object.fromEntries(list(32, (i) => `${"d".repeat(253)}/${long(63)(i)}`).map((key) => [key, value]));
    const spec = {
      secretName: "s".repeat(240),
      secretTemplate: {
        labels: map("v".repeat(63)),
        annotations: map("v".repeat(4096)),
        ringAnnotations: map("v".repeat(4096)),
      },
      algorithm: "RS256",
      rsaModulusBits: 4096,
      rotation: { interval: "0".repeat(26) + "87600h", requestID: "x".repeat(128) },
      propagation: { minimum: "0".repeat(28) + "720h" },
      tokens: {
        issuer: "i".repeat(512),
        audiences: list(32, long(512)),
        maxTTL: "0".repeat(27) + "8760h",
        clockSkew: "0".repeat(30) + "1h",
      },
      rotationWindow: "0".repeat(26) + "17520h",
      rollbackWindow: "0".repeat(26) + "17520h",
      activeKid: "k".repeat(256),
      revokedKids: list(64, long(256)).map((kid) => ({ kid, reason: "r".repeat(256) })),
      revokeKeysCreatedBefore: "2026-11-21T10:00:00.123456789+05:45",
      adoption: { maxTTL: "0".repeat(26) + "87600h" },
    };
    const made = await make("largest", spec);
    expect(await mistakes("largest", { ...spec, algorithm: "PS512" }, made)).toEqual([]);
  });
});

describe("the words that a person reads", () => {
  it.each<[string, object, string[]]>([
    [
      "a negative duration",
      withTokens({ maxTTL: "-1h" }),
      [
        "spec.tokens.maxTTL: Invalid value: \"-1h\": spec.tokens.maxTTL in body should match '^([0-9]+(\\.[0-9]+)?(h|m|s|ms))+$'",
        "spec.tokens.maxTTL: must be whole seconds from 1s to 8760h, written as 1h30m",
      ],
    ],
    [
      "a short window",
      { rotationWindow: "30m" },
      ["spec.rotationWindow: must be at least maxTTL + 2 × clockSkew = 1h2m, is 30m"],
    ],
    [
      "a long rollback",
      { rotationWindow: "2h", rollbackWindow: "7201s" },
      ["spec.rollbackWindow: must be at most rotationWindow = 2h, is 2h1s"],
    ],
    [
      "a window too long for the default interval",
      { rotationWindow: "17520h" },
      [
        "spec.rotation.interval: must be 0s or at least (rotationWindow + 2 × propagation.minimum) ÷ 12 = 1460h5m, is 720h, the default",
      ],
    ],
    [
      "two ways to rotate",
      { rotation: { interval: "1h", schedule: "@daily" } },
      ["spec.rotation: must set at most one of interval and schedule, sets both"],
    ],
    [
      "a modulus for ES256",
      { rsaModulusBits: 3072 },
      ["spec.rsaModulusBits: must be set only with an RS or PS algorithm, is set with ES256"],
    ],
    [
      "an hour that no day has",
      { rotation: { schedule: "99 25 * * *" } },
      [
        "spec.rotation.schedule: must have numbers, lists, ranges, steps or * as its minute (0-59)",
        "spec.rotation.schedule: must have numbers, lists, ranges, steps or * as its hour (0-23)",
      ],
    ],
    [
      "a time zone that is an offset",
      { rotation: { schedule: "@weekly", timeZone: "+01:00" } },
      ["spec.rotation.timeZone: must be a name of the IANA time zone database"],
    ],
    ["too many kids", { revokedKids: revoked(65) }, ["spec.revokedKids: Too many: 65: must have at most 64 items"]],
  ])("%s", async (_, spec, lines) => {
    expect(await mistakes("words", spec)).toEqual(lines);
  });
});

describe("secretName can't change:", () => {
  const refusal = (was: string): string[] => [
    `spec.secretName: must stay "${was}", which is mounted by others; make another JwtKeyRotation for another Secret`,
  ];
  it.each<[string, (string | undefined)[], (name: string) => string[]]>([
    ["it may stay", ["a", "a"], () => []],
    ["it may not become another", ["a", "b"], () => refusal("a")],
    ["it may not be set later", [undefined, "a"], (name) => refusal(name)],
    ["it may not be left out later", ["a"], () => refusal("a")],
    ["what it is by default may be said later", [undefined, "own"], () => []],
    ["what it is by default may be left out later", ["own"], () => []],
  ])("%s", async (title, [before, after], expected) => {
    const name = title.replaceAll(" ", "-");
    const secret = (value: string | undefined) =>
      value === undefined ? {} : { secretName: value === "own" ? name : value };
    const there = await make(name, secret(before));
    expect(await mistakes(name, secret(after), there)).toEqual(expected(name));
  });
});

describe("status", () => {
  it("is written apart from the spec, and neither touches the other", async () => {
    const made = await make("apart");
    const status = {
      observedGeneration: 1,
      activeKid: "k",
      waitingFor: "a gateway",
      gateways: { expected: 3, acknowledged: 2, summary: "2/3" },
    };
    const path = `${folder}/apart`;
    const reported = await admin.replace(`${path}/status?fieldValidation=Strict`, {
      ...made,
      spec: { tokens: { ...tokens, issuer: "x" } },
      status,
    });
    expect(reported).toMatchObject({ status, spec: { tokens }, metadata: { generation: 1 } });
    const edited = await admin.merge(path, { spec: { suspend: true }, status: { activeKid: "other" } });
    expect(edited).toMatchObject({ status, spec: { suspend: true }, metadata: { generation: 2 } });
  });
});

describe("kubectl", () => {
  it("applies the example, which has ten lines", async () => {
    const file = join(root, "examples/jwtkeyrotation.yaml");
    expect((await readFile(file, "utf8")).trimEnd().split("\n")).toHaveLength(10);
    for (const object of await readManifests(file)) {
      const applied = await apply(admin, { ...object, metadata: { ...object.metadata, namespace } });
      expect(applied).toMatchObject({ metadata: { name: "gateway-jwt", generation: 1 } });
    }
  });

  it("shows the columns by the short name", async (context) => {
    if (!hasKubectl) context.skip("no kubectl");
    const status = {
      observedGeneration: 1,
      activeKid: "the-kid-in-full",
      columns: { active: "the-kid", next: "30d" },
      nextRotationTime: "2027-01-01T00:00:00Z",
      lastRotationTime: new Date().toISOString(),
      waitingFor: "gateway-1",
      gateways: { expected: 3, acknowledged: 2, summary: "2/3" },
      conditions: ["Ready", "Pinned"].map((type, index) => ({
        ...{ type, status: index === 0 ? "True" : "False", reason: "R", message: "m" },
        lastTransitionTime: new Date().toISOString(),
      })),
    };
    const made = await make("columns");
    await admin.replace(`${folder}/columns/status?fieldValidation=Strict`, { ...made, status });
    const table = async (...flags: string[]) =>
      (await kubectl("get", "jkr", "columns", "-n", namespace, ...flags))
        .split("\n")
        .map((line) => line.split(/ {2,}/));
    const [head, row] = await table();
    const titles = ["NAME", "READY", "REASON", "ACTIVE", "NEXT", "AGE"];
    expect(head?.map((title) => title.trim())).toEqual(titles);
    expect(row?.slice(0, 5)).toEqual(["columns", "True", "R", "the-kid", "30d"]);
    const [wideHead, wideRow] = await table("-o", "wide");
    const more = ["ALGORITHM", "GATEWAYS", "PINNED", "LAST", "NEXT AT", "KID", "WAITING FOR"];
    expect(wideHead?.map((title) => title.trim())).toEqual([...titles, ...more]);
    expect(wideRow?.slice(6, 9)).toEqual(["ES256", "2/3", "False"]);
    expect(wideRow?.slice(-3)).toEqual(["2027-01-01T00:00:00Z", "the-kid-in-full", "gateway-1"]);
  });

  it("explains a field: effect, bounds, default", async (context) => {
    if (!hasKubectl) context.skip("no kubectl");
    const text = (await kubectl("explain", "jkr.spec.rotationWindow")).replace(/\s+/g, " ");
    expect(text).toContain("How long a key that no longer signs is still accepted");
    expect(text).toContain("Default: maxTTL + 2 × clockSkew + propagation.minimum. From 1s to 17520h, whole seconds.");
  });
});
