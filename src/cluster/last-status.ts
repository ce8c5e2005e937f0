import { type KubeObject } from "../kube/object.ts";
import { membersOf, objectsIn } from "../parse/object.ts";

/** A condition as it was written last. */
export interface PastCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
}

/** What was wrong with one of the three objects. */
type PastTrouble = Readonly<Record<"object" | "problem" | "message", string>>;

/** What an earlier pass reported, as far as a later one has use for it. A status may be lost at any time. */
export interface PastStatus {
  readonly conditions: readonly PastCondition[];
  readonly ringGeneration?: number;
  /** What was wrong with which object; absent in a report of a controller that does not say so. */
  readonly objects?: readonly PastTrouble[];
  readonly history: readonly Readonly<Record<string, unknown>>[];
  /** The Lease of whoever reported; `""`: it held none. Absent when nobody has reported. */
  readonly lease?: string;
}

export function lastStatus(resource: KubeObject): PastStatus {
  const status = membersOf(resource["status"]);
  const { ringGeneration } = status;
  const isCount = typeof ringGeneration === "number" && Number.isSafeInteger(ringGeneration) && ringGeneration > 0;
  return {
    conditions: objectsIn(status["conditions"]).map(conditionIn),
    ...(isCount && { ringGeneration }),
    ...(Array.isArray(status["objects"]) && { objects: objectsIn(status["objects"]).map(troubleIn) }),
    history: objectsIn(status["history"]),
    ...(status["observedGeneration"] !== undefined && { lease: textIn(status["lease"]) }),
  };
}

/** Stalls that a recovery can end. */
const recoverable = ["RingUnreadable", "RingRolledBack", "RecoveryRefused"];
/** These, and a refused write: that of a recovery may be, and then its request must go on to count. */
const oneStall = [...recoverable, "ApiRefused", "ApiFailing"];

/**
 * Since when the rotation has stalled in a way that a recovery can end (Unix milliseconds); Infinity when it has not. Only a
 * request that came later counts: a restored ring has forgotten what it handled.
 */
export function stalledSinceMs(resource: KubeObject): number {
  const stalled = lastStatus(resource).conditions.find(({ type }) => type === "Stalled");
  if (stalled?.status !== "True" || !oneStall.includes(stalled.reason)) return Infinity;
  const atMs = Date.parse(stalled.lastTransitionTime);
  return Number.isNaN(atMs) ? Infinity : atMs;
}

/** Two stalls of one kind are one stall, which keeps its beginning. */
export const isSameStall = (a: string, b: string): boolean => a === b || (oneStall.includes(a) && oneStall.includes(b));

const textIn = (value: unknown): string => (typeof value === "string" ? value : "");

const troubleIn = (fields: Readonly<Record<string, unknown>>): PastTrouble => ({
  object: textIn(fields["object"]),
  problem: textIn(fields["problem"]),
  message: textIn(fields["message"]),
});

const conditionIn = (fields: Readonly<Record<string, unknown>>): PastCondition => ({
  type: textIn(fields["type"]),
  status: textIn(fields["status"]),
  reason: textIn(fields["reason"]),
  message: textIn(fields["message"]),
  lastTransitionTime: textIn(fields["lastTransitionTime"]),
});
