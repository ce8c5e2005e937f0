import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { isRecord, readValues, type ValueEntry } from "../../hack/chart/comments.ts";
import { helmMajors } from "../../hack/helm.ts";
import { chart, everything, rotations, sessions, template } from "./support/render.ts";

const [rotation] = rotations;
const tokens = { issuer: "https://issuer.example", audiences: ["api"] };

/** What is wrong, the values, and what Helm says, whatever its kind: a place and a reason. */
const wrong: readonly (readonly [string, object, RegExp])[] = [
  ["an unknown name", { replicas: 3 }, /additional properties 'replicas' not allowed/],
  ["a typo", { replicaCuont: 3 }, /additional properties 'replicaCuont' not allowed/],
  ["a typo in a group", { image: { tags: "1" } }, /at '\/image': additional properties 'tags' not allowed/],
  ["a group that is a text", { image: "keyturn:1" }, /at '\/image': got string, want object/],
  ["a number for a text", { image: { tag: 1.1 } }, /at '\/image\/tag': got number, want string/],
  ["a text for a number", { replicaCount: "2" }, /at '\/replicaCount': got string, want integer/],
  ["a negative number", { replicaCount: -1 }, /at '\/replicaCount': minimum: got -1, want 0/],
  ["half a pod", { replicaCount: 1.5 }, /at '\/replicaCount': got number, want integer/],
  ["too many workers", { controller: { workers: 65 } }, /at '\/controller\/workers': maximum: got 65, want 64/],
  ["a word that is no choice", { log: { level: "trace" } }, /at '\/log\/level': value must be one of 'debug', 'info'/],
  [
    "a pull policy of another case",
    { image: { pullPolicy: "always" } },
    /at '\/image\/pullPolicy': value must be one of/,
  ],
  ["a short digest", { image: { digest: "sha256:abc" } }, /at '\/image\/digest': 'sha256:abc' does not match pattern/],
  ["a tag that is none", { image: { tag: "1.2 #3" } }, /at '\/image\/tag': '1.2 #3' does not match pattern/],
  ["no image", { image: { repository: "" } }, /at '\/image\/repository': minLength: got 0, want 1/],
  [
    "an account that can't be",
    { serviceAccount: { name: "a b" } },
    /at '\/serviceAccount\/name': 'a b' does not match/,
  ],
  [
    "another account that can't be",
    { jwks: { serviceAccount: { name: "A" } } },
    /at '\/jwks\/serviceAccount\/name': 'A' does not match pattern/,
  ],
  ["names that can't be", { fullnameOverride: "a: b" }, /at '\/fullnameOverride': 'a: b' does not match pattern/],
  ["half a name that can't be", { nameOverride: "Keys" }, /at '\/nameOverride': 'Keys' does not match pattern/],
  ["a rotation that can't be", { jwks: { rotation: "a: b" } }, /at '\/jwks\/rotation': 'a: b' does not match pattern/],
  ["a long rotation", { jwks: { rotation: "a".repeat(64) } }, /at '\/jwks\/rotation': maxLength: got 64, want 63/],
  ["a Secret that can't be", { jwks: { secretName: "A" } }, /at '\/jwks\/secretName': 'A' does not match pattern/],
  [
    "a name that can't be",
    { rotations: [{ ...rotation, name: "A" }] },
    /at '\/rotations\/0\/name': 'A' does not match/,
  ],
  ["a text for a switch", { crds: { enabled: "yes" } }, /at '\/crds\/enabled': got string, want boolean/],
  ["one namespace without a list", { watchNamespaces: "shop" }, /at '\/watchNamespaces': got string, want array/],
  [
    "a namespace that can't be",
    { watchNamespaces: ["Shop"] },
    /at '\/watchNamespaces\/0': 'Shop' does not match pattern/,
  ],
  ["a namespace twice", { watchNamespaces: ["a", "a"] }, /at '\/watchNamespaces': items at 0 and 1 are equal/],
  ["a label that is a number", { podLabels: { team: 7 } }, /at '\/podLabels\/team': got number, want string/],
  ["a limit in the wrong place", { resources: { memory: "1Gi" } }, /at '\/resources': additional properties 'memory'/],
  ["a misspelled right", { securityContext: { readOnlyRootFileSystem: true } }, /'readOnlyRootFileSystem' not allowed/],
  ["a variable without a name", { extraEnv: [{ value: "x" }] }, /at '\/extraEnv\/0': missing property 'name'/],
  ["a volume of nothing", { extraVolumes: [{ name: "x" }] }, /at '\/extraVolumes\/0': minProperties/],
  ["a half budget", { podDisruptionBudget: { maxUnavailable: "half" } }, /'half' does not match pattern/],
  [
    "an unknown taint effect",
    { tolerations: [{ effect: "Never" }] },
    /at '\/tolerations\/0\/effect': value must be one of/,
  ],
  [
    "a spread without a key",
    { topologySpreadConstraints: [{ maxSkew: 1 }] },
    /missing properties 'topologyKey', 'whenUnsat/,
  ],
  ["a rotation without a name", { rotations: [{ tokens }] }, /at '\/rotations\/0': missing property 'name'/],
  ["a rotation without tokens", { rotations: [{ name: "a" }] }, /at '\/rotations\/0': missing property 'tokens'/],
  [
    "a spec inside of a rotation",
    { rotations: [{ ...rotation, spec: {} }] },
    /additional properties 'spec' not allowed/,
  ],
  [
    "an unknown algorithm",
    { rotations: [{ ...rotation, algorithm: "HS256" }] },
    /at '\/rotations\/0\/algorithm': value must be/,
  ],
  ["a duration without a unit", { rotations: [{ ...rotation, rotationWindow: "90" }] }, /'90' does not match pattern/],
  ["a typo deep in a rotation", { rotations: [{ ...rotation, propagation: { min: "1m" } }] }, /'min' not allowed/],
  [
    "an acknowledgement of nobody",
    { jwks: { acknowledgements: "Required" } },
    /at '\/jwks\/acknowledgements': value must be/,
  ],
  ["a port that is none", { jwks: { service: { port: 70_000 } } }, /maximum: got 70,?000, want 65,?535/],
  ["an interval in words", { metrics: { serviceMonitor: { interval: "often" } } }, /'often' does not match pattern/],
  [
    "an issuer's file outside of its folder",
    { issuer: { secretFiles: [{ file: "../a", secret: "a", key: "b" }] } },
    /at '\/issuer\/secretFiles\/0\/file': '..\/a' does not match pattern/,
  ],
  ["a secret among values", { issuer: { secretFiles: [{ file: "a", value: "s3cret" }] } }, /'value' not allowed/],
  ["a host with a path", { issuer: { ingress: { hosts: ["a.example/b"] } } }, /'a.example\/b' does not match pattern/],
  ["a volume of some size", { issuer: { persistence: { size: "big" } } }, /'big' does not match pattern/],
  [
    "an issuer in clear text",
    { jwks: { revocations: { url: "http://issuer.example/v1/revocations" } } },
    /at '\/jwks\/revocations\/url': .* does not match pattern/,
  ],
  ["an age that is none", { jwks: { revocations: { maxAge: "5" } } }, /'5' does not match pattern/],
  [
    "a peer that is none",
    { networkPolicy: { metricsFrom: [{ namespace: "a" }] } },
    /additional properties 'namespace'/,
  ],
];

describe("values.schema.json", () => {
  describe.each(helmMajors)("Helm %i", (major) => {
    it.each(wrong)("refuses %s", async (_, values, message) => {
      const { code, out, err } = await template(values, { major });
      expect(err).toMatch(message);
      expect({ code, out }).toEqual({ code: 1, out: "" });
    });

    it("lets through what a chart above hands down", async () => {
      expect(await template({ global: { anything: 1 } }, { major })).toMatchObject({ code: 0 });
    });
  });
});

/** Places of objects that let anything in below names that they know. */
const open = (schema: unknown, at = ""): readonly string[] =>
  isRecord(schema)
    ? [
        ...("properties" in schema && schema["additionalProperties"] !== false ? [at] : []),
        ...Object.entries(schema).flatMap(([key, value]) => open(value, `${at}/${key}`)),
      ]
    : [];

it("values.schema.json is closed wherever it knows names, but for what a whole says to all its parts", async () => {
  const schema: unknown = JSON.parse(await readFile(join(chart, "values.schema.json"), "utf8"));
  expect(open(schema)).toEqual(["/properties/global"]);
});

/** Another value of the same kind. */
function another({ path, value, hints }: ValueEntry): unknown {
  const own = others[path.join(".")];
  if (own !== undefined) return own;
  if (Array.isArray(hints["enum"])) return hints["enum"].find((one) => one !== value);
  const inForce = path.reduce<unknown>((at, key) => (isRecord(at) ? at[key] : undefined), everything) ?? value;
  if (typeof inForce === "boolean") return !inForce;
  if (typeof value === "number") return value + 1;
  return byShape[String(hints["shape"])] ?? "another";
}

const byShape: Readonly<Record<string, unknown>> = {
  labels: { another: "label" },
  annotations: { another: "annotation" },
  texts: ["--another=text"],
  references: [{ name: "another" }],
  namespace: "another",
  namespaces: ["another"],
  count: "50%",
  promDuration: "77s",
  ports: [7443],
  resources: { limits: { cpu: "7" } },
  rules: [{ apiGroups: ["another"], resources: ["a"], verbs: ["get"] }],
  podSecurityContext: { runAsUser: 7777 },
  securityContext: { procMount: "Default" },
  probe: { periodSeconds: 77 },
  env: [{ name: "ANOTHER", value: "x" }],
  volumes: [{ name: "another", emptyDir: {} }],
  volumeMounts: [{ name: "another", mountPath: "/another" }],
  affinity: { nodeAffinity: {} },
  tolerations: [{ operator: "Exists" }],
  topologySpreadConstraints: [{ maxSkew: 7, topologyKey: "another", whenUnsatisfiable: "DoNotSchedule" }],
  relabelings: [{ action: "drop" }],
  promRules: [{ record: "another", expr: "1" }],
  peers: [{ namespaceSelector: { matchLabels: { another: "one" } } }],
  rotations: [{ name: "another", tokens }],
  document: { clients: [{ id: "another" }] },
  secretFiles: [{ file: "dashboard", secret: "another", key: "another" }],
  hosts: ["another.example"],
  namesOrReferences: ["another"],
  ingressTls: [{ secretName: "another", hosts: ["another.example"] }],
  parentRefs: [{ name: "another" }],
  egress: [{ ports: [{ port: 7443 }] }],
  containers: [{ name: "another", image: "another" }],
};

const others: Readonly<Record<string, unknown>> = {
  "image.digest": `sha256:${"0".repeat(64)}`,
  "metrics.prometheusRule.disabled": ["KeyturnStalled"],
  "issuer.persistence.size": "7Gi",
  "jwks.revocations.url": "https://another.example/v1/revocations",
  "jwks.revocations.maxAge": "7m",
  "jwks.sessions.bus.url": "nats://another:4222",
};

/** Where a value counts that says nothing beside what else is turned on, by the beginning of its path. */
const elsewhere: Readonly<Record<string, object>> = {
  watchNamespaces: { rotations: [] },
  "issuer.existingConfigMap": { issuer: { config: null } },
  "issuer.tokenReview": { issuer: { config: { trust: [] } } },
  "jwks.sessions.enabled": { jwks: { sessions: { ...sessions, enabled: false } } },
  "jwks.sessions.": { jwks: { sessions } },
  "networkPolicy.session": { jwks: { sessions } },
  "issuer.persistence.": { issuer: { store: { secretName: "" }, replicaCount: 1 } },
};

const nested = (path: readonly string[], value: unknown): Record<string, unknown> =>
  path.reduceRight<unknown>((below, key) => ({ [key]: below }), value) as Record<string, unknown>;

function merged(one: unknown, two: unknown): unknown {
  if (!isRecord(one) || !isRecord(two)) return two;
  const keys = new Set([...Object.keys(one), ...Object.keys(two)]);
  return Object.fromEntries([...keys].map((key) => [key, key in two ? merged(one[key], two[key]) : one[key]]));
}

describe("values.yaml", async () => {
  const entries = readValues(await readFile(join(chart, "values.yaml"), "utf8")).flatMap((section) => section.entries);
  const leaves = entries.filter(({ text }) => text !== "");
  const flags = ["--is-upgrade"];
  let before = "";

  beforeAll(async () => {
    before = (await template(everything, { flags })).out;
  });

  /** What stands around a value, and what is rendered of that. */
  async function around(path: string): Promise<readonly [object, string]> {
    const [, there] = Object.entries(elsewhere).find(([begin]) => path.startsWith(begin)) ?? [];
    if (there === undefined) return [everything, before];
    const values = merged(everything, there) as object;
    return [values, (await template(values, { flags })).out];
  }

  it("has a comment for each value", () => {
    const paths = (at: unknown, path: readonly string[] = []): readonly string[] =>
      isRecord(at) && !leaves.some((leaf) => leaf.path.join() === path.join())
        ? Object.entries(at).flatMap(([key, value]) => paths(value, [...path, key]))
        : [path.join(".")];
    const all = entries.filter((one) => one.path.length === 1).flatMap((one) => paths(one.value, one.path));
    expect(leaves.map((leaf) => leaf.path.join("."))).toEqual(all);
    expect(all.length).toBeGreaterThan(100);
  });

  it.each(leaves.map((leaf) => [leaf.path.join("."), leaf] as const))(
    "%s changes what is rendered",
    async (path, leaf) => {
      const [values, plain] = await around(path);
      const { code, out, err } = await template(merged(values, nested(leaf.path, another(leaf))) as object, { flags });
      expect(err).toBe("");
      expect(code).toBe(0);
      expect(out).not.toBe(plain);
    },
  );
});
