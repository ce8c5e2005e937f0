import type { Gate, Plan } from "./plan.ts";
import type { View } from "./view.ts";

/** When the signer will change, and what that hangs on. */
export interface NextRotation {
  /** Unix milliseconds. Stays as it is while nothing happens; absent where no clock decides. */
  readonly atMs?: number;
  /** Somebody must answer, or a person act, before it can come: what the gate waits for. Its times are no promise then. */
  readonly waits?: Gate;
}

/**
 * What is known of the next change of the signer: by the forecast, which takes every gateway for one that answers at once, as long as
 * none has to. While one has to, the instant is that before which it can't come anyway, never that of an unrelated deadline, nor one
 * that moves on with the clock.
 */
export function nextRotation({ ring, forecast, decision, nowMs }: View): NextRotation {
  if (!ring || decision.kind === "stalled") return {};
  const waits = hindrance(decision.plan, ring.standby?.kid);
  if (waits) {
    const activation = decision.plan.gates.find(({ step }) => step === "activate");
    const fromMs = Math.max(0, ...(activation?.waitsFor ?? []).flatMap((b) => (b.kind === "time" ? [b.untilMs] : [])));
    return { waits, ...(fromMs > nowMs && { atMs: fromMs }) };
  }
  const atMs = forecast.find((f) => f.ring.signer.kid !== ring.signer.kid)?.atMs;
  return atMs === undefined ? {} : { atMs };
}

/** The gate that keeps the next key from signing, or from being published, until somebody else has done something. */
function hindrance({ gates, steps }: Plan, standby: string | undefined): Gate | undefined {
  if (steps.length > 0) return undefined;
  const activation = gates.find(({ step }) => step === "activate");
  const publication = gates.find(({ step, kid }) => step === "publish" && kid === (activation?.kid ?? standby));
  return [activation, publication].find((gate) =>
    gate?.waitsFor.some(({ kind }) => kind === "gateway" || kind === "projections"),
  );
}

/** In a word, why a rotation that is Ready has no instant for its next one. */
export function unplanned(
  conditions: readonly Readonly<Record<"type" | "status" | "reason", string>>[],
): "suspended" | "pinned" | "waits" | "on request" {
  const find = (type: string) => conditions.find((one) => one.type === type);
  const holds = (type: string): boolean => find(type)?.status === "True";
  if (holds("Suspended")) return "suspended";
  const pin = find("Pinned")?.reason ?? "NotPinned";
  if (pin !== "NotPinned" && pin !== "PinnedKeyRevoked") return "pinned";
  // A rotation that has begun, and hangs on somebody
  return holds("Rotating") ? "waits" : "on request";
}
