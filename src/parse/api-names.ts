/**
 * Every name that others read and write beside Keyturn: kinds, labels, annotations, formats of files, who wrote a field. They are
 * the API: what stands here never changes for a version that is out.
 */

const group = "keyturn.dev";
const version = "v1alpha1";

/** `apiVersion` of every kind of ours. */
export const apiVersion = `${group}/${version}` as const;

/** Labels and annotations below it are Keyturn's own; no `secretTemplate` may set them. */
export const reservedPrefix = `${group}/` as const;

/** The kind that says how a ring is to be rotated, and where the API serves it. */
export const rotations = {
  group,
  version,
  plural: "jwtkeyrotations",
  kind: "JwtKeyRotation",
  namespaced: true,
} as const;

/** The kind in which a gateway states what it verifies and signs with, and where the API serves it. */
export const keyRingAcks = { group, version, plural: "keyringacks", kind: "KeyRingAck", namespaced: true } as const;

/** The kind of the token issuer's file; no API server knows it. */
export const tokenIssuerKind = "TokenIssuer";

/** The kind of an agent's file; no API server knows it. */
export const tokenAgentKind = "TokenAgent";

export const labels = {
  /** Name of the JwtKeyRotation: on the three objects, on acks, and on gateway pods, which are waited for (docs/design.md, section 7). */
  rotation: `${reservedPrefix}rotation`,
  /** `ring`, `signer` or `public`: with {@link labels.rotation} it means that the object is ours. */
  object: `${reservedPrefix}object`,
  /** Where the object belongs: tools that copy it into other namespaces take its labels along, and the admission policy tells by this one that theirs is a copy. */
  namespace: `${reservedPrefix}namespace`,
  /** `true`: on pods with an agent beside the application, by which whoever scrapes finds them. */
  agent: `${reservedPrefix}agent`,
  /** Name of the JwtKeyRotation, or `agent`: on what was made for a sidecar, which is made anew with every injection. */
  sidecar: `${reservedPrefix}sidecar`,
} as const;

/** By which Velero leaves an object out of its backups: an acknowledgement is true of the pod that wrote it, as long as that runs. */
export const notBackedUp = { "velero.io/exclude-from-backup": "true" } as const;

export const annotations = {
  /** Any new text asks for a rotation. */
  rotateRequestedAt: `${reservedPrefix}rotate-requested-at`,
  /** An instant asks for a recovery. */
  recoverRequestedAt: `${reservedPrefix}recover-requested-at`,
  /** A JWK Set that a requested recovery brings along (RFC 7517 §5). */
  recoverJwks: `${reservedPrefix}recover-jwks`,
  /** The keys that `secretTemplate` put there, so that they can be taken away again. */
  template: `${reservedPrefix}template`,
  /** This Secret was somebody else's first: it is never deleted with the resource. */
  adopted: `${reservedPrefix}adopted`,
  /** `disabled`, on a workload or its pods: `keyturn inject` puts no sidecar there, and takes away what it had put. */
  inject: `${reservedPrefix}inject`,
  /** On a workload: what `keyturn inject` has put, by which it knows what somebody edited since. JSON. */
  injected: `${reservedPrefix}injected`,
  /** On a Secret that keeps what was replaced: from where it is. */
  setAsideFrom: `${reservedPrefix}set-aside-from`,
} as const;

/** The `format` of every document that Keyturn stores. A changed form gets a new name, since unknown members are refused. */
export const formats = {
  keyRing: `${reservedPrefix}keyring/v1`,
  /** What a gateway holds on to across its restarts. */
  floor: `${reservedPrefix}floor/v1`,
} as const;

/** The field manager of what the tools change: see `metadata.managedFields`. */
export const toolsManager = "keyturn-cli";

/** `reportingController` of the controller's events. */
export const eventReporter = `${reservedPrefix}controller` as const;
