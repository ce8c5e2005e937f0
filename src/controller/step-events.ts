import type { SetAside } from "../keeper/store.ts";
import type { KubeObject } from "../kube/object.ts";
import { describeStep, mostNamed, shortKid } from "../ring/describe.ts";
import type { NamedStep } from "../ring/forecast.ts";
import type { EventFacts } from "../runtime/events.ts";
import { lastStatus } from "../cluster/last-status.ts";

type StepEvent = Pick<EventFacts, "type" | "reason" | "action" | "note" | "isUrgent">;

/** The action is the name of the step, as Kubernetes writes words for programs. */
export const stepReasons: Readonly<Record<NamedStep["type"], { readonly reason: string; readonly action: string }>> = {
  begin: { reason: "RingCreated", action: "Begin" },
  adopt: { reason: "KeysAdopted", action: "Adopt" },
  rebuild: { reason: "RingRebuilt", action: "Rebuild" },
  create: { reason: "KeyPrepared", action: "Create" },
  configure: { reason: "SettingsChanged", action: "Configure" },
  activate: { reason: "KeyActivated", action: "Activate" },
  revoke: { reason: "KeyRevoked", action: "Revoke" },
  seeRequests: { reason: "RequestSeen", action: "SeeRequests" },
  revokeBefore: { reason: "KeysRevokedBefore", action: "RevokeBefore" },
  publish: { reason: "KeyPublished", action: "Publish" },
  unpublish: { reason: "KeyUnpublished", action: "Unpublish" },
  quiesce: { reason: "KeyQuiesced", action: "Quiesce" },
  forget: { reason: "PrivateHalfForgotten", action: "Forget" },
  prune: { reason: "KeyPruned", action: "Prune" },
  discard: { reason: "KeyDiscarded", action: "Discard" },
};

/**
 * What a write did, as events, one for each reason: what happened to several keys is one event that names them all, and the
 * first standby of a ring belongs to its beginning. Of many revocations their number is told, since a person who is told
 * sixteen times reads none. Warnings and revocations are urgent.
 */
export function eventsOf(steps: readonly NamedStep[]): readonly StepEvent[] {
  const revoked = steps.filter((step) => step.type === "revoke");
  const isMass = revoked.length > 1;
  const isNew = steps.some(({ type }) => type === "begin");
  const told = steps.flatMap((step) => {
    if (isMass && step.type === "revoke") return evictionsOf(step);
    const events = eventsOfStep(step);
    return isNew && step.type === "create" ? events.map((one) => ({ ...one, ...stepReasons.begin })) : events;
  });
  const all = byReason(isMass ? [massRevocation(revoked), ...told] : told);
  return all.map((one) => ({ ...one, isUrgent: isUrgent(one) }));
}

function byReason(told: readonly StepEvent[]): readonly StepEvent[] {
  const all = new Map<string, StepEvent>();
  for (const one of told) {
    const before = all.get(one.reason);
    all.set(one.reason, before ? { ...before, note: `${before.note}; ${one.note}` } : one);
  }
  return [...all.values()];
}

const isUrgent = ({ type, action }: StepEvent): boolean => type === "Warning" || action.startsWith("Revoke");

function massRevocation(steps: readonly RevokeStep[]): StepEvent {
  const named = steps.slice(0, mostNamed).map(({ kid }) => shortKid(kid));
  const more = steps.length - named.length;
  const names = [...named, ...(more > 0 ? [`and ${more} more`] : [])].join(", ");
  const why = [...new Set(steps.flatMap(({ reason }) => reason ?? []))];
  const note = `${steps.length} keys are revoked: ${names}${why.length === 0 ? "" : `; ${why.join("; ")}`}`;
  return { type: "Normal", ...stepReasons.revoke, note };
}

type RevokeStep = Extract<NamedStep, { readonly type: "revoke" }>;

function evictionsOf({ evicts }: RevokeStep): readonly StepEvent[] {
  if (evicts === undefined) return [];
  const note = `the list of revoked keys is full: ${evicts} is no longer remembered`;
  return [{ type: "Warning", reason: "RevocationForgotten", action: "Revoke", note }];
}

/** Those that skip a wait, or make up for a loss, are warnings. */
function eventsOfStep(step: NamedStep): readonly StepEvent[] {
  const { reason, action } = stepReasons[step.type];
  const note = describeStep(step);
  const isEarly = (step.type === "activate" && step.early) || (step.type === "create" && step.as === "active");
  const told: StepEvent = {
    type: isEarly || step.type === "rebuild" || step.type === "unpublish" ? "Warning" : "Normal",
    reason: isEarly ? "KeyActivatedEarly" : reason,
    action,
    note,
  };
  return [told, ...(step.type === "revoke" ? evictionsOf(step) : [])];
}

/** What is told when a rotation begins or ceases to be stalled, or to have a revocation that is not carried out. */
export function stallEvents(before: KubeObject, after: KubeObject): readonly StepEvent[] {
  return [...stallTold(before, after), ...pendingTold(before, after)];
}

function pendingTold(before: KubeObject, after: KubeObject): readonly StepEvent[] {
  const [was, is] = [before, after].map((one) => holding(one, "RevocationPending"));
  if ((was === undefined) === (is === undefined)) return [];
  if (is) return [{ type: "Warning", reason: "RevocationPending", action: "Revoke", note: is.message, isUrgent: true }];
  return [
    { type: "Normal", reason: "RevocationCarriedOut", action: "Revoke", note: "every revocation is carried out" },
  ];
}

function stallTold(before: KubeObject, after: KubeObject): readonly StepEvent[] {
  const [was, is] = [holding(before, "Stalled"), holding(after, "Stalled")];
  if (is !== undefined && is.reason !== was?.reason) {
    return [{ type: "Warning", reason: is.reason, action: "Reconcile", note: is.message, isUrgent: true }];
  }
  if (was === undefined || is !== undefined) return [];
  return [{ type: "Normal", reason: "NoLongerStalled", action: "Reconcile", note: `${was.reason} is over` }];
}

const holding = (resource: KubeObject, wanted: string) =>
  lastStatus(resource).conditions.find(({ type, status }) => type === wanted && status === "True");

/** Something that was asked for, or stated, in a form that does not count. Not urgent: who states it may do so without an end. */
export const warningEvent = (note: string): StepEvent => ({
  type: "Warning",
  reason: "Ignored",
  action: "Reconcile",
  note,
});

/** Keys that were found and could not be taken over. */
export const setAsideEvent = ({ from, to }: SetAside): StepEvent => ({
  type: "Warning",
  reason: "KeysSetAside",
  action: "Recover",
  note: `${from} held what the ring does not have: it is kept in ${to}`,
  isUrgent: true,
});
