import type { Kid } from "./key.ts";
import { applyStep } from "./steps.ts";
import type { Blocker, Gate, Plan, PlanInput, Policy, Step } from "./plan.ts";
import { silentFromMs } from "./silence.ts";
import { keysOf, type Ring } from "./ring.ts";
import { emergencyRules } from "./rules/emergency.ts";
import { unpublish } from "./rules/publish.ts";
import { isStep, type RuleResult, type Rule } from "./rules/context.ts";
import { retireRules } from "./rules/retire.ts";
import { keyToMake } from "./rules/waits.ts";
import { settingsOf, signerRules } from "./rules/signer.ts";
import { dayMs } from "../parse/duration.ts";

/** Far more than a full ring can ask for in one pass: two rules that undo each other's work are a mistake in the program. */
const mostSteps = 2000;

/** All rules in their order; each list gives the reason for each place. */
export const rotationRules = {
  // Never held, by nothing: whoever is revoked must not wait for a gateway, a clock or a person
  emergency: [
    // Before anything counts on it: a key that a projection has lost is not published any more
    unpublish,
    ...emergencyRules,
  ],
  // Held by suspension, a clock that can't be trusted, a spec that can't be used, an object that is somebody else's
  ordinary: [
    // First who signs, then who goes: a key is let go only after another one has taken over
    ...signerRules,
    ...retireRules,
  ],
};

/**
 * Decides what the next write of the ring changes, and what everything else waits for. Pure: the same input gives the
 * same plan, and nothing is done.
 *
 * ```
 *   what is stored        first step                    then, to a fixed point
 *
 *   nothing ────────────▶ begin   ─┐
 *   existing keys ──────▶ adopt   ─┤      ┌────────────────────────────────────────────────┐
 *   a lost ring ────────▶ rebuild ─┼─▶ ring ─▶ emergency rules ─▶ ordinary rules ──────────┤
 *   a ring ────────────────────────┘      ▲       (always)        (unless held)            │
 *                                         │                                                ▼
 *                                         └── apply it ◀── the first step that is ripe · or none: the gates
 * ```
 *
 * A rule gives a step that is ripe, or a gate that says what the step waits for. All steps of a plan go into one write. So a key goes
 *
 * ```
 *   create         publish            activate               quiesce            forget, prune
 *   prepared ────▶ prepared, published ───▶ active ──(the next)──▶ verify-only, quiesced ─▶ gone
 *            ▲                         ▲                       ▲                         ▲
 *            every gateway and both    propagation wait;       no gateway signs with     wait + window: its last
 *            projections have it       everyone accepts it     it, both show the next    token has ended
 * ```
 *
 * The facts are written by a later pass than the one that made them true.
 *
 * @see docs/design.md sections 3 and 6
 */
export function planRotation(input: PlanInput, rules: typeof rotationRules = rotationRules): Plan {
  const { stored, nowMs, waitsFromMs } = input;
  const hold = holdOf(input);
  const first = firstStep(input);
  if (first && first.type !== "rebuild" && hold) return planOf(input, [], [{ step: first.type, waitsFor: [hold] }]);
  const stamp = { nowMs, ...(waitsFromMs !== undefined && { waitsFromMs }), generation: nextGeneration(input) };
  const steps: Step[] = [];
  const take = (step: Step, on: Ring | undefined): Ring => {
    steps.push(step);
    return applyStep(on, step, { ...stamp, freshKid: placeholder(on) });
  };
  let ring = first ? take(first, undefined) : stored.kind === "ring" ? stored.ring : undefined;
  const active = hold ? rules.emergency : [...rules.emergency, ...rules.ordinary];
  for (;;) {
    if (!ring) throw new TypeError("Cannot plan: there is no ring");
    if (steps.length > mostSteps) throw new TypeError("Cannot plan: the rules come to no rest");
    const { step, gates } = nextStep(active, input, ring);
    if (!step) return planOf(input, steps, hold ? [...gates, { step: "activate", waitsFor: [hold] }] : gates);
    ring = take(step, ring);
  }
}

/** What a key is called before it exists. The ring of a forecast has such keys already: two of a name would share their barriers. */
function placeholder(ring: Ring | undefined): Kid {
  const taken = new Set(ring && keysOf(ring).map((k) => k.kid));
  let n = 1;
  while (taken.has(`(new ${n})`)) n += 1;
  return `(new ${n})`;
}

/** The first ripe step of the first rule that has one; else every gate. */
function nextStep(rules: readonly Rule[], input: PlanInput, ring: Ring): { step?: Step; gates: Gate[] } {
  const gates: Gate[] = [];
  for (const rule of rules) {
    const results = [rule({ input, ring }) ?? []].flat() as readonly RuleResult[];
    const step = results.find(isStep);
    if (step) return { step, gates };
    gates.push(...results.filter((result): result is Gate => !isStep(result)));
  }
  return { gates };
}

function holdOf({ policy, refused, clockTrusted, stored }: PlanInput): Blocker | undefined {
  const [conflict] = stored.kind === "ring" ? (stored.conflicts ?? []) : [];
  if (conflict) return { kind: "conflict", object: conflict.object };
  if (refused?.holds === true) return { kind: "refused" };
  if (policy.suspend) return { kind: "suspended" };
  return clockTrusted ? undefined : { kind: "clock" };
}

/** How a ring comes about when there is none to go on with. What is requested by then counts as seen. */
function firstStep({ rotation, policy, stored, requests: handledRequests }: PlanInput): Step | undefined {
  const settings = settingsOf(policy);
  const waitMs = policy.propagationMs;
  const begin = { rotation, settings, waitMs, handledRequests };
  switch (stored.kind) {
    case "nothing": {
      const keys = stored.alsoVerify ?? [];
      const alsoVerify = keys.length === 0 ? {} : { alsoVerify: { keys, profile: adoptedProfile(policy) } };
      return { type: "begin", ...begin, ...keyToMake(policy), ...alsoVerify };
    }
    case "adoptable":
      return {
        type: "adopt",
        ...begin,
        profile: adoptedProfile(policy),
        signer: stored.signer,
        verifyOnly: stored.verifyOnly,
      };
    case "lost": {
      const { remains, halves, why, alsoVerify } = stored;
      return { type: "rebuild", remains, halves, why, alsoVerify, profile: adoptedProfile(policy), waitMs };
    }
    case "ring":
      return undefined;
    default:
      return stored satisfies never;
  }
}

/** Tokens signed before the adoption may live longer than those after it. */
const adoptedProfile = ({ profile, adoptionMaxTTLMs }: Policy): Policy["profile"] => ({
  ...profile,
  maxTTLMs: Math.max(profile.maxTTLMs, adoptionMaxTTLMs),
});

/** A ring that is made anew orders after every ring of that name before it. */
function nextGeneration({ stored, nowMs }: PlanInput): number {
  return stored.kind === "ring"
    ? stored.ring.generation + 1
    : Math.max(Math.floor(nowMs / 1000), stored.generationFloor + 1);
}

function baseGeneration({ stored }: PlanInput): number {
  switch (stored.kind) {
    case "ring":
      return stored.ring.generation;
    case "lost":
      return stored.baseGeneration;
    case "nothing":
    case "adoptable":
      return 0;
    default:
      return stored satisfies never;
  }
}

function planOf(input: PlanInput, steps: readonly Step[], gates: readonly Gate[]): Plan {
  const { nowMs, waitsFromMs } = input;
  return {
    baseGeneration: baseGeneration(input),
    nextGeneration: nextGeneration(input),
    nowMs,
    ...(waitsFromMs !== undefined && { waitsFromMs }),
    steps,
    gates,
    nextCheckAtMs: Math.min(nowMs + dayMs, nextDueAtMs(gates, input)),
  };
}

/** The earliest instant at which the clock alone leads to another plan; Infinity when none does. */
export function nextDueAtMs(gates: readonly Gate[], { nowMs, policy }: Pick<PlanInput, "nowMs" | "policy">): number {
  const times = gates.flatMap((g) => [
    ...g.waitsFor.flatMap((b) => (b.kind === "time" ? [b.untilMs] : [])),
    (silentFromMs(g, policy) ?? -Infinity) + 1,
  ]);
  return Math.min(Infinity, ...times.filter((ms) => ms > nowMs));
}
