import type { Profile } from "../ring/key.ts";
import type { RefusalReason } from "./reasons.ts";
import type { Members } from "../parse/object.ts";

/** The instants of a token, in seconds since 1970, fractions allowed (RFC 7519 §2, NumericDate). */
export interface Instants {
  readonly exp: number;
  /** Undefined when the token does not say (RFC 7519 §4.1.6: it need not). */
  readonly iat: number | undefined;
  /** Minus infinity when the token does not say. */
  readonly nbf: number;
}

/** The instants of claims that fit the profile but for time; or why the token is refused. */
export function readClaims(claims: Members, { issuer, audiences }: Profile): Instants | RefusalReason {
  const { iss, aud, exp, iat, nbf, sub, jti } = claims;
  if (iss !== issuer) return "IssuerMismatch";
  const audience = audienceFlaw(aud, audiences);
  if (audience !== undefined) return audience;
  if (exp === undefined) return "ClaimMissing";
  if (!isInstant(exp) || !isInstantIfThere(iat) || !isInstantIfThere(nbf)) return "ClaimInvalid";
  if (!isTextIfThere(sub) || !isTextIfThere(jti)) return "ClaimInvalid";
  return { exp, iat, nbf: nbf ?? Number.NEGATIVE_INFINITY };
}

/** JSON has no NaN, but 1e999 is infinite. */
const isInstant = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

const isInstantIfThere = (value: unknown): value is number | undefined => value === undefined || isInstant(value);

const isTextIfThere = (value: unknown): boolean => value === undefined || typeof value === "string";

function audienceFlaw(aud: unknown, audiences: readonly string[]): RefusalReason | undefined {
  if (typeof aud === "string") return audiences.includes(aud) ? undefined : "AudienceMismatch";
  if (!Array.isArray(aud)) return aud === undefined ? "AudienceMismatch" : "ClaimInvalid";
  const named: readonly unknown[] = aud;
  if (!named.every((one) => typeof one === "string")) return "ClaimInvalid";
  return named.some((one) => audiences.includes(one)) ? undefined : "AudienceMismatch";
}

/** What a key allows a token's instants to be. */
export interface TimeRules {
  readonly profile: Pick<Profile, "maxTTLMs">;
  /** How far the minter's clock and the verifier's may differ. */
  readonly leewayMs: number;
}

/** Why the token is refused now; undefined when its time is good. */
export function timeFlaw({ exp, iat, nbf }: Instants, rules: TimeRules, nowMs: number): RefusalReason | undefined {
  const { profile, leewayMs } = rules;
  // RFC 7519 §4.1.4: "on or after" exp it is over. Turned around so that a clock that tells no number lets nothing pass
  if (!(nowMs < exp * 1000 + leewayMs)) return "Expired";
  if (nbf * 1000 > nowMs + leewayMs) return "NotYetValid";
  // Who does not say when it began may at most have begun now, by a clock that is as fast as is allowed
  if (iat === undefined) return exp * 1000 > nowMs + leewayMs + profile.maxTTLMs ? "LifetimeTooLong" : undefined;
  if (iat * 1000 > nowMs + leewayMs) return "IssuedInFuture";
  return (exp - iat) * 1000 > profile.maxTTLMs ? "LifetimeTooLong" : undefined;
}
