import { isFields, type KubeObject } from "../../kube/object.ts";
import type { Reading } from "../../ring/found.ts";
import type { VerifyOnlyKey } from "../../ring/key.ts";
import type { Policy } from "../../ring/plan.ts";
import { keysOf, type Ring } from "../../ring/ring.ts";
import { forgetAtMs } from "../../ring/rules/retire.ts";
import { lastStatus, type PastCondition } from "../past.ts";

export interface Presumption {
  readonly policy: Policy;
  readonly nowMs: number;
  /** False when the signer's private half is known to be lost. */
  readonly signerCanSign: boolean;
}

/**
 * What the ring object most likely is, by a document that is let out of it: the same facts, but for the private halves,
 * which are there as long as the rules keep them.
 */
export function presumedRing(ring: Ring, { policy, nowMs, signerCanSign }: Presumption): Reading {
  const isKept = (key: VerifyOnlyKey): boolean =>
    key.activatedAtMs !== undefined &&
    (key.quiescedAtMs === undefined || nowMs < forgetAtMs(key, key.quiescedAtMs, policy));
  const presumed: Ring = {
    ...ring,
    signer: { ...ring.signer, canSign: signerCanSign },
    ...(ring.standby && { standby: { ...ring.standby, canSign: true } }),
    retiring: ring.retiring.map((key) => ({ ...key, canSign: isKept(key) })),
  };
  const halves = keysOf(presumed).flatMap(({ kid, canSign }) => (canSign ? [kid] : []));
  return { kind: "ring", ring: presumed, halves };
}

/** The condition, if the controller reported that it holds. */
export function reported(resource: KubeObject, type: string): PastCondition | undefined {
  return lastStatus(resource).conditions.find((one) => one.type === type && one.status === "True");
}

/** True once a controller has reported on the resource. */
export function isSeen({ status }: KubeObject): boolean {
  const generation = isFields(status) ? status["observedGeneration"] : undefined;
  return typeof generation === "number" && generation >= 0;
}

/** Reasons of {@link Reading}s that a controller reports of a ring Secret which it can't use. */
const unreadable = ["RingUnreadable", "RecoveryRefused"];

/** What the controller says of an object that may not be read here: that it can't be used, and why. */
export function toldReading(resource: KubeObject, role: "ring" | "signer"): Reading | undefined {
  const { reason = "", message = "" } = reported(resource, "Stalled") ?? {};
  if (reason === "SecretConflict") {
    const [, whose, problem = ""] = /^the (ring|signer) object is not Keyturn's: (.*)$/s.exec(message) ?? [];
    return whose === role ? { kind: "foreign", problem } : undefined;
  }
  if (role !== "ring" || !unreadable.includes(reason)) return undefined;
  const [, problem = message] = /^the ring object can't be read: (.*); request a recovery/s.exec(message) ?? [];
  return { kind: "unreadable", problem };
}
