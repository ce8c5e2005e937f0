import { defaultAlgorithm, modulusBitsOf } from "../ring/codec/read-jwk.ts";
import type { KeyMaterial, PublicJwk } from "../ring/jwk.ts";
import { isRsa, type Algorithm, type Kid } from "../ring/key.ts";
import type { AdoptableKey } from "../ring/plan.ts";
import { ordinaryKeyLimit } from "../ring/ring.ts";
import { thumbprint } from "./thumbprint.ts";

/** What the files of a key do not say. */
export interface AdoptionContext {
  /** When the keys came into being, as far as anybody knows: the Secret's creation, the file's modification. */
  readonly createdAtMs: number;
  /** For an RSA key without `alg`, which may serve six. @default "RS256" */
  readonly algorithm?: Algorithm;
}

/** A standby must still fit in beside the adopted keys, with the place kept free that an emergency needs. */
export const adoptableLimit = ordinaryKeyLimit - 1;

/** The algorithm of a key that does not say: the rotation's own for RSA, when it is one of RSA, else by its type. */
export function algorithmFor(jwk: PublicJwk, wanted: Algorithm | undefined): Algorithm {
  return jwk.kty === "RSA" && wanted !== undefined && isRsa(wanted) ? wanted : defaultAlgorithm(jwk);
}

interface ExistingKey {
  readonly kid: Kid;
  readonly algorithm: Algorithm;
  readonly material: KeyMaterial;
  /** The algorithm does not stand with the key. */
  readonly isUnstated?: boolean;
}

/** The facts of a key that exists already. */
export function adoptable(
  { kid, algorithm, material, isUnstated = false }: ExistingKey,
  { createdAtMs }: AdoptionContext,
): AdoptableKey {
  const modulusBits = modulusBitsOf(material.publicJwk);
  const own = thumbprint(material.publicJwk);
  return {
    kid,
    ...(own !== kid && { thumbprint: own }),
    algorithm,
    ...(modulusBits !== undefined && { modulusBits }),
    createdAtMs,
    ...(isUnstated && material.publicJwk.kty === "RSA" && { isPresumed: true }),
  };
}
