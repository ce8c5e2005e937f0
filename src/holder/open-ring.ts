import type { KeyObject } from "node:crypto";
import { openKeyRing } from "../crypto/open.ts";
import { privateKeyObject } from "../crypto/key-objects.ts";
import type { ProjectionName } from "../ring/codec.ts";
import type { PublicJwk } from "../ring/jwk.ts";
import type { Kid } from "../ring/key.ts";
import type { Ring } from "../ring/ring.ts";
import { frozen } from "../parse/frozen.ts";

/** The signer's private half, as node:crypto holds it: no member of it can be printed. */
export interface Half {
  readonly kid: Kid;
  readonly key: KeyObject;
}

/** A ring whose every key is proved. Frozen: what was loaded is what verifies, until another one is loaded. */
export interface OpenRing {
  readonly ring: Ring;
  /** Of every key of the ring. */
  readonly publicJwks: ReadonlyMap<Kid, PublicJwk>;
  /** Absent where the document has none, and in a gateway that does not mint. */
  readonly half?: Half;
}

/**
 * Returns the ring of a `keyring.json`, proved by `openKeyRing`; the private half leaves the JWK form here.
 *
 * @param withHalf - False: a private half that is there is not kept
 * @throws ChangeNeededError `RingUnreadable`, never with key material
 */
export async function openRing(text: string, kind: ProjectionName, withHalf: boolean): Promise<OpenRing> {
  const { ring, materials } = await openKeyRing(text, kind);
  const { kid } = ring.signer;
  const privateJwk = withHalf ? materials.get(kid)?.privateJwk : undefined;
  return Object.freeze({
    ring: frozen(ring),
    publicJwks: new Map([...materials].map(([of, { publicJwk }]) => [of, frozen(publicJwk)])),
    ...(privateJwk && { half: Object.freeze({ kid, key: privateKeyObject(privateJwk) }) }),
  });
}
