import { setTimeout as after } from "node:timers/promises";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import type { Held, Tally } from "./tally.ts";

/** Below `propagation.minimum`, which is the max-age that the JWKS is served with, by what a request may take. */
const cacheMaxAge = 2000;
const breathMs = 10;

/** A verifier that knows the JWKS and nothing of Keyturn; a key that is being revoked is none of its business. */
export async function verifyByJose(tally: Tally, url: URL): Promise<never> {
  const keys = createRemoteJWKSet(url, { cacheMaxAge });
  const verify = async (held: Held): Promise<void> => {
    try {
      await jwtVerify(held.token, keys, { requiredClaims: ["exp", "iss", "aud"] });
      tally.joseAccepted();
    } catch (error) {
      const isVerdict = error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout);
      const why = isVerdict ? error.code : String(error);
      if (tally.stateOf(held.kid) !== "valid" || Date.now() >= held.endsAtMs) return;
      if (isVerdict && error.code !== errors.JOSEError.code) tally.wrong("refused by jose", "jose", held, why);
      else tally.unreachable("jose", held);
    }
  };
  while (true) {
    for (const held of tally.held()) {
      if (tally.stateOf(held.kid) === "valid") await verify(held);
      await after(breathMs);
    }
    await after(breathMs);
  }
}
