import type { KubeClient } from "../../../hack/testcluster/client.ts";
import { admin, makePod, tokenFor } from "./scene.ts";

/** One rule of a Role. */
export interface RoleRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** Makes a service account that may do this in its namespace, and nothing else. */
export async function makeServiceAccount(
  namespace: string,
  name: string,
  rules: readonly RoleRule[] = [],
): Promise<void> {
  const metadata = { name };
  await admin.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata });
  if (rules.length === 0) return;
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  await admin.create(`${rbac}/roles`, { metadata, rules });
  await admin.create(`${rbac}/rolebindings`, {
    metadata,
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
    subjects: [{ kind: "ServiceAccount", name, namespace }],
  });
}

/** A pod as the API server knows it, and a client that is that pod. */
export interface PodClient {
  readonly name: string;
  readonly uid: string;
  readonly client: KubeClient;
}

/** A pod with that service account, and a client with a token that is bound to the pod. */
export async function makePodClient(namespace: string, name: string, serviceAccountName: string): Promise<PodClient> {
  const pod = await makePod(namespace, name, { serviceAccountName });
  const client = admin.withToken(await tokenFor(namespace, serviceAccountName, pod));
  return { name, uid: String(pod.metadata.uid), client };
}
