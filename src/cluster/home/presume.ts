import { type KubeObject } from "../../kube/object.ts";
import type { Reading } from "../../ring/found.ts";
import type { VerifyOnlyKey } from "../../ring/key.ts";
import type { Policy } from "../../ring/plan.ts";
import { keysOf, type Ring } from "../../ring/ring.ts";
import { forgetAtMs } from "../../ring/rules/retire.ts";
import { readingOf } from "../../ring/troubles.ts";
import { lastStatus, type PastCondition } from "../last-status.ts";
import { membersOf } from "../../parse/object.ts";

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
  const generation = membersOf(status)["observedGeneration"];
  return typeof generation === "number" && generation >= 0;
}

/** What the controller says of an object that may not be read here: that it can't be used, and why. */
export function toldReading(resource: KubeObject, role: "ring" | "signer"): Reading | undefined {
  const { objects } = lastStatus(resource);
  if (objects === undefined) return role === "ring" ? stalledReading(resource) : undefined;
  const told = objects.find(({ object }) => object === role);
  if (told === undefined) return undefined;
  const { problem, message } = told;
  // A newer controller may know problems that this program does not: what can't be used is at least unreadable
  const isKnown = problem === "Missing" || problem === "Unreadable" || problem === "Foreign";
  return readingOf(isKnown ? { problem, message } : { problem: "Unreadable", message: message || problem });
}

/** Stalls of a ring object that can't be used. */
const unusable = ["RingUnreadable", "RecoveryRefused"];

/** By the condition alone, which is all that an older controller says. */
function stalledReading(resource: KubeObject): Reading | undefined {
  const { reason = "", message = "" } = reported(resource, "Stalled") ?? {};
  if (!unusable.includes(reason)) return undefined;
  return { kind: "unreadable", problem: `as the controller reports: ${message}` };
}
