import { encodeKeyRing, type RingObject } from "../ring/codec.ts";
import type { KeyMaterials } from "../ring/jwk.ts";
import type { Ring } from "../ring/ring.ts";
import { privateJwks, publicJwks, type PrivateJwks, type PublicJwks } from "./jwks.ts";
import { pkcs8Pem, spkiPem } from "./pem.ts";

/** The data of one Secret or ConfigMap, or the files of one directory: text by name. */
export type Files = Readonly<Record<string, string>>;

/** Every name that Keyturn ever writes; all others are somebody else's. */
export const ourFiles: readonly string[] = [
  "keyring.json",
  "jwks.json",
  "private-jwks.json",
  "signing.pem",
  "public.pem",
  "kid",
];

/** The ring object: the truth, for the controller alone. `keyring.json` with every private half. */
export function ringObject(ring: Ring, materials: KeyMaterials): Files {
  return { "keyring.json": encodeKeyRing(ring, materials, "ring") };
}

/**
 * The signer object, for those who mint: the ring with the signer's private half and no other, the same as JWKS and as
 * the three files `signing.pem`, `public.pem` and `kid` of the older, single-key kind.
 *
 * Without `signing.pem` when the signer's private half is lost. `kid` has no line end: readers take the file as it is.
 */
export function signerObject(ring: Ring, materials: KeyMaterials): Files {
  const material = materials.get(ring.signer.kid);
  const half = ring.signer.canSign ? material?.privateJwk : undefined;
  return {
    "keyring.json": encodeKeyRing(ring, materials, "signer"),
    "jwks.json": jwksText(publicJwks(ring, materials)),
    "private-jwks.json": jwksText(privateJwks(ring, materials)),
    ...(half && { "signing.pem": pkcs8Pem(half) }),
    ...(material && { "public.pem": spkiPem(material.publicJwk) }),
    kid: ring.signer.kid,
  };
}

/** The public object: no private member and no revocation reason. Its `jwks.json` is the signer object's, byte for byte. */
export function publicObject(ring: Ring, materials: KeyMaterials): Files {
  return {
    "keyring.json": encodeKeyRing(ring, materials, "public"),
    "jwks.json": jwksText(publicJwks(ring, materials)),
  };
}

/** What each of the three objects is made of. */
export const filesOf: Readonly<Record<RingObject, (ring: Ring, materials: KeyMaterials) => Files>> = {
  ring: ringObject,
  signer: signerObject,
  public: publicObject,
};

const jwksText = (jwks: PublicJwks | PrivateJwks): string => `${JSON.stringify(jwks, undefined, 2)}\n`;
