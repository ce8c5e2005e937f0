import { join } from "node:path";
import { imageFlags } from "../../../hack/docker/image-flags.ts";
import { certManager, certManagerName } from "../../../hack/cert-manager.ts";
import { root } from "../../../hack/run.ts";
import type { KubeObject } from "../../../hack/testcluster/client.ts";
import { start } from "../sidecar/processes.ts";
import type { Contender } from "./contender.ts";
import type { Pod } from "./pod.ts";

const spec = {
  rotation: { interval: "0s" },
  propagation: { minimum: "0s" },
  tokens: { issuer: "https://issuer.example", audiences: ["api"], maxTTL: "1h" },
};

interface RotationStatus {
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  readonly keys?: readonly { readonly publishedTime?: string }[];
}

/** As it stands in the object; the bench's own server tells no lies. */
const statusOf = (object: KubeObject): RotationStatus => object["status"] ?? {};

const isTrue = ({ conditions = [] }: RotationStatus, wanted: string): boolean =>
  conditions.some(({ type, status }) => type === wanted && status === "True");

/** Ready, and each of so many keys published. */
export function isPublished(object: KubeObject, keys: number): boolean {
  const status = statusOf(object);
  const all = status.keys ?? [];
  return isTrue(status, "Ready") && all.length === keys && all.every((key) => key.publishedTime !== undefined);
}

/** The controller of the bundle, as the image and the chart run it. */
export async function keyturnContender(pod: Pod): Promise<Contender> {
  const namespace = "bench";
  const flags = [...(await imageFlags()), ...pod.flags, ...extraFlags()];
  const program = [...flags, join(root, "dist/bundle/keyturn.cjs"), "controller", `--namespace=${namespace}`];
  return {
    name: "keyturn",
    namespace,
    folder: `/apis/keyturn.dev/v1alpha1/namespaces/${namespace}/jwtkeyrotations`,
    prepare: () => Promise.resolve(),
    objectOf: (name) => ({
      apiVersion: "keyturn.dev/v1alpha1",
      kind: "JwtKeyRotation",
      metadata: { name },
      spec,
    }),
    isReady: (object) => isPublished(object, 2),
    start: () =>
      start(process.execPath, [...program, "--admin-listen=off", "--log-level=error"], { ...ofTheChart, ...pod.env }),
  };
}

/** The environment of the chart's container. */
const ofTheChart = {
  NODE_OPTIONS: "--max-semi-space-size=2",
  MALLOC_ARENA_MAX: "1",
  MALLOC_TRIM_THRESHOLD_: "131072",
};

/** For a profile: `KEYTURN_BENCH_NODE_FLAGS="--cpu-prof --cpu-prof-dir=/tmp/profiles"`. */
const extraFlags = (): readonly string[] =>
  (process.env["KEYTURN_BENCH_NODE_FLAGS"] ?? "").split(" ").filter((flag) => flag !== "");

/** A Certificate each, self-signed, with an ECDSA key of its own: a key made, a Secret written, a status told. */
export async function certManagerContender(kubeConfigFile: string): Promise<Contender> {
  const namespace = "certs";
  const path = await certManager(console.error);
  const group = `/apis/cert-manager.io/v1/namespaces/${namespace}`;
  return {
    name: certManagerName,
    namespace,
    folder: `${group}/certificates`,
    prepare: async (admin) => {
      const issuer = { apiVersion: "cert-manager.io/v1", kind: "Issuer", spec: { selfSigned: {} } };
      await admin.create(`${group}/issuers`, { ...issuer, metadata: { name: "own" } });
    },
    objectOf: (name) => ({
      apiVersion: "cert-manager.io/v1",
      kind: "Certificate",
      metadata: { name },
      spec: {
        secretName: name,
        commonName: name,
        privateKey: { algorithm: "ECDSA", size: 256, rotationPolicy: "Always" },
        issuerRef: { name: "own" },
      },
    }),
    isReady: (object) => isTrue(statusOf(object), "Ready"),
    start: () => start(path, [`--kubeconfig=${kubeConfigFile}`, `--namespace=${namespace}`]),
  };
}
