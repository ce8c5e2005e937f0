import type { PodClient } from "./roles.ts";

/** A KeyRingAck as the pod that writes it has to make it. */
export const ackOf = ({ name, uid }: Pick<PodClient, "name" | "uid">, rotation: string, more: object = {}): object => ({
  apiVersion: "keyturn.dev/v1alpha1",
  kind: "KeyRingAck",
  metadata: {
    name: `${uid}.${rotation}`,
    labels: { "keyturn.dev/rotation": rotation },
    ownerReferences: [{ apiVersion: "v1", kind: "Pod", name, uid }],
  },
  rotation,
  podName: name,
  generation: 0,
  verifies: [],
  ...more,
});

/** What a gateway's service account may do with acknowledgements. */
export const acknowledges = [
  { apiGroups: ["keyturn.dev"], resources: ["keyringacks"], verbs: ["get", "list", "watch", "create", "update"] },
];
