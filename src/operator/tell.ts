import type { KubeObject } from "../kube/object.ts";
import { describeStep } from "../ring/describe.ts";
import type { NamedStep } from "../ring/forecast.ts";
import type { Happening } from "../runtime/events.ts";
import { lastStatus } from "./past.ts";

type Told = Pick<Happening, "type" | "reason" | "action" | "note">;

const reasons: Readonly<Record<NamedStep["type"], { readonly reason: string; readonly action: string }>> = {
  begin: { reason: "RingCreated", action: "Create" },
  adopt: { reason: "KeysAdopted", action: "Adopt" },
  rebuild: { reason: "RingRebuilt", action: "Recover" },
  create: { reason: "KeyPrepared", action: "Rotate" },
  configure: { reason: "SettingsChanged", action: "Configure" },
  activate: { reason: "KeyActivated", action: "Rotate" },
  revoke: { reason: "KeyRevoked", action: "Revoke" },
  revokeBefore: { reason: "KeysRevokedBefore", action: "Revoke" },
  markPublished: { reason: "KeyPublished", action: "Rotate" },
  markUnpublished: { reason: "KeyUnpublished", action: "Rotate" },
  markQuiesced: { reason: "KeyQuiesced", action: "Rotate" },
  forgetPrivate: { reason: "PrivateHalfForgotten", action: "Rotate" },
  prune: { reason: "KeyPruned", action: "Prune" },
  discardPrepared: { reason: "KeyDiscarded", action: "Rotate" },
};

/** A step as an event says it. Those that skip a wait, or make up for a loss, are warnings. */
export function eventsOf(step: NamedStep): readonly Told[] {
  const { reason, action } = reasons[step.type];
  const note = describeStep(step);
  const isEarly = (step.type === "activate" && step.early) || (step.type === "create" && step.as === "active");
  const told: Told = {
    type: isEarly || step.type === "rebuild" || step.type === "markUnpublished" ? "Warning" : "Normal",
    reason: isEarly ? "KeyActivatedEarly" : reason,
    action,
    note,
  };
  const evicted = step.type === "revoke" ? step.evicts : undefined;
  if (evicted === undefined) return [told];
  const text = `the list of revoked keys is full: ${evicted} is no longer remembered`;
  return [told, { type: "Warning", reason: "RevocationForgotten", action: "Revoke", note: text }];
}

/** What is told when a rotation begins or ceases to be stalled. */
export function stallEvents(before: KubeObject, after: KubeObject): readonly Told[] {
  const [was, is] = [stallOf(before), stallOf(after)];
  if (is !== undefined && is.reason !== was?.reason) {
    return [{ type: "Warning", reason: is.reason, action: "Reconcile", note: is.message }];
  }
  if (was === undefined || is !== undefined) return [];
  return [{ type: "Normal", reason: "NoLongerStalled", action: "Reconcile", note: `${was.reason} is over` }];
}

const stallOf = (resource: KubeObject) =>
  lastStatus(resource).conditions.find(({ type, status }) => type === "Stalled" && status === "True");

/** Something that was asked for, or stated, in a form that does not count. */
export const warningEvent = (note: string): Told => ({ type: "Warning", reason: "Ignored", action: "Reconcile", note });

/** Keys that were found and could not be taken over. */
export const setAsideEvent = (note: string): Told => ({
  type: "Warning",
  reason: "KeysSetAside",
  action: "Recover",
  note,
});
