import type { RenewalRefusal } from "../../grants/renew.ts";
import type { CallerCheck, OAuthError, RefusedCaller } from "../callers/caller.ts";

/** Why a token that was shown is none of ours that counts. */
type TokenFlaw = "access-token" | "parent-ended" | "caller-gone";

/** No, and why: for every endpoint. The caller keeps what he has where a retry helps, and drops it where it does not. */
export interface Denial {
  readonly kind: "denied";
  /** RFC 6749 §5.2, RFC 6750 §3.1. */
  readonly error: OAuthError | "invalid_token";
  /** Stable, for programs; the check that failed. */
  readonly code: CallerCheck | RenewalRefusal | TokenFlaw;
  /** For people; nothing secret. */
  readonly message: string;
}

export const denied = (error: Denial["error"], code: Denial["code"], message: string): Denial => ({
  kind: "denied",
  error,
  code,
  message,
});

export const denialOf = ({ error, check, message }: RefusedCaller): Denial => denied(error, check, message);

const reasons: Readonly<Record<RenewalRefusal, string>> = {
  expired: "must be renewed before its end: sign in again",
  revoked: "must not be revoked: sign in again",
  reused: "must be used once: two parties have it, so the grant has ended; sign in again",
  unknown: "must be a refresh token of this issuer: sign in again",
  superseded: "must be the newest of its grant: read the state again",
};

/** Of a refresh token; the code says whether the caller must sign in again (RFC 6749 §5.2: `invalid_grant`). */
export const denialOfRenewal = (reason: RenewalRefusal): Denial =>
  denied("invalid_grant", reason, `Cannot renew with the refresh token: ${reasons[reason]}`);
