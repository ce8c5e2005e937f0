import { expect, vi } from "vitest";
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
  if (rules.length > 0) await grant(namespace, { role: name, rules, to: { namespace, name } });
}

export interface Grant {
  readonly role: string;
  readonly rules: readonly RoleRule[];
  readonly to: { readonly namespace: string; readonly name: string };
}

/** Lets a service account do this in a namespace. Resolves when it may: the server learns of a role a moment after it is stored. */
export async function grant(namespace: string, { role, rules, to }: Grant): Promise<void> {
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  const metadata = { name: role };
  await admin.create(`${rbac}/roles`, { metadata, rules });
  await admin.create(`${rbac}/rolebindings`, {
    metadata,
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: role },
    subjects: [{ kind: "ServiceAccount", ...to }],
  });
  const [first] = rules;
  if (first !== undefined)
    await vi.waitFor(() => expect(mayDo(namespace, first, to)).resolves.toBe(true), { timeout: 120_000, interval: 20 });
}

/** What the server's authorizer says of the first that a rule allows. */
async function mayDo(namespace: string, rule: RoleRule, { namespace: home, name }: Grant["to"]): Promise<boolean> {
  const [group] = rule.apiGroups;
  const [resource, subresource] = (rule.resources[0] ?? "").split("/");
  const attributes = { namespace, group, resource, subresource, verb: rule.verbs[0], name: rule.resourceNames?.[0] };
  const spec = { user: `system:serviceaccount:${home}:${name}`, resourceAttributes: attributes };
  const reviews = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
  const { status } = await admin.create<{ status: { allowed: boolean } }>(reviews, { spec });
  return status.allowed;
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
