import type { WriteId } from "./lineage.ts";
import type { ActiveKey, Key, Kid, PreparedKey, Profile, VerifyOnlyKey } from "./key.ts";

/** Which JwtKeyRotation a ring belongs to. Standalone uses the namespace of the config file, or `default`. */
export interface RotationRef {
  readonly namespace: string;
  readonly name: string;
}

/** `namespace/name`: how a rotation is told from every other, and called in messages. */
export const rotationName = ({ namespace, name }: RotationRef): string => `${namespace}/${name}`;

/** What verifiers and minters obey beside the keys. Follows the spec at once, unlike a profile. Whole seconds, in milliseconds. */
export interface RingSettings {
  /** How far a clock may be from the right time, either way: two clocks may differ by twice that. */
  readonly clockSkewMs: number;
  /** `Cache-Control: max-age` of the JWKS. */
  readonly jwksMaxAgeMs: number;
  /** A cap below the signer's own `maxTTLMs`. */
  readonly mintMaxTTLMs: number;
  readonly rotationWindowMs: number;
}

export interface Revocation {
  readonly kid: Kid;
  /** Of an adopted key with a kid of its own: the same key must not come back under another. */
  readonly thumbprint?: Kid;
  readonly revokedAtMs: number;
  readonly reason?: string;
}

/**
 * A key ring as facts, without key material: safe to log, hash and compare. Material lies in a map by kid beside it,
 * so "one signer" and "a status can't leak a key" hold by type.
 */
export interface Ring {
  readonly rotation: RotationRef;
  /** Grows by every write of the ring and by nothing else; a new ring starts at Unix seconds. */
  readonly generation: number;
  /** Ids of the last writes, one for each generation, the own one last. Absent: written by who gave none. A ring made anew begins anew. */
  readonly writes?: readonly WriteId[];
  readonly settings: RingSettings;
  readonly signer: ActiveKey;
  readonly standby?: PreparedKey;
  /** Newest demotion first. */
  readonly retiring: readonly VerifyOnlyKey[];
  /** At most {@link revokedLimit}; oldest first. */
  readonly revoked: readonly Revocation[];
  /** Keys made before `effectiveMs` are revoked; `requestedMs` is the spec's value, which may lie in the future. */
  readonly revokedBefore?: { readonly requestedMs: number; readonly effectiveMs: number };
  /** Caches may still hold a JWKS with this longer max-age, lowered at that instant; new keys wait for them too. */
  readonly longerMaxAge?: { readonly maxAgeMs: number; readonly loweredAtMs: number };
  /** Requests with their origin as prefix (`spec:…`, `annotation:…`), oldest first, at most {@link handledLimit}. */
  readonly handledRequests: readonly string[];
}

/** The most keys that a ring may hold. */
export const keyLimit = 16;
/** Ordinary steps leave one place free, so that an emergency always finds room for a fresh key. */
export const ordinaryKeyLimit = keyLimit - 1;
export const revokedLimit = 256;

/** So many kids of one list that asks for revocations are obeyed, the last ones: people append, and two lists fit into the ring. */
export const revokedKidsLimit = revokedLimit / 2;
export const handledLimit = 16;

/** All keys, in the order in which JWKS lists them: signer, standby, verify-only. */
export const keysOf = (ring: Ring): readonly Key[] => [
  ring.signer,
  ...(ring.standby ? [ring.standby] : []),
  ...ring.retiring,
];

/** The least time for which tokens of a key with this profile must stay verifiable after its last signature. */
export const windowInForceMs = (settings: RingSettings, profile: Profile): number =>
  Math.max(settings.rotationWindowMs, profile.maxTTLMs + 2 * settings.clockSkewMs);
