import { createPrivateKey } from "node:crypto";
import { SignJWT } from "jose";

export type Files = Readonly<Record<string, string>>;

export interface Signer {
  readonly kid: string;
  readonly pem: string;
}

export interface Claims {
  readonly issuer: string;
  readonly audience: string;
  readonly ttlSeconds: number;
}

/** The signer's files as an application reads them; undefined where they are not all there. */
export function signerIn({ "signing.pem": pem, kid }: Files): Signer | undefined {
  return pem === undefined || kid === undefined ? undefined : { pem, kid };
}

/** A token as an application makes it that signs by itself. */
export async function sign({ pem, kid }: Signer, { issuer, audience, ttlSeconds }: Claims) {
  const key = createPrivateKey(pem);
  const alg = key.asymmetricKeyType === "ed25519" ? "EdDSA" : "ES256";
  const mintedAtMs = Date.now();
  const issuedAt = Math.floor(mintedAtMs / 1000);
  const text = await new SignJWT({ sub: "application" })
    .setProtectedHeader({ alg, kid, typ: "JWT" })
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + ttlSeconds)
    .sign(key);
  return { text, kid, mintedAtMs, endsAtMs: (issuedAt + ttlSeconds) * 1000 };
}

/** How many private halves a JWKS has. */
export function privateHalves({ "private-jwks.json": text }: Files): number {
  if (text === undefined) return 0;
  const { keys } = JSON.parse(text) as { keys: readonly { d?: string }[] };
  return keys.filter(({ d }) => d !== undefined).length;
}
