import { type Fields, ringObject, type SidecarOptions } from "./sidecar.ts";

/** Who the pods are. */
export interface Account {
  readonly name: string;
  /** Absent: the manifest names none. A binding must; it then says `default`. */
  readonly namespace?: string;
}

const rbac = "rbac.authorization.k8s.io";

/** What the sidecar may do: read the one object, and acknowledge. An admission policy holds each pod to its own ack. */
export function rulesOf(options: SidecarOptions): readonly Fields[] {
  const { resource, name } = ringObject(options);
  return [
    { apiGroups: [""], resources: [resource], resourceNames: [name], verbs: ["get", "list", "watch"] },
    { apiGroups: ["keyturn.dev"], resources: ["keyringacks"], verbs: ["get", "create", "update"] },
  ];
}

/** Role and binding for the pods' account; named after both, so that several workloads and rotations fit beside each other. */
export function rightsOf({ name: account, namespace }: Account, options: SidecarOptions): readonly Fields[] {
  const name = `${account.replace(/-keyturn$/, "")}-keyturn-${options.rotation}`;
  const metadata = { name, ...(namespace !== undefined && { namespace }) };
  return [
    { apiVersion: `${rbac}/v1`, kind: "Role", metadata, rules: rulesOf(options) },
    {
      apiVersion: `${rbac}/v1`,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: rbac, kind: "Role", name: metadata.name },
      subjects: [{ kind: "ServiceAccount", name: account, namespace: namespace ?? "default" }],
    },
  ];
}

export const accountObject = ({ name, namespace }: Account): Fields => ({
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { name, ...(namespace !== undefined && { namespace }) },
});
