import { conditionsOf } from "../../src/ring/conditions.ts";
import type { PlanInput } from "../../src/ring/plan.ts";
import { planRotation } from "../../src/ring/planner.ts";
import type { Ring } from "../../src/ring/ring.ts";
import { type Change, inputOf } from "./rings.ts";

/** One line a condition: `Ready False Publishing: gw-1 has not acknowledged`. */
export const linesOf = (input: PlanInput): readonly string[] =>
  conditionsOf({ kind: "plan", input, plan: planRotation(input) }, input.policy.suspend).map(
    ({ type, status, reason, message }) => `${type} ${status} ${reason}: ${message}`,
  );
export const lines = (ring: Ring, change: Change = {}) => linesOf(inputOf(ring, change));
