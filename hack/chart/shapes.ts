import { rotationDefinition } from "../crds/rotation.ts";
import { isRecord } from "./comments.ts";

/** As much of JSON Schema (draft 7, which every Helm 3 and 4 reads) as the values need. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly items?: JsonSchema;
  readonly uniqueItems?: boolean;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly required?: readonly string[];
  readonly minProperties?: number;
}

export const closed = (properties: Readonly<Record<string, JsonSchema>>, more: JsonSchema = {}): JsonSchema => ({
  type: "object",
  additionalProperties: false,
  ...more,
  properties,
});

const text: JsonSchema = { type: "string" };
const name: JsonSchema = { type: "string", minLength: 1 };
const whole: JsonSchema = { type: "integer" };
const flag: JsonSchema = { type: "boolean" };
const listOf = (items: JsonSchema): JsonSchema => ({ type: "array", items });
const mapOf = (additionalProperties: JsonSchema): JsonSchema => ({ type: "object", additionalProperties });
const texts = listOf(text);

/** What Kubernetes judges itself, deeper than a typo of the value goes. */
const anything: JsonSchema = { type: "object" };
const some = (...keys: readonly string[]): Record<string, JsonSchema> =>
  Object.fromEntries(keys.map((key) => [key, anything]));
const labels = mapOf(text);
const selector = closed({ matchLabels: labels, matchExpressions: listOf(anything) });
const seconds: JsonSchema = { type: "integer", minimum: 0 };
const dnsLabel = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";
const dnsName = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const fileName = "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,252}$";
const quantities = mapOf({ type: ["string", "integer", "number"] });
const seccompProfile = closed({ type: text, localhostProfile: text });
const appArmorProfile = seccompProfile;
const user = { runAsNonRoot: flag, runAsUser: whole, runAsGroup: whole, seccompProfile, appArmorProfile };
const seLinuxOptions = mapOf(text);
const windowsOptions = anything;

const volumeSources = [
  ...["configMap", "secret", "projected", "emptyDir", "downwardAPI", "csi", "hostPath", "nfs"],
  ...["persistentVolumeClaim", "ephemeral", "image"],
];

/** The custom resource's own schema, without what only an API server understands, and closed: Helm finds typos there, too. */
function plain(schema: unknown): JsonSchema {
  if (!isRecord(schema)) return {};
  const kept = Object.entries(schema)
    .filter(([key]) => !key.startsWith("x-kubernetes-") && key !== "default" && key !== "format")
    .map(([key, value]): [string, unknown] => {
      if (key === "items") return [key, plain(value)];
      if (key === "additionalProperties" && isRecord(value)) return [key, plain(value)];
      if (key === "properties" && isRecord(value)) return [key, mapValues(value, plain)];
      return [key, value];
    });
  return { ...Object.fromEntries(kept), ...("properties" in schema && { additionalProperties: false }) };
}

const mapValues = <T>(of: Readonly<Record<string, unknown>>, change: (value: unknown) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(of).map(([key, value]) => [key, change(value)]));

function fieldAt(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((at, key) => {
    if (Array.isArray(at) && typeof key === "number") return at[key];
    return isRecord(at) ? at[key] : undefined;
  }, value);
}

function rotations(): JsonSchema {
  const spec = plain(
    fieldAt(rotationDefinition.spec, "versions", 0, "schema", "openAPIV3Schema", "properties", "spec"),
  );
  const { properties = {}, required = [] } = spec;
  const own = {
    name: { ...name, maxLength: 63, pattern: `^${dnsName}$`, description: "Of the JwtKeyRotation." },
    namespace: { ...text, pattern: `^${dnsLabel}$`, description: "Default: the release's." },
    labels,
    annotations: labels,
  };
  return listOf(closed({ ...own, ...properties }, { required: ["name", ...required] }));
}

const peers = listOf(
  closed({
    podSelector: selector,
    namespaceSelector: selector,
    ipBlock: closed({ cidr: name, except: texts }, { required: ["cidr"] }),
  }),
);

/** What `@schema {shape: …}` names. */
export const shapes: Readonly<Record<string, JsonSchema>> = {
  texts,
  labels,
  annotations: labels,
  namespace: { type: "string", pattern: `^(${dnsLabel})?$` },
  objectName: { type: "string", maxLength: 253, pattern: `^(${dnsName})?$` },
  namespaces: { ...listOf({ type: "string", pattern: `^${dnsLabel}$` }), uniqueItems: true },
  references: listOf(closed({ name }, { required: ["name"] })),
  namesOrReferences: listOf({ ...closed({ name }, { required: ["name"] }), type: ["string", "object"], minLength: 1 }),
  count: { type: ["integer", "string"], pattern: "^[0-9]+%$", minimum: 0 },
  promDuration: { type: "string", pattern: "^([0-9]+(ms|[smhd]))+$" },
  ports: listOf({ type: "integer", minimum: 1, maximum: 65_535 }),
  resources: closed({ requests: quantities, limits: quantities, claims: listOf(anything) }),
  rules: listOf(
    closed(
      { apiGroups: texts, resources: texts, verbs: texts, resourceNames: texts, nonResourceURLs: texts },
      { required: ["verbs"] },
    ),
  ),
  podSecurityContext: closed({
    ...user,
    ...{ fsGroup: whole, fsGroupChangePolicy: text, supplementalGroups: listOf(whole) },
    ...{ supplementalGroupsPolicy: text, sysctls: listOf(anything), seLinuxOptions, seLinuxChangePolicy: text },
    windowsOptions,
  }),
  securityContext: closed({
    ...user,
    ...{ allowPrivilegeEscalation: flag, readOnlyRootFilesystem: flag, privileged: flag, procMount: text },
    capabilities: closed({ add: texts, drop: texts }),
    ...{ seLinuxOptions, windowsOptions },
  }),
  probe: closed({
    ...{ initialDelaySeconds: seconds, periodSeconds: seconds, timeoutSeconds: seconds },
    ...{ successThreshold: seconds, failureThreshold: seconds, terminationGracePeriodSeconds: seconds },
  }),
  env: listOf(
    closed(
      {
        name,
        value: text,
        valueFrom: closed(some("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")),
      },
      { required: ["name"] },
    ),
  ),
  volumes: listOf(closed({ name, ...some(...volumeSources) }, { required: ["name"], minProperties: 2 })),
  volumeMounts: listOf(
    closed(
      {
        ...{ name, mountPath: name, readOnly: flag, subPath: text, subPathExpr: text },
        ...{ mountPropagation: text, recursiveReadOnly: text },
      },
      { required: ["name", "mountPath"] },
    ),
  ),
  affinity: closed(some("nodeAffinity", "podAffinity", "podAntiAffinity")),
  tolerations: listOf(
    closed({
      ...{ key: text, value: text, tolerationSeconds: whole },
      operator: { enum: ["Exists", "Equal", "Lt", "Gt"] },
      effect: { enum: ["NoSchedule", "PreferNoSchedule", "NoExecute"] },
    }),
  ),
  topologySpreadConstraints: listOf(
    closed(
      {
        ...{ maxSkew: { type: "integer", minimum: 1 }, topologyKey: name, minDomains: whole, labelSelector: selector },
        ...{ matchLabelKeys: texts, nodeAffinityPolicy: text, nodeTaintsPolicy: text },
        whenUnsatisfiable: { enum: ["DoNotSchedule", "ScheduleAnyway"] },
      },
      { required: ["maxSkew", "topologyKey", "whenUnsatisfiable"] },
    ),
  ),
  relabelings: listOf(
    closed({
      ...{ sourceLabels: texts, separator: text, targetLabel: text, regex: text, modulus: whole },
      ...{ replacement: text, action: text },
    }),
  ),
  promRules: listOf(
    closed(
      { ...{ alert: name, record: name, expr: name, for: text, keep_firing_for: text }, labels, annotations: labels },
      { required: ["expr"] },
    ),
  ),
  peers,
  egress: listOf(closed({ to: peers, ports: listOf(anything) })),
  // The API server judges the rest of them
  containers: listOf({ ...anything, required: ["name", "image"] }),
  rotations: rotations(),
  // The program judges it, with its place and what it must be
  document: anything,
  secretFiles: listOf(
    closed(
      { file: { ...text, pattern: fileName }, secret: { ...text, pattern: `^${dnsName}$` }, key: name },
      {
        required: ["file", "secret", "key"],
      },
    ),
  ),
  hosts: listOf({ ...text, pattern: `^(\\*\\.)?${dnsName}$` }),
  ingressTls: listOf(closed({ secretName: text, hosts: texts })),
  parentRefs: listOf(
    closed(
      { ...{ group: text, kind: text, name, namespace: text, sectionName: text }, port: whole },
      { required: ["name"] },
    ),
  ),
};
