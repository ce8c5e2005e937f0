import { admin } from "../../support/scene.ts";

export interface Account {
  readonly namespace: string;
  readonly account: string;
}

/** Whether a service account may do it, by the API server's own word: `get secrets:NAME`, `update leases.coordination.k8s.io`, with a namespace behind it. */
export async function may({ namespace, account }: Account, what: string): Promise<boolean> {
  const [verb, resource = "", where = namespace] = what.split(" ");
  const [, name, group = "", subresource, object] =
    /^([a-z]+)(?:\.([a-z0-9.]+))?(?:\/([a-z]+))?(?::(.+))?$/.exec(resource) ?? [];
  const user = `system:serviceaccount:${namespace}:${account}`;
  const groups = ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"];
  const resourceAttributes = { verb, group, resource: name, subresource, name: object, namespace: where };
  const path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
  const answer = await admin.create<{ status: { allowed: boolean } }>(path, {
    spec: { user, groups, resourceAttributes },
  });
  return answer.status.allowed;
}
