import { type GatewaySidecar, ringObjectRef } from "./gateway-sidecar.ts";
import type { Members } from "../parse/object.ts";
import { keyRingAcks, labels } from "../parse/api-names.ts";

/** Who the pods are. */
export interface Account {
  readonly name: string;
  /** It is made for these pods alone. */
  readonly isOwn: boolean;
  /** Absent: the manifest names none. A binding must; it then says `default`. */
  readonly namespace?: string;
}

/** An object of the API. */
export interface ManifestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly [field: string]: unknown;
}

const rbac = "rbac.authorization.k8s.io";

/** What the gateway may do: read the one object, and acknowledge. An admission policy holds each pod to its own ack. */
function rulesOf(options: GatewaySidecar): readonly Members[] {
  const { resource, name } = ringObjectRef(options);
  const reads = { apiGroups: [""], resources: [resource], resourceNames: [name], verbs: ["get", "list", "watch"] };
  if (options.acks === "off") return [reads];
  return [
    reads,
    {
      apiGroups: [keyRingAcks.group],
      resources: [keyRingAcks.plural],
      verbs: ["get", "list", "watch", "create", "update"],
    },
  ];
}

/** Role and binding for the pods' account; named after both, so that several workloads and rotations fit beside each other. */
export function rightsOf({ name: account, namespace }: Account, options: GatewaySidecar): readonly ManifestObject[] {
  const name = `${account.replace(/-keyturn$/, "")}-keyturn-${options.rotation}`;
  const metadata = metadataOf({ name, namespace }, options.rotation);
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

/** @param made - For what: value of the label by which it is made anew with every injection */
export const accountObject = ({ name, namespace }: Account, made: string): ManifestObject => ({
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: metadataOf({ name, namespace }, made),
});

const metadataOf = (
  { name, namespace }: { readonly name: string; readonly namespace: string | undefined },
  made: string,
) => ({ name, ...(namespace !== undefined && { namespace }), labels: { [labels.sidecar]: made } });
