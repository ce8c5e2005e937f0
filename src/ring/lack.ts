import { describeGate, shortKid } from "./describe.ts";
import type { Plan, PlanInput, Stored } from "./plan.ts";
import type { Ring } from "./ring.ts";
import { notAccepting } from "./rules/context.ts";

/** Why a condition is as it is. */
export interface Because {
  /** Stable, UpperCamelCase. */
  readonly reason: string;
  readonly message: string;
}

/**
 * What is missing before every token that is signed now is accepted everywhere; undefined when this pass has seen that nothing is:
 * a fact that an earlier one stored is not enough.
 */
export function lackOf(ring: Ring, input: PlanInput, plan: Plan): Because | undefined {
  const { signer } = ring;
  if (!signer.canSign)
    return { reason: "SignerLost", message: "the signer's private half is lost; the next key takes over" };
  if (signer.publishedAtMs === undefined) {
    const gate = plan.gates.find((g) => g.step === "publish" && g.kid === signer.kid);
    const message = gate ? describeGate(gate) : "the signer is being published";
    return { reason: input.policy.suspend ? "Suspended" : "Publishing", message };
  }
  const missing = missingIn(input.stored, ring);
  if (missing !== undefined) return { reason: "ProjectionMissing", message: missing };
  const behind = notAccepting({ input, ring }, signer.kid);
  if (behind.length === 0) return undefined;
  return { reason: "GatewayBehind", message: describeGate({ step: "publish", waitsFor: behind }) };
}

function missingIn(stored: Stored, { signer }: Ring): string | undefined {
  if (stored.kind !== "ring") return undefined;
  for (const object of ["signer", "public"] as const) {
    const found = stored.projections[object];
    if (found === undefined) return `the ${object} object is not there, or can't be read; it is written again`;
    if (!found.kids.includes(signer.kid))
      return `the ${object} object lacks key ${shortKid(signer.kid)}, which signs; it is written again`;
  }
  return undefined;
}
