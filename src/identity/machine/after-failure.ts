import { ceilingMs } from "../../time/backoff.ts";
import type { ExchangeFailure, IdentityState, Instant, AfterFailure, StateProblem } from "./identity-state.ts";

const backoff = { baseMs: 1000, maxMs: 60_000 } as const;
/** An issuer that asks for more is asked again all the same: no answer may stop an identity for a day. */
const longestRetryAfterMs = 3_600_000;
/**
 * Whoever asks again within the issuer's retry window, 30 s (docs/design.md, section 10), is given a lost answer again: so after one that may be
 * lost nobody waits longer, and not so long for a `Retry-After`, which may be of a proxy.
 */
const lostAnswer = { longestMs: 10_000, longestRetryAfterMs: 5_000 } as const;
/** A denial may be a mistake of the issuer's file, that somebody mends: asked about so seldom, and no more often. */
const deniedRetryMs = 15 * 60_000;

/** How a try that came to nothing leaves the identity, and when the next one may be. */
export function afterFailure(
  { failures }: IdentityState,
  failure: ExchangeFailure | StateProblem,
  at: Instant,
): AfterFailure {
  const { code, message } = failure;
  const isFinal = "kind" in failure && failure.kind === "denied";
  const afterMs = isFinal ? deniedRetryMs * (1 + at.chance / 10) : waitMs(failures + 1, failure, at.chance);
  return {
    failures: failures + 1,
    retryAtMs: at.nowMs + afterMs,
    trouble: { code, message, isFinal, atMs: at.nowMs },
  };
}

/** 1 s, 2 s, … 60 s, less up to a half by chance; no less than the issuer asks for. */
function waitMs(failures: number, failure: ExchangeFailure | StateProblem, chance: number): number {
  const ownMs = ceilingMs(backoff, failures) * (1 - chance / 2);
  if (!("kind" in failure) || failure.kind === "denied") return ownMs;
  const { retryAfterMs = 0, mayBeDone } = failure;
  if (mayBeDone) {
    return Math.min(Math.max(ownMs, Math.min(retryAfterMs, lostAnswer.longestRetryAfterMs)), lostAnswer.longestMs);
  }
  return Math.max(ownMs, Math.min(retryAfterMs, longestRetryAfterMs) * (1 + chance / 10));
}
