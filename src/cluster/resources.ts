import type { Resource } from "../kube/resource.ts";

const keyturn = (plural: string, kind: string): Resource => ({
  group: "keyturn.dev",
  version: "v1alpha1",
  plural,
  kind,
  namespaced: true,
});

export const rotations = keyturn("jwtkeyrotations", "JwtKeyRotation");
export const keyRingAcks = keyturn("keyringacks", "KeyRingAck");

/** Names that Keyturn gives to metadata of objects that are not its own kinds. */
export const labels = {
  /** Name of the JwtKeyRotation: on the three objects, on gateway pods, on acks. */
  rotation: "keyturn.dev/rotation",
  /** `ring`, `signer` or `public`: with {@link labels.rotation} it means that the object is ours. */
  object: "keyturn.dev/object",
} as const;

export const annotations = {
  /** The keys that `secretTemplate` put there, so that they can be taken away again. */
  template: "keyturn.dev/template",
  /** This Secret was somebody else's first: it is never deleted with the resource. */
  adopted: "keyturn.dev/adopted",
  /** A JWK Set that a requested recovery brings along (RFC 7517 §5). */
  recoverJwks: "keyturn.dev/recover-jwks",
} as const;
