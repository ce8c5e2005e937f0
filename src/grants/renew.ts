import { type Grant, mostRenewals, type RevocationReason } from "./grant.ts";
import { endsAtMs } from "./lifetime.ts";
import { hashOf, isSameBytes, lastGeneration, markOf, type RefreshToken, successorOf } from "./refresh-token.ts";

/** What the issuer allows, as it is in force now. */
interface RenewalPolicy {
  /** So long after a renewal the refresh token before is answered with the same successor; in milliseconds. */
  readonly retryWindowMs: number;
  /** The cap on refresh tokens, in milliseconds. @default 90 days */
  readonly maxRefreshTtlMs?: number;
  /** After a restored backup: tokens that are ahead of their row carry it forward until then. */
  readonly recoverGrantsUntilMs?: number;
}

export interface RenewalRequest {
  readonly shown: RefreshToken;
  /** The caller proved itself again: the client's secret, an assertion of the same (issuer, subject), or the grant's DPoP key. */
  readonly isProven: boolean;
  readonly nowMs: number;
  /** 32 fresh random bytes. */
  readonly salt: Uint8Array;
  readonly policy: RenewalPolicy;
}

/** Why a refresh token is of no use; all but `superseded` tell the caller to sign in again. */
export type RenewalRefusal =
  | RevocationReason
  | "expired"
  | "unknown"
  /** Another process with the same state has the newer token: read the state again. Nothing ends. */
  | "superseded";

/**
 * What becomes of a renewal. `grant` is the row as it is to be written, if it still has the generation that it had and is not
 * revoked; who comes too late reads the row and decides anew.
 */
export type Renewal =
  /** `replaced`: in the place of a successor that was lost. `recovered`: the row was older than the token. */
  | {
      readonly kind: "renewed";
      readonly why: "current" | "replaced" | "recovered";
      readonly grant: Grant;
      readonly successor: RefreshToken;
    }
  /** What was given out before, once more; nothing is written, and the window does not move. */
  | { readonly kind: "replayed"; readonly successor: RefreshToken }
  /** Two parties have the grant's tokens: it ends. */
  | { readonly kind: "ended"; readonly grant: Grant }
  | { readonly kind: "refused"; readonly reason: RenewalRefusal };

/**
 * Decides about one refresh token that is shown for this grant. Pure: time and salt are arguments.
 *
 * ```
 *   shown             replaced within the window    longer ago    caller is proven
 *   n, the current    renewed, as n+1
 *   n−1               replayed: n once more         ended         replaced: n+1 in the place of n
 *   older             superseded                    ended         replaced: n+1 in the place of n
 *   ahead of n        unknown; or recovered, once, after a restored backup
 * ```
 *
 * A thief has no proof: so whoever has it is the owner, whatever token he is left with, and never loses the grant.
 *
 * @see RFC 9700 §4.14.2: refresh token rotation, and what reuse means
 */
export function renew(grant: Grant, request: RenewalRequest): Renewal {
  const { shown, nowMs } = request;
  const secretHash = hashOf(shown.secret);
  if (!isTokenOf(grant, shown, secretHash)) return refused("unknown");
  if (grant.revoked) return refused(grant.revoked.reason);
  if (nowMs >= grant.expiresAtMs) return refused("expired");
  if (isSameBytes(secretHash, grant.currentHash)) return current(grant, request);
  return shown.generation < grant.generation ? old(grant, request, secretHash) : ahead(grant, request);
}

/** Was it given out for this grant, be it ever so long ago? */
export const isTokenOf = (
  { id, markKey }: Pick<Grant, "id" | "markKey">,
  { grantId, mark, generation, secret }: RefreshToken,
  secretHash = hashOf(secret),
): boolean => isSameBytes(grantId, id) && isSameBytes(mark, markOf(markKey, generation, secretHash));

function current(grant: Grant, request: RenewalRequest): Renewal {
  const { nowMs, policy } = request;
  const eighthMs = grant.replacedAtMs[mostRenewals - 1];
  // A clock that was ahead and has been set back must not keep the token from being replaced until that time comes again
  const isTooOften = eighthMs !== undefined && Math.abs(nowMs - eighthMs) < policy.retryWindowMs;
  return isTooOften ? { kind: "replayed", successor: request.shown } : renewed(grant, request, "current");
}

function old(grant: Grant, request: RenewalRequest, secretHash: Uint8Array): Renewal {
  const { shown, nowMs, isProven } = request;
  const isRecent = isInWindow(grant.replacedAtMs[grant.generation - 1 - shown.generation], request);
  const isBefore = grant.salt !== undefined && isSameBytes(secretHash, grant.previousHash);
  // A successor that was given for a proof is given again for a proof alone: a thief may have the token that it came from
  const mayReplay = isProven || shown.generation === grant.generation - 1;
  if (isBefore && mayReplay && isInWindow(grant.replacedAtMs[0], request)) {
    return { kind: "replayed", successor: tokenOf(grant, grant.generation, successorOf(shown.secret, grant.salt)) };
  }
  if (isProven) return renewed(grant, request, "replaced");
  return isRecent ? refused("superseded") : ended(grant, nowMs);
}

/** What the row has no time for was replaced longer ago than a window. */
const isInWindow = (atMs: number | undefined, { nowMs, policy }: RenewalRequest): boolean =>
  atMs !== undefined && nowMs - atMs < policy.retryWindowMs;

/**
 * Only a database that was restored knows less than a token. Which token tells the truth nobody can say: the first one carries the row
 * forward, where that is allowed; a second one, of another branch, is proof that two parties have them.
 */
function ahead(grant: Grant, request: RenewalRequest): Renewal {
  const { shown, nowMs, isProven, policy } = request;
  const { recoverGrantsUntilMs: untilMs = -Infinity } = policy;
  const isAhead = shown.generation > grant.generation && shown.generation < lastGeneration;
  if (isAhead && nowMs < untilMs && grant.recoveredUnderMs !== untilMs) {
    return renewed({ ...grant, recoveredUnderMs: untilMs }, request, "recovered");
  }
  if (grant.recoveredUnderMs === undefined) return refused("unknown");
  return isProven ? refused("superseded") : ended(grant, nowMs);
}

function renewed(
  grant: Grant,
  { shown, nowMs, salt, policy }: RenewalRequest,
  why: "current" | "replaced" | "recovered",
): Renewal {
  // A generation is given out once, also when the one that had it was lost
  const generation = Math.max(grant.generation, shown.generation) + 1;
  const secret = successorOf(shown.secret, salt);
  // What lies between the row and a token ahead of it nobody knows
  const before = why === "recovered" ? [] : grant.replacedAtMs;
  const next: Grant = {
    ...grant,
    generation,
    currentHash: hashOf(secret),
    previousHash: hashOf(shown.secret),
    salt,
    replacedAtMs: [nowMs, ...before].slice(0, mostRenewals),
    expiresAtMs: endsAtMs(grant, nowMs, policy.maxRefreshTtlMs),
  };
  return { kind: "renewed", why, grant: next, successor: tokenOf(next, generation, secret) };
}

/**
 * Goes on with a grant that lives, for somebody who shows no refresh token of it but something else that counts. The new one is made of
 * none before it: those are old, and whoever shows one without a proof, later than a retry window, ends the grant.
 */
export function reissue(
  grant: Grant,
  {
    secret,
    nowMs,
    maxRefreshTtlMs,
  }: { readonly secret: Uint8Array; readonly nowMs: number; readonly maxRefreshTtlMs?: number },
): { readonly grant: Grant; readonly token: RefreshToken } {
  const { id, markKey, refreshTtlMs, notAfterMs, createdAtMs, recoveredUnderMs } = grant;
  const generation = grant.generation + 1;
  const next: Grant = {
    ...{ id, markKey, refreshTtlMs, createdAtMs, generation },
    ...(notAfterMs !== undefined && { notAfterMs }),
    ...(recoveredUnderMs !== undefined && { recoveredUnderMs }),
    currentHash: hashOf(secret),
    replacedAtMs: [nowMs, ...grant.replacedAtMs].slice(0, mostRenewals),
    expiresAtMs: endsAtMs(grant, nowMs, maxRefreshTtlMs),
  };
  return { grant: next, token: tokenOf(next, generation, secret) };
}

const ended = (grant: Grant, nowMs: number): Renewal => ({
  kind: "ended",
  grant: { ...grant, revoked: { atMs: nowMs, reason: "reused" } },
});

const refused = (reason: RenewalRefusal): Renewal => ({ kind: "refused", reason });

/** A refresh token of the grant, marked as its own. */
function tokenOf({ id, markKey }: Grant, generation: number, secret: Uint8Array): RefreshToken {
  return { grantId: id, generation, secret, mark: markOf(markKey, generation, hashOf(secret)) };
}

/** What a grant begins with; each is fresh and random. */
export interface GrantSeed {
  /** 16 bytes. */
  readonly id: Uint8Array;
  /** 32 bytes. */
  readonly markKey: Uint8Array;
  /** 32 bytes: of the first refresh token. */
  readonly secret: Uint8Array;
}

/** A new grant, and its first refresh token. */
export function beginGrant(
  { id, markKey, secret }: GrantSeed,
  lifetime: Pick<Grant, "refreshTtlMs" | "notAfterMs">,
  { nowMs, maxRefreshTtlMs }: { readonly nowMs: number; readonly maxRefreshTtlMs?: number },
): { readonly grant: Grant; readonly token: RefreshToken } {
  const grant: Grant = {
    ...lifetime,
    id,
    markKey,
    generation: 0,
    currentHash: hashOf(secret),
    createdAtMs: nowMs,
    replacedAtMs: [],
    expiresAtMs: endsAtMs(lifetime, nowMs, maxRefreshTtlMs),
  };
  return { grant, token: tokenOf(grant, 0, secret) };
}
