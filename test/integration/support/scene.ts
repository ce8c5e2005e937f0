import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { afterAll, inject } from "vitest";
import { ApiError, KubeClient, type KubeObject } from "../../../hack/testcluster/client.ts";

const { connection, kubeConfigFile, kubectl: kubectlCommand } = inject("cluster");

/** The cluster's administrator (system:masters); shared by all tests of a file. */
export const admin = new KubeClient(connection);

/** Whether there is a kubectl to call {@link kubectl} with. */
export const hasKubectl = kubectlCommand !== undefined;

/** The first event of a watch that fits, which is how a test waits. @throws Error when none came within the time */
export async function sees(
  path: string,
  fits: (object: KubeObject, type: string) => boolean,
  withinMs = 120_000,
): Promise<KubeObject> {
  try {
    for await (const { object, type } of admin.watch(path, AbortSignal.timeout(withinMs)))
      if (fits(object, type)) return object;
  } catch (error) {
    if (!(error instanceof Error && error.name === "AbortError")) throw error;
  }
  throw new Error(`Nothing that fits came within ${withinMs} ms from a watch of ${path}`);
}

/** Resolves when the object is gone; `path` is its own. */
export async function gone(path: string, withinMs = 120_000): Promise<void> {
  const [, folder = "", name = ""] = /^(.*)\/([^/]+)$/.exec(path) ?? [];
  const list = await admin.get<{ metadata: { resourceVersion: string } }>(
    `${folder}?fieldSelector=metadata.name=${name}`,
  );
  if (!(await exists(path))) return;
  const from = `resourceVersion=${list.metadata.resourceVersion}`;
  await sees(`${folder}?fieldSelector=metadata.name=${name}&${from}`, (_, type) => type === "DELETED", withinMs);
}

export async function exists(path: string): Promise<boolean> {
  try {
    await admin.get(path);
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false;
    throw error;
  }
}

/** A namespace that nobody else has, ready for pods; removed after the file's tests. Returns its name. */
export async function makeNamespace(prefix: string): Promise<string> {
  const metadata = { generateName: `${prefix}-`, labels: { "keyturn.dev/test": prefix } };
  const { metadata: made } = await admin.create("/api/v1/namespaces", { metadata });
  afterAll(() => admin.remove(`/api/v1/namespaces/${made.name}`));
  if (inject("cluster").hasControllers) {
    const accounts = `/api/v1/namespaces/${made.name}/serviceaccounts`;
    await sees(`${accounts}?fieldSelector=metadata.name=default`, () => true);
  }
  return made.name;
}

export interface PodOptions {
  readonly metadata?: object;
  /** @default default */
  readonly serviceAccountName?: string;
}

/** A pod that will never run, since the cluster has no node; as real as any other to owners, tokens and policies. */
export async function makePod(namespace: string, name: string, more: PodOptions = {}): Promise<KubeObject> {
  const { metadata = {}, serviceAccountName = "default" } = more;
  return admin.create(`/api/v1/namespaces/${namespace}/pods`, {
    metadata: { name, ...metadata },
    spec: { serviceAccountName, containers: [{ name: "main", image: "registry.example/none" }] },
  });
}

/**
 * A token of a service account for the API server; bound to a pod as the kubelet asks for it when a pod is given, and then
 * requests that carry it have `authentication.kubernetes.io/pod-uid`.
 */
export async function tokenFor(namespace: string, serviceAccount: string, pod?: KubeObject): Promise<string> {
  const boundObjectRef = pod && { kind: "Pod", apiVersion: "v1", name: pod.metadata.name, uid: pod.metadata.uid };
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`;
  const answer = await admin.create<{ status: { token: string } }>(path, { spec: { ...(pod && { boundObjectRef }) } });
  return answer.status.token;
}

/** Output of a kubectl command on the cluster, as its administrator. */
export async function kubectl(...args: readonly string[]): Promise<string> {
  const [program = "kubectl", ...first] = kubectlCommand ?? [];
  const env = { ...process.env, KUBECONFIG: kubeConfigFile, KUBECACHEDIR: `${dirname(kubeConfigFile)}/kubectl` };
  const { stdout } = await promisify(execFile)(program, [...first, ...args], { env });
  return stdout;
}

afterAll(() => admin.close());
