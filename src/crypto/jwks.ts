import { bothHalves, publicHalf } from "../ring/codec/read-jwk.ts";
import type { KeyMaterials, PrivateJwk, PublicJwk } from "../ring/jwk.ts";
import type { Algorithm, Key, Kid } from "../ring/key.ts";
import { keysOf, type Ring } from "../ring/ring.ts";

interface JwkNames {
  readonly kid: Kid;
  /** RFC 7517 §4.4. */
  readonly alg: Algorithm;
  /** RFC 7517 §4.2. */
  readonly use: "sig";
}

/** A JWK Set as verifiers fetch it (RFC 7517 §5). */
export interface PublicJwks {
  readonly keys: readonly (PublicJwk & JwkNames)[];
}

/** The same, with the private half of the first key. Never leaves the signer object. */
export interface PrivateJwks {
  readonly keys: readonly ((PublicJwk | PrivateJwk) & JwkNames)[];
}

/** Every key that verifies: signer first, then the standby, then verify-only keys. */
export function publicJwks(ring: Ring, materials: KeyMaterials): PublicJwks {
  return { keys: keysOf(ring).flatMap((key) => publicEntries(key, materials)) };
}

/** The JWKS with the signer's private half, when it is there, as its first key; no other private half. */
export function privateJwks(ring: Ring, materials: KeyMaterials): PrivateJwks {
  const [first, ...others] = publicJwks(ring, materials).keys;
  const half = ring.signer.canSign ? materials.get(ring.signer.kid)?.privateJwk : undefined;
  const signer = half ? { ...names(ring.signer), ...bothHalves(half) } : first;
  return { keys: signer ? [signer, ...others] : others };
}

function publicEntries(key: Key, materials: KeyMaterials): PublicJwks["keys"] {
  const material = materials.get(key.kid);
  return material ? [{ ...names(key), ...publicHalf(material.publicJwk) }] : [];
}

const names = (key: Key): JwkNames => ({ kid: key.kid, alg: key.profile.algorithm, use: "sig" });
