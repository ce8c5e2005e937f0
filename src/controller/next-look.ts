import type { Observed } from "../keeper/observe.ts";
import { conflictIn, type Decision } from "../ring/decide.ts";
import { pendingWaitMs } from "../ring/view.ts";
import type { Chance } from "../time/backoff.ts";

/** How often the Secrets, which nobody watches, are compared with the ring, in milliseconds: one rotation a second in all, */
const driftMs = 1000;
/** each within half a minute where they are few, and within the hour where they are many. */
const shortestLookMs = 30_000;
export const longestLookMs = 3_600_000;
/** How often a person's remedy is looked for, in milliseconds: it may be a change of a Secret. */
const stalledMs = 30_000;

/** What a pass saw and decided. */
export interface PassFacts {
  readonly seen: Pick<Observed, "observation" | "unseen">;
  readonly decision: Decision;
}

/** How many rotations there are, and the chance by which those that began at once are spread. */
export interface Fleet {
  readonly count: number;
  readonly chance: Chance;
}

/**
 * After how many milliseconds a rotation is looked at again, unasked, when a pass has left nothing to do: when the next step is
 * due, when a pending revocation is to be told, or when a Secret may have changed unseen, whichever comes first.
 */
export function nextLookMs(pass: PassFacts, fleet: Fleet): number {
  const { decision, seen } = pass;
  const { found } = seen.observation;
  const dueMs = decision.kind === "plan" ? decision.plan.nextCheckAtMs - found.nowMs : Infinity;
  const pendingMs = pendingWaitMs(seen.observation, decision);
  return Math.max(1, Math.min(dueMs, pendingMs, isStalled(pass) ? stalledMs : spreadMs(fleet)));
}

function isStalled({ decision, seen: { observation, unseen } }: PassFacts): boolean {
  const isHeld = decision.kind === "stalled" || conflictIn(decision) !== undefined;
  return isHeld || !observation.clockTrusted || unseen !== undefined;
}

function spreadMs({ count, chance }: Fleet): number {
  const wholeMs = Math.min(longestLookMs, Math.max(shortestLookMs, driftMs * count));
  return wholeMs * (0.8 + 0.2 * chance());
}
