import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { Option } from "commander";
import { systemClock } from "../time/clock.ts";
import type { Endpoint } from "../kube/endpoint.ts";
import { inClusterEndpoint, podNamespace } from "../kube/in-cluster.ts";
import { flag } from "./flags.ts";

/** Which cluster a command works on. */
export interface ClusterFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
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

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The way to the cluster: a kubeconfig that is named, else the service account of the pod that this runs in, else
 * `~/.kube/config`.
 *
 * @throws KubeError `BadKubeConfig`
 */
export async function clusterAccess({ kubeconfig, context }: ClusterFlags, env: Env): Promise<ClusterAccess> {
  const named = kubeconfig ?? env["KUBECONFIG"];
  const isInPod = (env["KUBERNETES_SERVICE_HOST"] ?? "") !== "";
  if ((named === undefined || named === "") && context === undefined && isInPod) {
    const options = { env, readFile: (path: string) => readFile(path, "utf8"), clock: systemClock };
    return { endpoint: inClusterEndpoint(options), namespace: await podNamespace(options), where: "this cluster" };
  }
  // The library behind it takes half a second to load
  const { kubeConfigEndpoint } = await import("./kubeconfig.ts");
  const files = (named ?? "").split(delimiter).filter((path) => path !== "");
  const found = kubeConfigEndpoint({
    files: files.length > 0 ? files : [join(homedir(), ".kube", "config")],
    ...(context !== undefined && { context }),
  });
  return { endpoint: found.endpoint, namespace: found.namespace ?? "default", where: `context ${found.context}` };
}
