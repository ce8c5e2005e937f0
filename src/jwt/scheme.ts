import { sign, verify, type KeyObject } from "node:crypto";
import { publicKeyObject } from "../crypto/signature.ts";
import type { PublicJwk } from "../ring/jwk.ts";
import type { Algorithm } from "../ring/key.ts";
import { derOfRaw, rawOfDer } from "./ecdsa.ts";
import { pssPrivateKey, pssPublicKey, type PssHash } from "./pss.ts";

/** Does the signature fit these bytes? By one key and one algorithm; never throws. */
export type Check = (input: Buffer, signature: Buffer) => boolean;
/** The signature of these bytes in its JWS form (RFC 7518 §3). */
export type Sign = (input: Buffer) => Buffer;

/** Each algorithm's kind, hash and lengths (RFC 7518 §3.3 to §3.5, RFC 8037 §3.1). */
type Scheme =
  | { readonly kind: "eddsa" }
  /** `size`: bytes of R, and of S. */
  | { readonly kind: "ecdsa"; readonly hash: string; readonly size: number }
  | { readonly kind: "pkcs1"; readonly hash: string }
  | { readonly kind: "pss"; readonly hash: PssHash };

const schemes: Readonly<Record<Algorithm, Scheme>> = {
  ES256: { kind: "ecdsa", hash: "sha256", size: 32 },
  ES384: { kind: "ecdsa", hash: "sha384", size: 48 },
  ES512: { kind: "ecdsa", hash: "sha512", size: 66 },
  EdDSA: { kind: "eddsa" },
  RS256: { kind: "pkcs1", hash: "sha256" },
  RS384: { kind: "pkcs1", hash: "sha384" },
  RS512: { kind: "pkcs1", hash: "sha512" },
  PS256: { kind: "pss", hash: "sha256" },
  PS384: { kind: "pss", hash: "sha384" },
  PS512: { kind: "pss", hash: "sha512" },
};

/** Bytes of an Ed25519 signature (RFC 8032 §5.1.6). */
const ed25519Bytes = 64;

/**
 * How signatures of this key are checked. Each has exactly one length; OpenSSL refuses an Ed25519 S that is not below the
 * group's order (RFC 8032 §5.1.7) and RSA values that are not below the modulus (RFC 8017 §5.2.2).
 *
 * @throws ChangeNeededError `KeyUnusable` when the JWK is no key
 */
export function checkOf(algorithm: Algorithm, jwk: PublicJwk): Check {
  const scheme = schemes[algorithm];
  const key = publicKeyObject(jwk);
  switch (scheme.kind) {
    case "eddsa":
      return (input, signature) => signature.length === ed25519Bytes && verify(null, input, key, signature);
    case "ecdsa": {
      const { hash, size } = scheme;
      return (input, signature) => {
        const der = derOfRaw(signature, size);
        return der !== undefined && verify(hash, input, key, der);
      };
    }
    case "pkcs1":
      return rsaCheck(key, scheme.hash);
    case "pss":
      return rsaCheck(pssPublicKey(key, scheme.hash), scheme.hash);
    default:
      return scheme satisfies never;
  }
}

function rsaCheck(key: KeyObject, hash: string): Check {
  const bytes = Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
  return (input, signature) => signature.length === bytes && verify(hash, input, key, signature);
}

/** How this private key signs; it must be of the algorithm's type. */
export function signOf(algorithm: Algorithm, key: KeyObject): Sign {
  const scheme = schemes[algorithm];
  switch (scheme.kind) {
    case "eddsa":
      return (input) => sign(null, input, key);
    case "ecdsa":
      return (input) => rawOfDer(sign(scheme.hash, input, key), scheme.size);
    case "pkcs1":
      return (input) => sign(scheme.hash, input, key);
    case "pss": {
      const bound = pssPrivateKey(key, scheme.hash);
      return (input) => sign(scheme.hash, input, bound);
    }
    default:
      return scheme satisfies never;
  }
}
