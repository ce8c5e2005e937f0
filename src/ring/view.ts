import { conditionsOf, type Condition } from "./conditions.ts";
import { decide, type Decision, type Observation } from "./decide.ts";
import { forecast, type Forecast } from "./forecast.ts";
import type { Found } from "./found.ts";
import type { Because } from "./lack.ts";
import { describePending, overdue, pendingCheckMs, pendingRevocations } from "./pending.ts";
import type { Ring } from "./ring.ts";

/** One look at a home: what stands there, what the next pass makes of it, and what comes after. */
export interface View {
  readonly seen: Observation;
  readonly nowMs: number;
  readonly decision: Decision;
  /** The ring that counts, or what is left of it; absent when there is none that can be read. */
  readonly ring?: Ring;
  readonly conditions: readonly Condition[];
  /** Empty while nothing can go on. */
  readonly forecast: readonly Forecast[];
}

/** Longer than any schedule that is sensible, so that the next rotation is found. */
export const horizonMs = 400 * 86_400_000;
/** Two rotations, and what stands in between. */
export const mostWrites = 12;

/**
 * Derives everything that the tools show from what was read. Pure.
 *
 * @param known - What need not be worked out again: what comes of it, and what the next pass makes of it; and why a write of
 * this one was refused
 */
export function viewOf(
  seen: Observation,
  known: Partial<Pick<View, "forecast" | "decision">> & { readonly unwritten?: Because; readonly rival?: Because } = {},
): View {
  const decision = known.decision ?? decide(seen);
  const ring = ringOf(decision, seen.found);
  return {
    seen,
    nowMs: seen.found.nowMs,
    decision,
    ...(ring && { ring }),
    conditions: conditionsOf(decision, seen.policy.suspend, {
      refused: seen.refused,
      unwritten: known.unwritten,
      rival: known.rival ?? seen.rival,
      pending: pendingIn(seen, ring),
      pin: seen.pin,
    }),
    forecast: known.forecast ?? (decision.kind === "plan" ? forecast(decision.input, horizonMs, mostWrites) : []),
  };
}

function pendingIn(seen: Observation, ring: Ring | undefined): string | undefined {
  const late = overdue(pendingRevocations(seen, ring), seen.found.nowMs);
  return late.length === 0 ? undefined : describePending(late);
}

/**
 * How long until the next look at a revocation that somebody has not heard of, in milliseconds: when it becomes overdue, and then
 * every so often; Infinity when there is none.
 */
export const pendingWaitMs = (seen: Observation, decision: Decision): number =>
  pendingCheckMs(pendingRevocations(seen, ringOf(decision, seen.found)), seen.found.nowMs);

function ringOf(decision: Decision, found: Found): Ring | undefined {
  if (decision.kind === "plan") {
    const { stored } = decision.input;
    if (stored.kind === "ring") return stored.ring;
    return stored.kind === "lost" ? stored.remains : undefined;
  }
  const readings = [found.ring, found.signer, found.public];
  return readings.flatMap((r) => (r.kind === "ring" ? [r.ring] : [])).sort((a, b) => b.generation - a.generation)[0];
}

/** True when the condition is there and holds. */
export const holds = (view: Pick<View, "conditions">, type: Condition["type"]): boolean =>
  view.conditions.some((c) => c.type === type && c.status === "True");
