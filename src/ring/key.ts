/** The RFC 7638 SHA-256 thumbprint of the key; an adopted key keeps the kid that it had. */
export type Kid = string;

/**
 * What `spec.algorithm` may say (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2); `none` and HMAC are not keys of this kind. `Ed25519` is the name
 * that says all; most verifiers know the same signatures as `EdDSA`.
 */
export const algorithms = [
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
] as const;
/** How a key signs. */
export type Algorithm = (typeof algorithms)[number];

/** The six whose keys have a modulus: any of these keys could serve each of them. */
export const rsaAlgorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] as const satisfies Algorithm[];

/** True for RS* and PS*. */
export const isRsa = (algorithm: Algorithm): boolean => rsaAlgorithms.some((one) => one === algorithm);

/** Are these two names of one way to sign? */
export const isSameAlgorithm = (one: unknown, other: Algorithm): boolean =>
  one === other || (isEd25519(one) && isEd25519(other));

/** `EdDSA` with an Ed25519 key, or `Ed25519`: no other curve is there. */
export const isEd25519 = (algorithm: unknown): boolean => algorithm === "EdDSA" || algorithm === "Ed25519";

/** What a key promises for its whole life. Fixed when the key is made; an edit of the spec never changes it. */
export interface Profile {
  readonly algorithm: Algorithm;
  /** The `iss` of every token that the key signs (RFC 7519 §4.1.1). */
  readonly issuer: string;
  /** The `aud` values that the key may sign for (RFC 7519 §4.1.3), at least one; the first is the default. */
  readonly audiences: readonly string[];
  /** The longest `exp - iat` of a token; of one without `iat` the most that is left of it. A whole number of seconds, in milliseconds. */
  readonly maxTTLMs: number;
}

interface KeyFacts {
  readonly kid: Kid;
  readonly profile: Profile;
  /** Length of an RSA key's modulus; absent for other algorithms. Not stored: the codec reads it off the public JWK. */
  readonly modulusBits?: number;
  readonly createdAtMs: number;
  /** How long caches outside our reach may go on without this key once it is published: the key's own wait. */
  readonly waitMs: number;
  /** When the barrier "every verifier accepts the kid" was seen to be passed; absent before. */
  readonly publishedAtMs?: number;
  /** Present for keys that Keyturn did not make; they keep a kid that need not be the thumbprint. */
  readonly adoptedAtMs?: number;
  /** Absent where it is the kid. Not stored: opening a ring computes it from the public JWK. */
  readonly thumbprint?: Kid;
  /** The ring object holds the private half. */
  readonly canSign: boolean;
}

/** Verifiers accept it; it does not sign yet. The standby key. */
export interface PreparedKey extends KeyFacts {
  readonly state: "prepared";
}

/** The one key that signs. */
export interface ActiveKey extends KeyFacts {
  readonly state: "active";
  readonly activatedAtMs: number;
  /** The longest window that was in force while it signed: see {@link windowInForceMs}. */
  readonly windowMs: number;
}

/** Signs no longer, verifies until its rotation window ends. */
export interface VerifyOnlyKey extends KeyFacts {
  readonly state: "verify-only";
  /** Absent for a standby that was discarded before it signed. */
  readonly activatedAtMs?: number;
  readonly windowMs: number;
  readonly demotedAtMs: number;
  /** The generation that demoted it: an older ack proves nothing about this key. */
  readonly demotedInGeneration: number;
  /** When the barrier "nobody signs with it any more" was seen to be passed; absent before. */
  readonly quiescedAtMs?: number;
}

export type Key = PreparedKey | ActiveKey | VerifyOnlyKey;

/** By what a key is told from others. */
export type IdentifiedKey = Pick<Key, "kid" | "thumbprint">;

/** What a key is, whatever it is called: equal when and only when the keys are. Of a kid that was never seen with its key, the kid. */
export const thumbprintOf = ({ kid, thumbprint }: IdentifiedKey): Kid => thumbprint ?? kid;
