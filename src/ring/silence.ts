import type { Blocker, Gate, Policy } from "./plan.ts";

/**
 * When a barrier has waited so long for a gateway that a person must look; undefined for gates without a gateway. Counts
 * from the later of the barrier's begin and the begin of the gateway's pod: a container that starts again and again is not
 * given new time.
 */
export function silentFromMs({ step, sinceMs, waitsFor }: Gate, policy: Policy): number | undefined {
  if (sinceMs === undefined) return undefined;
  const patienceMs = policy.rotationWindowMs + policy.propagationMs;
  const ends = waitsFor.flatMap((b) =>
    b.kind === "gateway" ? [Math.max(sinceMs, beganMs(step, b) ?? sinceMs) + patienceMs] : [],
  );
  return ends.length === 0 ? undefined : Math.min(...ends);
}

/**
 * Activation may have been possible for weeks before it was asked for, and every gateway accepted the key then: one that
 * does not now has been started anew.
 */
const beganMs = (step: Gate["step"], { runningSinceMs, restartedAtMs }: Blocker & { readonly kind: "gateway" }) =>
  step === "activate" ? (restartedAtMs ?? runningSinceMs) : runningSinceMs;
