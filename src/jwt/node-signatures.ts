import { sign, verify, type KeyObject } from "node:crypto";
import { fromBase64url } from "../parse/base64url.ts";
import { utf8Text } from "../parse/utf8.ts";
import type { Algorithm } from "../ring/key.ts";
import { derOfRaw, rawOfDer } from "./ecdsa.ts";
import { pssPrivateKey, pssPublicKey, type Sha2 } from "./pss.ts";
import type { Signatures } from "./signatures.ts";

/** Each algorithm's kind, hash and lengths (RFC 7518 §3.3 to §3.5, RFC 8037 §3.1). */
type Scheme =
  /** It hashes by itself. */
  | { readonly kind: "eddsa"; readonly hash: null }
  /** `size`: bytes of R, and of S. */
  | { readonly kind: "ecdsa"; readonly hash: Sha2; readonly size: number }
  | { readonly kind: "pkcs1"; readonly hash: Sha2 }
  | { readonly kind: "pss"; readonly hash: Sha2 };

const schemes: Readonly<Record<Algorithm, Scheme>> = {
  ES256: { kind: "ecdsa", hash: "sha256", size: 32 },
  ES384: { kind: "ecdsa", hash: "sha384", size: 48 },
  ES512: { kind: "ecdsa", hash: "sha512", size: 66 },
  EdDSA: { kind: "eddsa", hash: null },
  Ed25519: { kind: "eddsa", hash: null },
  RS256: { kind: "pkcs1", hash: "sha256" },
  RS384: { kind: "pkcs1", hash: "sha384" },
  RS512: { kind: "pkcs1", hash: "sha512" },
  PS256: { kind: "pss", hash: "sha256" },
  PS384: { kind: "pss", hash: "sha384" },
  PS512: { kind: "pss", hash: "sha512" },
};

/**
 * Signatures by the OpenSSL of Node.js: there wherever Node.js is. A signature has exactly one length; OpenSSL refuses an Ed25519 S
 * that is not below the group's order (RFC 8032 §5.1.7) and RSA values that are not below the modulus (RFC 8017 §5.2.2).
 */
export const nodeSignatures: Signatures = {
  name: "node:crypto",
  verifier(key, algorithm) {
    const scheme = schemes[algorithm];
    const bytes = signatureBytes(scheme, key);
    const bound = scheme.kind === "pss" ? pssPublicKey(key, scheme.hash) : key;
    return (token, headerEnd, inputEnd) => {
      const payload = fromBase64url(token.slice(headerEnd + 1, inputEnd));
      const signature = fromBase64url(token.slice(inputEnd + 1));
      if (payload === undefined || signature === undefined) return undefined;
      const fitting = scheme.kind === "ecdsa" ? derOfRaw(signature, scheme.size) : signature;
      if (signature.length !== bytes || fitting === undefined) return false;
      if (!verify(scheme.hash, Buffer.from(token.slice(0, inputEnd)), bound, fitting)) return false;
      const text = utf8Text(payload);
      return text === undefined ? undefined : { text };
    };
  },
  signer(key, algorithm) {
    const scheme = schemes[algorithm];
    const bound = scheme.kind === "pss" ? pssPrivateKey(key, scheme.hash) : key;
    return (header, payload) => {
      const input = `${header}.${Buffer.from(payload).toString("base64url")}`;
      const signature = sign(scheme.hash, Buffer.from(input), bound);
      const raw = scheme.kind === "ecdsa" ? rawOfDer(signature, scheme.size) : signature;
      return `${input}.${raw.toString("base64url")}`;
    };
  },
};

function signatureBytes(scheme: Scheme, key: KeyObject): number {
  switch (scheme.kind) {
    case "eddsa":
      return ed25519Bytes;
    case "ecdsa":
      return 2 * scheme.size;
    case "pkcs1":
    case "pss":
      return modulusBytes(key);
    default:
      return scheme satisfies never;
  }
}

/** Of an Ed25519 signature (RFC 8032 §5.1.6). */
const ed25519Bytes = 64;

const modulusBytes = (key: KeyObject): number => Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
