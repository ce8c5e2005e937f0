import { isSmallOrder } from "../crypto/ed25519.ts";
import { publicKeyObject } from "../crypto/signature.ts";
import { fromBase64url } from "../parse/base64url.ts";
import type { PublicJwk } from "../ring/jwk.ts";
import type { Algorithm } from "../ring/key.ts";
import { nodeSignatures } from "./node-signatures.ts";
import type { Signatures, Verify } from "./signatures.ts";

/**
 * How tokens of this key are verified.
 *
 * @throws ChangeNeededError `KeyUnusable` when the JWK is no key
 */
export function verifyOf(algorithm: Algorithm, jwk: PublicJwk, signatures: Signatures = nodeSignatures): Verify {
  const verify = signatures.verifier(publicKeyObject(jwk), algorithm);
  return algorithm === "EdDSA" ? withoutSmallR(verify) : verify;
}

/**
 * Refuses signatures whose R is of small order, which no signer makes (RFC 8032 §5.1.6): node:crypto does so from some version on, OpenSSL
 * and AWS-LC do not, and a verdict must hang on none of them.
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
