import { type GatewaySidecar, ringObjectRef } from "./gateway-sidecar.ts";
import type { Members } from "../parse/object.ts";
import { keyRingAcks, labels } from "../parse/api-names.ts";

/** Who the pods are. */
export interface Account {
  readonly name: string;
  /** Who they were before. */
  readonly had: string;
  /** It is made for these pods alone. */
  readonly isOwn: boolean;
  /** Absent: the manifest names none. A binding must; it then says `default`. */
  readonly namespace?: string;
}

/** An object of the API. */
export interface ManifestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels: Readonly<Record<string, string>>;
  };
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

const rightsName = (account: string, rotation: string): string =>
  `${account.replace(/-keyturn$/, "")}-keyturn-${rotation}`;

/** An object that was made for pods of this account, by the label that says for which rotation. */
export const isMadeFor = (account: string, { kind, name, label }: MadeObject): boolean =>
  name === (kind === "ServiceAccount" ? account : rightsName(account, label));

export interface MadeObject {
  readonly kind: string;
  readonly name: string;
  readonly label: string;
}

/** Role and binding for the pods' account; named after both, so that several workloads and rotations fit beside each other. */
export function rightsOf({ name: account, namespace }: Account, options: GatewaySidecar): readonly ManifestObject[] {
  const name = rightsName(account, options.rotation);
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

/**
 * @param made - For what: value of the label by which it is known
 * @param pullSecrets - Names of Secrets
 */
export const accountObject = (
  { name, namespace }: Account,
  made: string,
  pullSecrets: readonly string[],
): ManifestObject => ({
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: metadataOf({ name, namespace }, made),
  ...(pullSecrets.length > 0 && { imagePullSecrets: pullSecrets.map((secret) => ({ name: secret })) }),
});

const metadataOf = (
  { name, namespace }: { readonly name: string; readonly namespace: string | undefined },
  made: string,
) => ({ name, ...(namespace !== undefined && { namespace }), labels: { [labels.sidecar]: made } });
