import type { VerifyOnlyKey } from "../key.ts";
import type { Policy } from "../plan.ts";
import { windowInForceMs, type RingSettings } from "../ring.ts";
import {
  effectivePin,
  maybeSigning,
  projectionsLack,
  signingNow,
  until,
  type RuleResult,
  type RuleContext,
  type Rule,
} from "./context.ts";

/** When the last token of a quiesced key has ended everywhere. */
export const pruneAtMs = (key: VerifyOnlyKey, quiescedAtMs: number, settings: RingSettings): number =>
  // waitMs: applications that sign by themselves never ack, and have that long to see the next key.
  quiescedAtMs + key.waitMs + Math.max(key.windowMs, windowInForceMs(settings, key.profile));

/** When a quiesced key loses its private half, and with it the way back. */
export const forgetAtMs = (key: VerifyOnlyKey, quiescedAtMs: number, policy: Policy): number =>
  quiescedAtMs + key.waitMs + policy.rollbackWindowMs;

/** One key on its way out: quiesced, then without its private half, then gone. */
function retireOne(context: RuleContext, key: VerifyOnlyKey): RuleResult | readonly RuleResult[] {
  const { kid, quiescedAtMs } = key;
  if (quiescedAtMs === undefined) {
    const shown = projectionsLack(context, (p) => p.generation >= key.demotedInGeneration);
    const waitsFor = [...shown, ...maybeSigning(context, key)];
    if (waitsFor.length === 0) return { type: "quiesce", kid };
    return { step: "quiesce", kid, waitsFor, sinceMs: key.demotedAtMs };
  }
  if (kid === effectivePin(context)) return { step: "prune", kid, waitsFor: [{ kind: "pinned" }] };
  const dueAtMs = pruneAtMs(key, quiescedAtMs, context.ring.settings);
  const prune = [
    ...until(dueAtMs, "rotationWindow", context),
    // Read once more: a person may have put back what still signs with it
    ...projectionsLack(context, (p) => p.generation >= key.demotedInGeneration),
    ...signingNow(context, kid),
  ];
  if (prune.length === 0) return { type: "prune", kid };
  const since = dueAtMs <= context.input.nowMs ? { sinceMs: dueAtMs } : {};
  const pruneGate = { step: "prune", kid, waitsFor: prune, ...since } as const;
  if (!key.canSign) return pruneGate;
  const forget = until(forgetAtMs(key, quiescedAtMs, context.input.policy), "rollbackWindow", context);
  return forget.length === 0 ? { type: "forget", kid } : [{ step: "forget", kid, waitsFor: forget }, pruneGate];
}

/** One rule, since the three steps of one key follow each other: no longer signs, can't sign any more, is gone. */
export const retireRules: readonly Rule[] = [
  (context) => context.ring.retiring.flatMap((key) => retireOne(context, key)),
];
