import { createECDH, createPublicKey } from "node:crypto";
import type { PrivateJwk, PublicJwk } from "../ring/jwk.ts";
import { privateKeyObject } from "./key-objects.ts";

type Ec = Extract<PublicJwk, { kty: "EC" }>;
type EcPrivate = Extract<PrivateJwk, { kty: "EC" }>;
type Okp = Extract<PublicJwk, { kty: "OKP" }>;
type OkpPrivate = Extract<PrivateJwk, { kty: "OKP" }>;

/** As OpenSSL calls them. */
const curves = { "P-256": "prime256v1", "P-384": "secp384r1", "P-521": "secp521r1" } as const;

/**
 * Whether `d` times the curve's base point is this public half (SEC 1 §3.2.1): what makes them one key pair. A public half that
 * fits is a point of its curve, too. Costs one multiplication, a tenth of a signature that is made and verified.
 */
export function isEcPair({ crv, x, y }: Ec, { d }: EcPrivate): boolean {
  const ecdh = createECDH(curves[crv]);
  try {
    ecdh.setPrivateKey(d, "base64url");
  } catch {
    // Zero, or not below the order of the curve
    return false;
  }
  const point = Buffer.concat([uncompressed, Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
  return ecdh.getPublicKey().equals(point);
}

/** SEC 1 §2.3.3 */
const uncompressed = Buffer.from([4]);

/**
 * Whether this public half is the one that OpenSSL makes of `d` (RFC 8032 §5.1.5).
 *
 * @throws ChangeNeededError `KeyUnusable` for a private half that is no key
 */
export function isEd25519Pair({ x }: Okp, privateJwk: OkpPrivate): boolean {
  return createPublicKey(privateKeyObject(privateJwk)).export({ format: "jwk" }).x === x;
}
