import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { isatty } from "node:tty";
import type { Option } from "commander";
import { systemClock } from "../time/clock.ts";
import type { Endpoint } from "../kube/endpoint.ts";
import { inClusterEndpoint, podNamespace } from "../kube/in-cluster.ts";
import { KubeError } from "../kube/kube-errors.ts";
import { flag } from "./flags.ts";
import { asSomebody, type Impersonation } from "./impersonation.ts";
import type { Env } from "./terminal.ts";

/** Which cluster a command works on, and as whom. */
export interface ClusterFlags extends Impersonation {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly server?: string;
}

export const clusterFlags = (): readonly Option[] => [
  flag("--kubeconfig <file>", "how to reach the cluster", { otherwise: "KUBECONFIG, the pod's own, ~/.kube/config" }),
  flag("--context <name>", "context of the kubeconfig", { otherwise: "its current one" }),
];

export interface ClusterAccess {
  readonly endpoint: Endpoint;
  /** Of the pod, or of the kubeconfig's context. */
  readonly namespace: string;
  /** For people: `context dev`. */
  readonly where: string;
}

/** The one library that may be left out of an installation: half of its packages, three quarters of its size. */
const kubeconfigLibrary = "@kubernetes/client-node";

/**
 * What reads a kubeconfig; loaded on demand, since the library behind it takes half a second, and need not be installed.
 *
 * @throws KubeError `NoKubeConfigReader`
 */
async function kubeconfigReader() {
  try {
    return await import("./kubeconfig.ts");
  } catch (error) {
    if (!(error instanceof Error && error.message.includes(`Cannot find package '${kubeconfigLibrary}'`))) throw error;
    throw new KubeError("NoKubeConfigReader", `Cannot read a kubeconfig: ${kubeconfigLibrary} must be installed`);
  }
}

/**
 * The way to the cluster: a kubeconfig that is named, else the service account of the pod that this runs in, else
 * `~/.kube/config`.
 *
 * @throws KubeError `BadKubeConfig` | `NoKubeConfig` | `NoKubeConfigReader`
 */
export async function clusterAccess(flags: ClusterFlags, env: Env): Promise<ClusterAccess> {
  const { as, asGroup, asUid } = flags;
  const access = await ownAccess(flags, env);
  if (as === undefined) return access;
  const who = { as, ...(asGroup && { asGroup }), ...(asUid !== undefined && { asUid }) };
  return { ...access, endpoint: asSomebody(access.endpoint, who) };
}

async function ownAccess({ kubeconfig, context, server }: ClusterFlags, env: Env): Promise<ClusterAccess> {
  const named = kubeconfig ?? env["KUBECONFIG"];
  const isInPod = (env["KUBERNETES_SERVICE_HOST"] ?? "") !== "";
  if ((named === undefined || named === "") && context === undefined && server === undefined && isInPod) {
    const options = { env, readFile: (path: string) => readFile(path, "utf8"), clock: systemClock };
    return { endpoint: inClusterEndpoint(options), namespace: await podNamespace(options), where: "this cluster" };
  }
  const { kubeConfigEndpoint } = await kubeconfigReader();
  const files = (named ?? "").split(delimiter).filter((path) => path !== "");
  const found = kubeConfigEndpoint({
    files: files.length > 0 ? files : [join(homedir(), ".kube", "config")],
    // A file that a flag names must be there
    mayMiss: kubeconfig === undefined,
    ...(context !== undefined && { context }),
    ...(server !== undefined && { server }),
    ...{ env, isTerminal: isatty(0) },
  });
  const where = found.context === undefined ? `server ${found.endpoint.server}` : `context ${found.context}`;
  return { endpoint: found.endpoint, namespace: found.namespace ?? "default", where };
}
