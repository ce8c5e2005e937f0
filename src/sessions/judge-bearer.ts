import type { Requirements } from "../jwt/requirements.ts";
import type { Verifier } from "../jwt/verifier.ts";
import { final, retryable, retryableLater, type SessionEnd } from "./core/session-end.ts";
import { type SessionToken, sessionTokenOf } from "./core/session-token.ts";

export interface BearerJudge {
  /** The verifier in force; undefined while no token can be judged. */
  readonly verifier: () => Verifier | undefined;
  /** What a token must have beside what its key's profile says. */
  readonly required: Requirements;
  readonly chance: () => number;
}

/** What a session keeps of the token; or why there is none for it. */
export function judgeBearer(
  { verifier, required, chance }: BearerJudge,
  token: string,
  nowMs: number,
): SessionToken | SessionEnd {
  const inForce = verifier();
  if (inForce === undefined) return retryableLater("NotReady", chance());
  const verdict = inForce.verify(token, nowMs, required);
  if (verdict.ok) {
    // A verifier allows for clocks that differ; what lives on for hours does not need that
    if (verdict.expiresAtMs <= nowMs) return retryable("Expired");
    return sessionTokenOf(verdict) ?? retryableLater("TokenRefused", chance());
  }
  if (verdict.reason === "Expired") return retryable("Expired");
  // Another token may be good, as where a session of it ends
  if (verdict.reason === "KeyRevoked" || verdict.isTokenAlone) return retryable("Revoked");
  return verdict.reason === "Revoked" ? final("Revoked") : retryableLater("TokenRefused", chance());
}
