import type { Method } from "../http/exchange.ts";
import { backoffMs, type Chance } from "../time/backoff.ts";
import { ApiError, ConnectionError } from "./kube-errors.ts";

const backoff = { baseMs: 200, maxMs: 10_000 };
const mostTries = 8;
/** Answers after which nothing is known of a write, and a read may be asked again. */
const passing = [500, 502, 503, 504];

/**
 * How long to wait before the same request is sent again, in milliseconds, or undefined when the caller must decide. Only
 * what can't happen twice: reads; writes that the server turned away unread (429), or that never left this machine. Any
 * other write may have been carried out, and then a caller has to look first.
 *
 * @param tries - How often it has been sent
 */
export function waitBeforeRetry(request: { method: Method; tries: number }, error: unknown, chance: Chance) {
  const { method, tries } = request;
  const turnedAwayMs = waitWhenTurnedAway(tries, error, chance);
  if (turnedAwayMs !== undefined || tries >= mostTries) return turnedAwayMs;
  const jitterMs = backoffMs(backoff, tries, chance);
  const isRead = method === "GET";
  if (error instanceof ConnectionError) {
    return error.code !== "NoCredentials" && (isRead || !error.maybeDone) ? jitterMs : undefined;
  }
  if (!(error instanceof ApiError) || !isRead || !passing.includes(error.status)) return undefined;
  return (error.retryAfterMs ?? 0) + jitterMs;
}

/** How long to wait after a 429, in milliseconds: as the server says, and a back-off with jitter; else undefined. */
export function waitWhenTurnedAway(tries: number, error: unknown, chance: Chance): number | undefined {
  if (tries >= mostTries || !(error instanceof ApiError) || error.status !== 429) return undefined;
  return (error.retryAfterMs ?? 0) + backoffMs(backoff, tries, chance);
}
