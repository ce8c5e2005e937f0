import type { Lifetime } from "./grant.ts";

const dayMs = 86_400_000;

/** The longest that any configuration may let a refresh token live: 90 days, in milliseconds. */
export const longestRefreshTtlMs = 90 * dayMs;

/** What a request gets that asks for nothing: 24 hours, in milliseconds. */
export const defaultRefreshTtlMs = dayMs;

/**
 * The whole seconds above 0 that stand in `refreshTokenTtlSeconds`, as a number or in decimal digits; 0 for anything else. A number too
 * large to be exact is still one: the cap makes it small.
 */
export function secondsIn(asked: unknown): number {
  const seconds = typeof asked === "string" && /^\d{1,300}$/.test(asked) ? Number(asked) : asked;
  return typeof seconds === "number" && Number.isInteger(seconds) && seconds > 0 ? seconds : 0;
}

/** When a refresh token ends that is made now: never past the cap, nor past the grant's `notAfterMs`. */
export function endsAtMs({ refreshTtlMs, notAfterMs = Infinity }: Lifetime, nowMs: number, maxMs?: number): number {
  return Math.min(nowMs + Math.min(refreshTtlMs, capOf(maxMs)), notAfterMs);
}

/** When an access token ends that is made now; it never outlives the grant's `notAfterMs`. */
export function accessEndsAtMs(accessTtlMs: number, nowMs: number, notAfterMs = Infinity): number {
  return Math.min(nowMs + accessTtlMs, notAfterMs);
}

const capOf = (maxMs = longestRefreshTtlMs): number => Math.min(maxMs, longestRefreshTtlMs);
