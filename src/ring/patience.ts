import type { Gate, Policy } from "./plan.ts";

/**
 * When a barrier has waited so long for a gateway that a person must look; undefined for gates without a gateway. Counts
 * from the later of the barrier's begin and the gateway's start: one that has just been restarted is not silent.
 */
export function silentFromMs({ sinceMs, waitsFor }: Gate, policy: Policy): number | undefined {
  if (sinceMs === undefined) return undefined;
  const patienceMs = policy.rotationWindowMs + policy.propagationMs;
  const ends = waitsFor.flatMap((b) =>
    b.kind === "gateway" ? [Math.max(sinceMs, b.runningSinceMs ?? sinceMs) + patienceMs] : [],
  );
  return ends.length === 0 ? undefined : Math.min(...ends);
}
