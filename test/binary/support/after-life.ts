import { decodeJwt, errors, importJWK, jwtVerify } from "jose";
import type { SeenKey } from "./ring-watch.ts";
import type { Token } from "./traffic.ts";
import type { Answer, Verifier } from "./verifier.ts";

/** Asks again until the verifier does not know the kid any more, as it must when its copy of the JWKS ends. */
export async function askUntilUnknown(verifier: Verifier, token: string, withinMs: number): Promise<Answer> {
  const deadline = AbortSignal.timeout(withinMs);
  for (;;) {
    const answer = await verifier.ask(token);
    if (answer.verdict === "unknown kid" || deadline.aborted) return answer;
  }
}

/** What a verifier would say that still had the key: `expired` now, and `valid` when the token was made. */
export async function hadItTheKey({ token }: Token, { publicJwk, profile }: SeenKey): Promise<string> {
  const key = await importJWK(publicJwk, profile.algorithm);
  const { iat = 0 } = decodeJwt(token);
  const verdict = (currentDate: Date): Promise<string> =>
    jwtVerify(token, key, { currentDate }).then(
      () => "valid",
      (error: unknown) => (error instanceof errors.JWTExpired ? "expired" : String(error)),
    );
  return `${await verdict(new Date(iat * 1000))} then, ${await verdict(new Date())} now`;
}
