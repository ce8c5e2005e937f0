import type { KubeClient, KubeObject } from "../../../hack/testcluster/client.ts";
import { names, replicas } from "./names.ts";
import { sees } from "./rotation.ts";

interface ContainerStatus {
  readonly name: string;
  readonly restartCount: number;
  readonly containerID?: string;
}

/** What the story looks at of a pod. */
export interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly status: {
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

const podsPath = (namespace: string): string => `/api/v1/namespaces/${namespace}/pods`;

/** The application's pods. */
export async function appPods(client: KubeClient): Promise<readonly Pod[]> {
  const { items } = await client.get<{ items: readonly Pod[] }>(
    `${podsPath(names.namespace)}?labelSelector=app=${names.app}`,
  );
  return items;
}

/** How often gateways, agents and issuers were started again, by pod. */
export async function sidecarRestarts(client: KubeClient): Promise<Readonly<Record<string, number>>> {
  const podsWith = async (label: string): Promise<readonly Pod[]> =>
    (await client.get<{ items: readonly Pod[] }>(`${podsPath(names.namespace)}?labelSelector=${label}`)).items;
  const issuers = await podsWith("app.kubernetes.io/component=issuer");
  const others = [await podsWith(`app=${names.caller}`), await podsWith(`app=${names.talker}`)];
  const beside = [...(await appPods(client)), ...others.flat()];
  const restarts = (containers: readonly ContainerStatus[] = []): number =>
    containers.reduce((sum, { restartCount }) => sum + restartCount, 0);
  return Object.fromEntries([
    ...beside.map(({ metadata, status }) => [metadata.name, restarts(status.initContainerStatuses)]),
    ...issuers.map(({ metadata, status }) => [metadata.name, restarts(status.containerStatuses)]),
  ]) as Readonly<Record<string, number>>;
}

interface DeploymentParts {
  readonly metadata: { readonly generation?: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
  };
}

/** As `kubectl rollout status`. */
export async function rolledOut(client: KubeClient): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${names.namespace}/deployments?fieldSelector=metadata.name=${names.app}`;
  const fits = (object: KubeObject): boolean => {
    const { metadata, status = {} } = object as unknown as DeploymentParts;
    const isCurrent = (status.observedGeneration ?? 0) >= (metadata.generation ?? 0);
    const counts = [status.replicas, status.updatedReplicas, status.readyReplicas];
    return isCurrent && counts.every((count) => count === replicas);
  };
  await sees(client, path, { what: `${replicas} replicas are Ready`, fits });
}

/** Deletes a pod and waits until it is gone. */
export async function removePod(client: KubeClient, name: string): Promise<void> {
  const path = podsPath(names.namespace);
  await client.remove(`${path}/${name}`);
  const list = await client.get<{ items: readonly Pod[] }>(`${path}?fieldSelector=metadata.name=${name}`);
  if (list.items.length === 0) return;
  const fits = (_: KubeObject, type: string): boolean => type === "DELETED";
  await sees(client, `${path}?fieldSelector=metadata.name=${name}`, { what: `${name} is gone`, fits });
}

/** The controller's container that holds the Lease. */
export async function leadingContainer(client: KubeClient): Promise<string> {
  const leases = `/apis/coordination.k8s.io/v1/namespaces/${names.system}/leases`;
  const { items } = await client.get<{ items: readonly { readonly spec: { readonly holderIdentity?: string } }[] }>(
    leases,
  );
  const [pod = ""] = items.flatMap(({ spec }) => spec.holderIdentity?.split("_").slice(0, 1) ?? []);
  const { status } = await client.get<Pod>(`${podsPath(names.system)}/${pod}`);
  const id = status.containerStatuses?.[0]?.containerID;
  if (id === undefined) throw new Error(`Cannot find the leader's container: pod "${pod}" must have one`);
  return id;
}

/** Waits until the kubelet is heard of again. */
export async function nodeReady(client: KubeClient): Promise<void> {
  const fits = ({ status }: KubeObject): boolean => {
    const { conditions = [] } = status as { conditions?: readonly { type: string; status: string }[] };
    return conditions.some((one) => one.type === "Ready" && one.status === "True");
  };
  await sees(client, "/api/v1/nodes", { what: "the node is Ready", fits });
}
