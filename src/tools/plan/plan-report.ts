import { conflictIn } from "../../ring/decide.ts";
import { describeStep } from "../../ring/describe.ts";
import type { Kid } from "../../ring/key.ts";
import type { Step } from "../../ring/plan.ts";
import { planReport, type PlanReport } from "../../ring/status.ts";
import type { View } from "../../ring/view.ts";
import { formatInstant } from "../../parse/instant.ts";

interface StepReport {
  readonly step: Step["type"];
  /** Keys that don't exist yet are called `(new 1)`, `(new 2)`, … */
  readonly kid?: Kid;
  readonly message: string;
}

/** The document that `plan -o json` and `-o yaml` print. Instants are RFC 3339 in UTC. */
export interface PlanDocument {
  readonly rotation: { readonly name: string; readonly namespace: string };
  /** When the plan was made, or is supposed to be made. */
  readonly time: string;
  readonly suppositions: readonly string[];
  /** Why nothing, or nothing but revocation, happens before a person acts. */
  readonly stalled?: { readonly reason: string; readonly message: string };
  /** What is due, then what waits; the fields of the status's `plan`. */
  readonly plan: readonly PlanReport[];
  readonly forecast: readonly {
    readonly time: string;
    readonly activeKid: Kid;
    readonly steps: readonly StepReport[];
  }[];
}

export function planDocument(view: View, suppositions: readonly string[]): PlanDocument {
  const { decision, forecast, nowMs } = view;
  const conflict = conflictIn(decision);
  const { name, namespace } = view.seen.rotation;
  return {
    rotation: { name, namespace },
    time: formatInstant(nowMs),
    suppositions,
    ...(decision.kind === "stalled" && { stalled: { reason: decision.reason, message: decision.message } }),
    ...(conflict && { stalled: conflict }),
    plan: decision.kind === "plan" ? planReport(decision.plan) : [],
    forecast: forecast.map(({ atMs, ring, steps }) => ({
      time: formatInstant(atMs),
      activeKid: ring.signer.kid,
      steps: steps.map((step) => ({
        step: step.type,
        ...(step.kid !== undefined && { kid: step.kid }),
        message: describeStep(step),
      })),
    })),
  };
}
