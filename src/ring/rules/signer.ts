import type { Key, PreparedKey, VerifyOnlyKey } from "../key.ts";
import type { Blocker, Gate, Policy, Why } from "../plan.ts";
import { keyLimit, keysOf, ordinaryKeyLimit, type RingSettings } from "../ring.ts";
import { nextRunAfterMs } from "../schedule.ts";
import { replaceSigner } from "./emergency.ts";
import {
  effectivePin,
  handledAfter,
  notAccepting,
  openRequests,
  serves,
  until,
  type RuleResult,
  type RuleContext,
  type Rule,
} from "./context.ts";
import { publish } from "./publish.ts";
import { freshKeyWaitMs, keyToMake, maySignFromMs } from "./waits.ts";
import { minuteMs } from "../../parse/duration.ts";

/** JWKS may live in caches for this long at the most, however long the propagation is. */
const longestMaxAgeMs = 15 * minuteMs;

export const settingsOf = (policy: Policy): RingSettings => ({
  clockSkewMs: policy.clockSkewMs,
  jwksMaxAgeMs: Math.min(policy.propagationMs, longestMaxAgeMs),
  mintMaxTTLMs: policy.profile.maxTTLMs,
  rotationWindowMs: policy.rotationWindowMs,
});

const sameSettings = (a: RingSettings, b: RingSettings): boolean =>
  a.clockSkewMs === b.clockSkewMs &&
  a.jwksMaxAgeMs === b.jwksMaxAgeMs &&
  a.mintMaxTTLMs === b.mintMaxTTLMs &&
  a.rotationWindowMs === b.rotationWindowMs;

const configure: Rule = ({ input: { policy }, ring }) => {
  const settings = settingsOf(policy);
  const waitMs = policy.propagationMs;
  const fits = sameSettings(settings, ring.settings) && keysOf(ring).every((k) => k.waitMs >= waitMs);
  return fits ? undefined : { type: "configure", settings, waitMs };
};

const hasRoom = ({ ring }: RuleContext): boolean => keysOf(ring).length < ordinaryKeyLimit;
const servesPolicy = ({ input: { policy } }: RuleContext, key: Key): boolean =>
  serves(key, policy.profile, policy.modulusBits);

/** Comes before activation: else the old profile's standby would sign once more. */
const discardStandby: Rule = (context) => {
  const { standby } = context.ring;
  if (!standby || servesPolicy(context, standby) || standby.kid === effectivePin(context)) return undefined;
  if (!hasRoom(context)) return { step: "discard", kid: standby.kid, waitsFor: [{ kind: "keyLimit" }] };
  return { type: "discard", kid: standby.kid };
};

const createStandby: Rule = (context) => {
  if (context.ring.standby) return undefined;
  if (!hasRoom(context)) return { step: "create", waitsFor: [{ kind: "keyLimit" }] };
  return { type: "create", as: "prepared", ...keyToMake(context.input.policy), waitMs: freshKeyWaitMs(context) };
};

/** Its private half is gone from every object, and no gateway holds a copy: no token can be made, so nothing is worth waiting for. */
const replaceLostSigner: Rule = (context) => {
  const {
    input: { gateways },
    ring: { signer },
  } = context;
  if (signer.canSign || gateways.some((g) => g.ack && g.ack.generation > 0 && g.ack.signs === signer.kid))
    return undefined;
  const step = replaceSigner(context, "signerLost");
  const isFull = step.type === "create" && keysOf(context.ring).length >= keyLimit;
  return isFull ? { step: "create", why: "signerLost", waitsFor: [{ kind: "keyLimit" }] } : step;
};

// --- activation -------------------------------------------------------------------------------

const activate: Rule = (context) => {
  const pin = effectivePin(context);
  return pin === undefined ? activateStandby(context) : activatePinned(context, pin);
};

function activatePinned(context: RuleContext, pin: string): RuleResult | undefined {
  const { signer, standby, retiring } = context.ring;
  const gate = (waitsFor: readonly Blocker[]): Gate => ({ step: "activate", kid: pin, why: "pin", waitsFor });
  if (pin === signer.kid) return { step: "activate", why: "pin", waitsFor: [{ kind: "pinned" }] };
  const key = standby?.kid === pin ? standby : retiring.find((k) => k.kid === pin);
  if (!key) return gate([{ kind: "pinUnknown", kid: pin }]);
  if (!key.canSign) return gate([{ kind: "pinCannotSign", kid: pin }]);
  const waitsFor = activationBlockers(context, key);
  if (waitsFor.length > 0) return gate(waitsFor);
  // A pin handles no request: what was asked for before is still to be done when the pin goes.
  return { type: "activate", kid: pin, why: "pin", early: false, handledRequests: context.ring.handledRequests };
}

function activateStandby(context: RuleContext): RuleResult | undefined {
  const {
    input: { policy, nowMs },
    ring: { signer, standby },
  } = context;
  const requests = openRequests(context);
  const dueAtMs = nextRunAfterMs(policy.schedule, signer.activatedAtMs);
  const why = reasonToRotate(context, requests);
  if (why === "schedule" && dueAtMs === Infinity) return undefined;
  const person: readonly Blocker[] = waitsForFirstRequest(context, requests) ? [{ kind: "adoption" }] : [];
  const waitsFor: Blocker[] = [
    ...(why === "schedule" ? until(dueAtMs, "schedule", context) : []),
    ...person,
    ...(standby && servesPolicy(context, standby)
      ? activationBlockers(context, standby)
      : [{ kind: "standby" } as const]),
  ];
  if (!standby || waitsFor.length > 0) {
    const earliestMs = standby && maySignFromMs(standby);
    const sinceMs = earliestMs === undefined ? undefined : Math.max(earliestMs, why === "schedule" ? dueAtMs : 0);
    const since = sinceMs !== undefined && sinceMs <= nowMs && person.length === 0 ? { sinceMs } : {};
    return { step: "activate", ...(standby && { kid: standby.kid }), why, waitsFor, ...since };
  }
  return { type: "activate", kid: standby.kid, why, early: false, handledRequests: handledAfter(context, requests) };
}

function reasonToRotate(context: RuleContext, requests: readonly string[]): Why {
  const { signer } = context.ring;
  if (!signer.canSign) return "signerLost";
  if (!servesPolicy(context, signer)) return "profile";
  return requests.length > 0 ? "request" : "schedule";
}

/** Gateways of an older kind know one key and never ack: only a person can say that they are gone. */
function waitsForFirstRequest(
  { input: { policy }, ring: { signer } }: RuleContext,
  requests: readonly string[],
): boolean {
  const isFirst = signer.adoptedAtMs === signer.activatedAtMs;
  return isFirst && signer.canSign && policy.acknowledgements === "Required" && requests.length === 0;
}

/** One rule for standby and rollback alike: published, waited for, and accepted by everyone at this moment. */
function activationBlockers(context: RuleContext, key: PreparedKey | VerifyOnlyKey): readonly Blocker[] {
  const fromMs = maySignFromMs(key);
  if (fromMs === undefined) return [{ kind: "standby" }];
  const full: readonly Blocker[] = key.state === "prepared" && !hasRoom(context) ? [{ kind: "keyLimit" }] : [];
  const wait = key.waitMs === 0 ? [] : until(fromMs, "propagation", context);
  return [...wait, ...notAccepting(context, key.kid), ...full];
}

/** Who signs, and who signs next. */
export const signerRules: readonly Rule[] = [
  // Before every wait: a raised propagation counts for the keys that are on their way
  configure,
  // Before activation: else a standby of the old profile would sign once more
  discardStandby,
  // Before the ordinary activation, which waits for what can't come any more
  replaceLostSigner,
  // Before the next standby is made, in the same write: it takes the one there is
  activate,
  // After activation has taken the standby, or discarding has: there always is one
  createStandby,
  // Last: a key of this write is on its way only when a later pass has read it everywhere
  publish,
];
