import type { KeyObject } from "node:crypto";
import { publicKeyObject } from "../crypto/signature.ts";
import type { PublicJwk } from "../ring/jwk.ts";
import type { Algorithm } from "../ring/key.ts";
import { derOfRaw, rawOfDer } from "./ecdsa.ts";
import { pssPrivateKey, pssPublicKey } from "./pss.ts";
import { type Check, nodeSignatures, type Sha2, type Sign, type Signatures } from "./signatures.ts";

/** Each algorithm's kind, hash and lengths (RFC 7518 §3.3 to §3.5, RFC 8037 §3.1). */
type Scheme =
  | { readonly kind: "eddsa" }
  /** `size`: bytes of R, and of S. */
  | { readonly kind: "ecdsa"; readonly hash: Sha2; readonly size: number }
  | { readonly kind: "pkcs1"; readonly hash: Sha2 }
  | { readonly kind: "pss"; readonly hash: Sha2 };

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
export function checkOf(algorithm: Algorithm, jwk: PublicJwk, signatures: Signatures = nodeSignatures): Check {
  const scheme = schemes[algorithm];
  const key = publicKeyObject(jwk);
  switch (scheme.kind) {
    case "eddsa":
      return ofLength(ed25519Bytes, signatures.verifier(key, null));
    case "ecdsa": {
      const check = signatures.verifier(key, scheme.hash);
      return (input, signature) => {
        const der = derOfRaw(signature, scheme.size);
        return der !== undefined && check(input, der);
      };
    }
    case "pkcs1":
      return ofLength(modulusBytes(key), signatures.verifier(key, scheme.hash));
    case "pss":
      return ofLength(modulusBytes(key), signatures.verifier(pssPublicKey(key, scheme.hash), scheme.hash));
    default:
      return scheme satisfies never;
  }
}

const ofLength =
  (bytes: number, check: Check): Check =>
  (input, signature) =>
    signature.length === bytes && check(input, signature);

const modulusBytes = (key: KeyObject): number => Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8);

/** How this private key makes signatures in their JWS form (RFC 7518 §3); it must be of the algorithm's type. */
export function signOf(algorithm: Algorithm, key: KeyObject, signatures: Signatures = nodeSignatures): Sign {
  const scheme = schemes[algorithm];
  switch (scheme.kind) {
    case "eddsa":
      return signatures.signer(key, null);
    case "ecdsa": {
      const sign = signatures.signer(key, scheme.hash);
      return (input) => rawOfDer(sign(input), scheme.size);
    }
    case "pkcs1":
      return signatures.signer(key, scheme.hash);
    case "pss":
      return signatures.signer(pssPrivateKey(key, scheme.hash), scheme.hash);
    default:
      return scheme satisfies never;
  }
}
