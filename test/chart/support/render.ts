import { spawn } from "node:child_process";
import { join } from "node:path";
import { inject } from "vitest";
import { parseAllDocuments } from "yaml";
import { root } from "../../../hack/run.ts";
import type { HelmMajor } from "../../../hack/helm.ts";

export const chart = join(root, "charts/keyturn");

/** What is rendered, as much of it as the tests look at by name. */
export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly rules?: readonly object[];
  readonly subjects?: readonly object[];
  readonly roleRef?: object;
  readonly spec?: unknown;
  readonly data?: Readonly<Record<string, string>>;
}

export interface HelmRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface HelmCall {
  /** @default 4 */
  readonly major?: HelmMajor;
  /** Written to standard input: name it with `-f -`. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs Helm to its end; a failure is a result. */
export async function runHelm(args: readonly string[], call: HelmCall = {}): Promise<HelmRun> {
  const { major = 4, input = "", env = {} } = call;
  const child = spawn(inject("helms")[major], args, { env: { ...process.env, HELM_DEBUG: "false", ...env } });
  const [out, err] = [child.stdout, child.stderr].map((stream) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    return chunks;
  }) as [Buffer[], Buffer[]];
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const code = await new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (ended) => resolve(ended ?? 1));
  });
  return { code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() };
}

export interface RenderOptions extends Omit<HelmCall, "input"> {
  /** @default keyturn */
  readonly release?: string;
  /** @default keyturn-system */
  readonly namespace?: string;
  readonly flags?: readonly string[];
}

/** What `helm template` makes of the values. */
export function template(values: object = {}, options: RenderOptions = {}): Promise<HelmRun> {
  const { release = "keyturn", namespace = "keyturn-system", flags = [], ...call } = options;
  const args = ["template", release, chart, "--namespace", namespace, "--values", "-", ...flags];
  return runHelm(args, { ...call, input: JSON.stringify(values) });
}

/** @throws Error with what Helm says, or with what is no YAML */
export async function render(values: object = {}, options: RenderOptions = {}): Promise<readonly Rendered[]> {
  const { code, out, err } = await template(values, options);
  if (code !== 0) throw new Error(err);
  const documents = parseAllDocuments(out);
  // A key that stands twice, for one, which Helm lets through
  for (const error of documents.flatMap(({ errors }) => errors)) throw error;
  return documents.map((document) => document.toJS() as Rendered | null).filter((one) => one !== null);
}

/** The one object of this kind, and of this name where there are several. @throws Error when it is not one */
export function the(objects: readonly Rendered[], kind: string, name?: string): Rendered {
  const found = objects.filter((one) => one.kind === kind && (name === undefined || one.metadata.name === name));
  const [first, ...others] = found;
  if (first === undefined || others.length > 0) {
    const all = objects.map((one) => `${one.kind} ${one.metadata.name}`).join(", ");
    throw new Error(`Cannot tell the ${kind} ${name ?? ""}: there are ${found.length} of it in ${all}`);
  }
  return first;
}

export const kindsOf = (objects: readonly Rendered[]): readonly string[] => [
  ...new Set(objects.map((one) => one.kind)),
];

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly [field: string]: unknown;
}

export interface PodSpec {
  readonly containers: readonly [Container, ...Container[]];
  readonly serviceAccountName: string;
  readonly [field: string]: unknown;
}

/** The pod that a Deployment or a Job makes. */
export const podOf = (workload: Rendered): { readonly metadata: Rendered["metadata"]; readonly spec: PodSpec } =>
  (workload.spec as { readonly template: { readonly metadata: Rendered["metadata"]; readonly spec: PodSpec } })
    .template;

/** Two rotations in two namespaces, one of them with more than it needs. */
export const rotations = [
  {
    name: "gateway",
    namespace: "shop",
    secretName: "gateway-keys",
    tokens: { issuer: "https://issuer.example", audiences: ["api"] },
    rotation: { interval: "24h" },
    suspend: false,
  },
  { name: "orders", tokens: { issuer: "https://issuer.example", audiences: ["orders"], maxTTL: "10m" } },
];

const allow = { audiences: ["api"], scopes: ["read"] };

/** The spec of a TokenIssuer: a client with a secret, and the ServiceAccounts of the cluster. */
export const issuerConfig = {
  maxAccessTTL: "15m",
  clients: [{ id: "dashboard", secretFiles: ["secrets/dashboard"], allow }],
  trust: [
    {
      ...{ name: "cluster", issuer: "https://kubernetes.default.svc.cluster.local", tokenReview: {} },
      audiences: ["keyturn-issuer"],
      rules: [{ name: "all", match: { sub: "system:serviceaccount:*:*" }, subject: "{sub}", allow }],
    },
  ],
};

/** An issuer on SQLite. */
export const issuer = {
  ...{ enabled: true, rotation: "gateway", namespace: "shop", config: issuerConfig },
  secretFiles: [{ file: "dashboard", secret: "dashboard-client", key: "secret" }],
};

/** The same on PostgreSQL, with all that several pods have. */
export const manyIssuers = {
  ...{ ...issuer, replicaCount: 3, store: { secretName: "grants-url" } },
  tls: { secretName: "issuer-tls" },
  ingress: { enabled: true, hosts: ["issuer.example"] },
  httpRoute: { enabled: true, parentRefs: [{ name: "public" }] },
};

/** Sessions at the gateways that serve public keys, with all that they have. */
export const sessions = {
  enabled: true,
  containers: [{ name: "relay", image: "registry.example/relay:1.0" }],
  bus: { url: "nats://nats:4222", secretName: "nats", caConfigMap: "nats-ca" },
};

/** Everything that can be turned on. */
export const everything = {
  rotations,
  jwks: {
    ...{ enabled: true, rotation: "gateway", namespace: "shop" },
    revocations: { url: "https://issuer.example/v1/revocations", maxAge: "5m", caConfigMap: "issuer-ca" },
    ingress: { enabled: true, hosts: ["issuer.example"] },
    httpRoute: { enabled: true, parentRefs: [{ name: "public" }] },
  },
  issuer: manyIssuers,
  metrics: {
    serviceMonitor: { enabled: true },
    gatewayPodMonitor: { enabled: true },
    agentPodMonitor: { enabled: true },
    prometheusRule: { enabled: true },
    dashboard: { enabled: true },
  },
  networkPolicy: { enabled: true },
};

/** And an application beside the gateways that serve public keys, which is not ours. */
export const withSessions = { ...everything, jwks: { ...everything.jwks, sessions } };
