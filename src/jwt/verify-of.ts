import { smallOrderPoints } from "../crypto/ed25519.ts";
import { publicKeyObject } from "../crypto/key-objects.ts";
import { fromBase64url } from "../parse/base64url.ts";
import type { PublicJwk } from "../ring/jwk.ts";
import { type Algorithm, isEd25519 } from "../ring/key.ts";
import { nodeSignatures } from "./node-signatures.ts";
import type { Signatures, Verify } from "./signatures.ts";

/**
 * How tokens of this key are verified.
 *
 * @throws ChangeNeededError `KeyUnusable` when the JWK is no key
 */
export function verifyOf(algorithm: Algorithm, jwk: PublicJwk, signatures: Signatures = nodeSignatures): Verify {
  const verify = signatures.verifier(publicKeyObject(jwk), algorithm);
  return isEd25519(algorithm) ? withoutSmallR(verify) : verify;
}

/**
 * Refuses signatures whose R is of small order, which no signer makes (RFC 8032 §5.1.6): node:crypto does so from some version on, OpenSSL
 * and AWS-LC do not, and a verdict must hang on none of them.
 */
const withoutSmallR =
  (verify: Verify): Verify =>
  (token, headerEnd, inputEnd) => {
    if (!isSmall(token, inputEnd + 1)) return verify(token, headerEnd, inputEnd);
    const parts = [token.slice(headerEnd + 1, inputEnd), token.slice(inputEnd + 1)];
    return parts.some((part) => fromBase64url(part) === undefined) ? undefined : false;
  };

/** Most are none by their first character: it costs less than a text of its own. */
const isSmall = (token: string, from: number): boolean =>
  firstCharacters.has(token.charCodeAt(from)) && smallRs.has(token.slice(from, from + rCharacters));

/** R is the first half, 32 bytes: 256 bits, and two of the first byte of S. */
const rCharacters = 43;

/** How a signature with such an R begins. Text that is not canonical is refused as such. */
const smallRs: ReadonlySet<string> = new Set(
  smallOrderPoints.flatMap((point) =>
    [0x00, 0x40, 0x80, 0xc0].map((s) =>
      Buffer.of(...point, s)
        .toString("base64url")
        .slice(0, rCharacters),
    ),
  ),
);

const firstCharacters: ReadonlySet<number> = new Set([...smallRs].map((r) => r.charCodeAt(0)));
