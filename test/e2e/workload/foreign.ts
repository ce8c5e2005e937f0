import { generateKeyPair, SignJWT } from "jose";
import type { Held } from "./tally.ts";

/** A token with all that a good one has, but for the key. */
export async function foreignToken(issuer: string, audience: string): Promise<Held> {
  const { privateKey } = await generateKeyPair("ES256");
  const kid = "foreign";
  const token = await new SignJWT({})
    .setProtectedHeader({ alg: "ES256", kid, typ: "JWT" })
    .setSubject("nobody")
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime("10s")
    .sign(privateKey);
  return { pod: "nobody", kid, token, endsAtMs: Number.POSITIVE_INFINITY, refusedBy: new Set() };
}
