import type { PlanInput } from "../../src/ring/plan.ts";
import { planRotation } from "../../src/ring/planner.ts";
import { keysOf, type Ring } from "../../src/ring/ring.ts";
import type { Bench } from "./bench.ts";
import { fullRing, passOver } from "./full-ring.ts";

/**
 * What a rotation script of twenty lines decides with: one loop over the keys, the same three waits, no reasons, no
 * gateways, no emergencies. The least that anybody could do.
 */
function scriptedPass(ring: Ring, { policy, nowMs }: PlanInput): { readonly due: string[]; readonly nextMs: number } {
  const due: string[] = [];
  let nextMs = Infinity;
  for (const key of keysOf(ring)) {
    const atMs = dueAtMs(key, policy);
    if (atMs <= nowMs) due.push(key.kid);
    else if (atMs < nextMs) nextMs = atMs;
  }
  return { due, nextMs };
}

function dueAtMs(key: ReturnType<typeof keysOf>[number], { schedule, rollbackWindowMs }: PlanInput["policy"]): number {
  if (key.state === "prepared") return key.publishedAtMs === undefined ? Infinity : key.publishedAtMs + key.waitMs;
  if (key.state === "active") return key.activatedAtMs + (schedule.kind === "interval" ? schedule.everyMs : Infinity);
  const { quiescedAtMs, waitMs, windowMs } = key;
  return quiescedAtMs === undefined ? Infinity : quiescedAtMs + waitMs + Math.min(windowMs, rollbackWindowMs);
}

export const plannerBench: Bench = {
  name: "planner",
  what: "one pass of planRotation over a full ring of 16 keys, with three gateways",
  contests: async () => {
    const full = await fullRing("ES256");
    const { ring } = full;
    const atRest = passOver(full, "at rest");
    const busy = passOver(full, "busy");
    const copy = { name: "structuredClone of the same ring", run: () => structuredClone(ring) };
    const steps = planRotation(busy).steps.length;
    return [
      {
        name: "nothing is due",
        clock: "cpu",
        ours: { name: "planRotation", run: () => planRotation(atRest) },
        baseline: copy,
      },
      {
        name: "nothing is due",
        clock: "cpu",
        ours: { name: "planRotation", run: () => planRotation(atRest) },
        baseline: { name: "a script's loop over the 16 keys", run: () => scriptedPass(ring, atRest) },
      },
      {
        name: `${steps} steps are due`,
        clock: "cpu",
        ours: { name: "planRotation", run: () => planRotation(busy) },
        baseline: copy,
      },
    ];
  },
};
