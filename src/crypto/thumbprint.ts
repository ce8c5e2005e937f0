import { createHash } from "node:crypto";
import type { PublicJwk } from "../ring/jwk.ts";
import type { Kid } from "../ring/key.ts";

/**
 * Returns the key's kid: the SHA-256 of its required members in lexicographic order without white space, as base64url
 * (43 characters). The same for both halves and for every order of members.
 *
 * @see RFC 7638 §3 and §3.2 for EC and RSA, RFC 8037 §2 for OKP
 */
export function thumbprint(jwk: PublicJwk): Kid {
  return createHash("sha256").update(hashInput(jwk)).digest("base64url");
}

function hashInput(jwk: PublicJwk): string {
  switch (jwk.kty) {
    case "EC":
      return JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y });
    case "OKP":
      return JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x });
    case "RSA":
      return JSON.stringify({ e: jwk.e, kty: jwk.kty, n: jwk.n });
    default:
      return jwk satisfies never;
  }
}
