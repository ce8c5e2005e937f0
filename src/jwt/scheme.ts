import type { KeyObject } from "node:crypto";
import { isSmallOrder } from "../crypto/ed25519.ts";
import { publicKeyObject } from "../crypto/signature.ts";
import type { PublicJwk } from "../ring/jwk.ts";
import type { Algorithm } from "../ring/key.ts";
import { pssPrivateKey, pssPublicKey } from "./pss.ts";
import {
  type SignatureForm,
  nodeSignatures,
  type Sha2,
  type Sign,
  type Signatures,
  type Verify,
} from "./signatures.ts";
import { fromBase64url } from "../parse/base64url.ts";

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

/**
 * How tokens of this key are verified. A signature has exactly one length; OpenSSL refuses an Ed25519 S that is not below the
 * group's order (RFC 8032 §5.1.7) and RSA values that are not below the modulus (RFC 8017 §5.2.2).
 *
 * @throws ChangeNeededError `KeyUnusable` when the JWK is no key
 */
export function verifyOf(algorithm: Algorithm, jwk: PublicJwk, signatures: Signatures = nodeSignatures): Verify {
  const scheme = schemes[algorithm];
  const key = publicKeyObject(jwk);
  const verify = signatures.verifier(scheme.kind === "pss" ? pssPublicKey(key, scheme.hash) : key, formOf(scheme, key));
  return scheme.kind === "eddsa" ? withoutSmallR(verify) : verify;
}

/**
 * Refuses signatures whose R is of small order, which no signer makes (RFC 8032 §5.1.6): node:crypto does so from some version on, OpenSSL
 * does not, and a verdict must hang on neither.
 */
const withoutSmallR =
  (verify: Verify): Verify =>
  (token, headerEnd, inputEnd) => {
    // R is the first half: 32 bytes
    const r = Buffer.from(token.slice(inputEnd + 1, inputEnd + 1 + 43), "base64url");
    if (!isSmallOrder(r)) return verify(token, headerEnd, inputEnd);
    const parts = [token.slice(headerEnd + 1, inputEnd), token.slice(inputEnd + 1)];
    return parts.some((part) => fromBase64url(part) === undefined) ? undefined : false;
  };

/** How this private key makes signatures in their JWS form (RFC 7518 §3); it must be of the algorithm's type. */
export function signOf(algorithm: Algorithm, key: KeyObject, signatures: Signatures = nodeSignatures): Sign {
  const scheme = schemes[algorithm];
  return signatures.signer(scheme.kind === "pss" ? pssPrivateKey(key, scheme.hash) : key, formOf(scheme, key));
}

function formOf(scheme: Scheme, key: KeyObject): SignatureForm {
  switch (scheme.kind) {
    case "eddsa":
      return { hash: null, bytes: ed25519Bytes, isPair: false };
    case "ecdsa":
      return { hash: scheme.hash, bytes: 2 * scheme.size, isPair: true };
    case "pkcs1":
    case "pss":
      return { hash: scheme.hash, bytes: modulusBytes(key), isPair: false };
    default:
      return scheme satisfies never;
  }
}

/** Of an Ed25519 signature (RFC 8032 §5.1.6). */
const ed25519Bytes = 64;

const modulusBytes = (key: KeyObject): number => Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
