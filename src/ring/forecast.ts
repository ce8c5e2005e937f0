import type { GatewayView } from "./ack.ts";
import type { Kid } from "./key.ts";
import type { Plan, PlanInput, Step } from "./plan.ts";
import { nextDueAtMs, planRotation } from "./planner.ts";
import { keysOf, type Ring } from "./ring.ts";
import { applyPlan, needsFreshKey } from "./steps.ts";

/** A step that makes a key, too, says which. */
export type NamedStep = Step & { readonly kid?: Kid };

/** One write that will happen, if nothing is edited and every gateway answers at once. */
export interface Forecast {
  readonly atMs: number;
  readonly steps: readonly NamedStep[];
  /** The ring after the write. Keys that don't exist yet are called `(new 1)`, `(new 2)`, … */
  readonly ring: Ring;
}

/**
 * Runs the planner itself into the future. There is no second planner: what it says is what the loop would do.
 *
 * @param horizonMs - How far to look, from `input.nowMs`
 * @param mostWrites - Stops after so many writes
 */
export function forecast(input: PlanInput, horizonMs: number, mostWrites = 100): readonly Forecast[] {
  const writes: Forecast[] = [];
  const endMs = input.nowMs + horizonMs;
  let made = 0;
  let now = input;
  while (writes.length < mostWrites) {
    const plan = planRotation(now);
    const before = now.stored.kind === "ring" ? now.stored.ring : undefined;
    const kids = plan.steps.filter(needsFreshKey).map(() => `(new ${++made})`);
    const ring = applyPlan(baseFor(plan, before), plan, kids);
    if (!ring) break;
    if (plan.steps.length > 0) writes.push({ atMs: now.nowMs, steps: namedSteps(plan, kids), ring });
    // Who has yet to answer does so at once, not when the next pass is due
    const settled = isProjected(now, ring) && haveAnswered(now, ring);
    // A pass looks once a day at least; here nothing can happen in between
    const dueAtMs = nextDueAtMs(plan.gates, now);
    if (settled && dueAtMs > endMs) break;
    now = clockSetTo(after(now, ring), settled ? Math.max(dueAtMs, now.nowMs + 1) : now.nowMs);
  }
  return writes;
}

/** The same at another instant: what a wait counts from stays as far ahead of it. */
export function clockSetTo<T extends Pick<PlanInput, "nowMs" | "waitsFromMs">>(seen: T, nowMs: number): T {
  const { waitsFromMs } = seen;
  return { ...seen, nowMs, ...(waitsFromMs !== undefined && { waitsFromMs: waitsFromMs + nowMs - seen.nowMs }) };
}

/** A lost ring is replaced whole: nothing of the object that stands in its place is needed. */
const baseFor = (plan: Plan, before: Ring | undefined): Ring | undefined =>
  plan.steps[0]?.type === "rebuild" ? { ...plan.steps[0].remains, generation: plan.baseGeneration } : before;

/** The steps, each that makes a key with the next of the kids. */
export function namedSteps(plan: Plan, kids: readonly Kid[]): readonly NamedStep[] {
  const fresh = [...kids];
  return plan.steps.map((step): NamedStep => {
    const kid = needsFreshKey(step) ? fresh.shift() : undefined;
    return kid === undefined ? step : { ...step, kid };
  });
}

function isProjected({ stored }: PlanInput, ring: Ring): boolean {
  if (stored.kind !== "ring") return false;
  const { signer, public: open } = stored.projections;
  return signer?.generation === ring.generation && open?.generation === ring.generation;
}

/** Nobody takes away what is somebody else's. */
const conflictsOf = ({ stored }: PlanInput) =>
  stored.kind === "ring" && stored.conflicts ? { conflicts: stored.conflicts } : {};

function haveAnswered({ gateways }: PlanInput, ring: Ring): boolean {
  const kids = keysOf(ring).map((k) => k.kid);
  return gateways.every(
    ({ ack }) =>
      ack !== undefined &&
      ack.generation >= ring.generation &&
      kids.every((kid) => ack.verifies.includes(kid)) &&
      (ack.signs === undefined || ack.signs === ring.signer.kid),
  );
}

/** Everybody has the new ring. */
function after(input: PlanInput, ring: Ring): PlanInput {
  const kids = keysOf(ring).map((k) => k.kid);
  const projection = { generation: ring.generation, kids };
  const ack = { generation: ring.generation, verifies: kids, signs: ring.signer.kid };
  const gateways = input.gateways.map((g): GatewayView => ({ name: g.name, ready: true, ack }));
  return {
    ...input,
    gateways,
    stored: { kind: "ring", ring, projections: { signer: projection, public: projection }, ...conflictsOf(input) },
  };
}
