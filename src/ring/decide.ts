import type { GatewayView } from "./ack.ts";
import { classify, conflictOf, type Found, type Stall } from "./found.ts";
import type { Because } from "./lack.ts";
import type { PinFacts } from "./pin-facts.ts";
import type { Conflict, Plan, PlanInput, Policy, Refusal } from "./plan.ts";
import { planRotation } from "./planner.ts";
import type { RotationRef } from "./ring.ts";

/**
 * Everything that a pass has read, before it decides. Read in this order: projections, gateways with their acks, ring,
 * clock. Acks after projections: a gateway that appears in between has read these projections, or newer ones. The ring
 * last: nobody can have acknowledged one that is newer.
 */
export interface Observation {
  readonly rotation: RotationRef;
  readonly policy: Policy;
  /** What was written down, and is not in force. */
  readonly refused?: Refusal;
  readonly requests: readonly string[];
  /** As {@link PlanInput} has it. */
  readonly firstRequests?: readonly string[];
  readonly gateways: readonly GatewayView[];
  readonly found: Found;
  readonly clockTrusted: boolean;
  /** Somebody else writes here, too, as the keeper reports: a look can't see it. */
  readonly rival?: Because;
  /** Who has pinned the signer; absent where there is no pin, or nobody says. */
  readonly pin?: PinFacts;
}

/** What a pass does: carry out a plan (which may have no steps), or nothing until a person acts. */
export type Decision = { readonly kind: "plan"; readonly input: PlanInput; readonly plan: Plan } | Stall;

/** Why nothing but revocation runs although there is a plan: a projection's place is somebody else's. */
export function conflictIn(decision: Decision): ReturnType<typeof conflictOf> | undefined {
  const [conflict] = conflictsIn(decision);
  return conflict && conflictOf(conflict);
}

/** The projections that are somebody else's. */
export function conflictsIn(decision: Decision): readonly Conflict[] {
  if (decision.kind !== "plan" || decision.input.stored.kind !== "ring") return [];
  return decision.input.stored.conflicts ?? [];
}

/** The whole of a pass between reading and writing. Pure. */
export function decide(seen: Observation): Decision {
  const verdict = classify(seen.found);
  if (verdict.kind === "stalled") return verdict;
  const { rotation, policy, refused, requests, firstRequests, gateways, clockTrusted } = seen;
  const { nowMs, waitsFromMs } = seen.found;
  const input = {
    ...{
      rotation,
      policy,
      stored: verdict,
      requests,
      gateways,
      clockTrusted,
      nowMs,
      ...(waitsFromMs !== undefined && { waitsFromMs }),
    },
    ...(refused && { refused }),
    ...(firstRequests && { firstRequests }),
  };
  return { kind: "plan", input, plan: planRotation(input) };
}
