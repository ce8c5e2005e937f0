import type { ActiveKey, Key, Kid, PreparedKey, Profile, VerifyOnlyKey } from "./key.ts";
import { writesAfter } from "./lineage.ts";
import type { AdoptableKey, Plan, Step } from "./plan.ts";
import { keysOf, windowInForceMs, type Ring, type RingSettings } from "./ring.ts";
import {
  activeKey,
  adoptedFacts,
  demoted,
  earliestCreationMs,
  freshFacts,
  neverSigned,
  unpublished,
  type Facts,
  type Stamp,
} from "./transitions.ts";

/**
 * Applies a plan to the ring it was made for. Any other ring comes back as it was, so twice is the same as once.
 *
 * @param freshKids - One kid for each `begin` and `create` step, in their order.
 * @throws TypeError when there are fewer fresh kids than steps that need one
 */
export function applyPlan(ring: Ring | undefined, plan: Plan, freshKids: readonly Kid[]): Ring | undefined {
  if (plan.steps.length === 0 || (ring?.generation ?? 0) !== plan.baseGeneration) return ring;
  const { nowMs, waitsFromMs = nowMs, nextGeneration: generation, writeId } = plan;
  const stamp = { nowMs, waitsFromMs, generation };
  const fresh = [...freshKids];
  let next = ring;
  for (const step of plan.steps) {
    const freshKid = needsFreshKey(step) ? fresh.shift() : undefined;
    next = applyStep(next, step, { ...stamp, ...(freshKid !== undefined && { freshKid }) });
  }
  if (!next) return next;
  const before = plan.steps.some(makesAnew) ? undefined : ring;
  const writes = writeId !== undefined && { writes: writesAfter(before, writeId) };
  return { ...withoutWrites(next), generation, ...writes };
}

/** True for the steps for which the shell makes a key pair before it applies the plan. */
export const needsFreshKey = (step: Step): step is Extract<Step, { type: "begin" | "create" }> =>
  step.type === "begin" || step.type === "create";

/** A list with a gap would name wrong generations. */
const withoutWrites = ({ writes: _before, ...ring }: Ring): Ring => ring;

const makesAnew = ({ type }: Step): boolean => type === "begin" || type === "adopt" || type === "rebuild";

/** One step on one ring, without a new generation: that comes with the whole plan. */
export function applyStep(ring: Ring | undefined, step: Step, stamp: Stamp): Ring {
  if (step.type === "begin") return begin(step, stamp);
  if (step.type === "adopt") return adopt(step, stamp);
  if (step.type === "rebuild") return rebuild(step, stamp);
  if (!ring) throw new TypeError(`Cannot apply "${step.type}": there is no ring`);
  return changeRing(ring, step, stamp);
}

type ChangingStep = Exclude<Step, { type: "begin" | "adopt" | "rebuild" }>;

function changeRing(ring: Ring, step: ChangingStep, stamp: Stamp): Ring {
  switch (step.type) {
    case "create": {
      const facts = freshFacts(step, earliestCreationMs(ring, stamp.nowMs), stamp);
      if (step.as === "prepared") return { ...ring, standby: { ...facts, state: "prepared" } };
      return { ...promote(ring, facts, stamp), handledRequests: step.handledRequests };
    }
    case "activate": {
      const key = keysOf(ring).find((k) => k.kid === step.kid);
      if (!key || key.state === "active") return ring;
      const settled = key.state === "prepared" && !step.early ? withoutSettledMaxAge(ring, key) : ring;
      return { ...promote(without(settled, key.kid), key, stamp), handledRequests: step.handledRequests };
    }
    case "configure":
      return configure(ring, step, stamp.nowMs);
    case "revoke":
      return revoke(ring, step, stamp.nowMs);
    case "seeRequests":
      return { ...ring, handledRequests: step.handledRequests };
    case "revokeBefore":
      return { ...ring, revokedBefore: { requestedMs: step.requestedMs, effectiveMs: step.effectiveMs } };
    case "discard":
      return ring.standby?.kid === step.kid ? retireStandby(ring, stamp) : ring;
    case "prune":
      return without(ring, step.kid);
    case "publish":
      return mapKey(ring, step.kid, { publishedAtMs: stamp.waitsFromMs ?? stamp.nowMs });
    case "unpublish":
      return unpublished(ring, step.kid);
    case "forget":
      return mapKey(ring, step.kid, { canSign: false });
    case "quiesce":
      return {
        ...ring,
        retiring: ring.retiring.map((k) =>
          k.kid === step.kid ? { ...k, quiescedAtMs: stamp.waitsFromMs ?? stamp.nowMs } : k,
        ),
      };
    default:
      return step satisfies never;
  }
}

// --- rings ------------------------------------------------------------------------------------

function firstRing(step: Extract<Step, { type: "begin" | "adopt" }>, signer: ActiveKey): Ring {
  const { rotation, settings, handledRequests } = step;
  return { rotation, generation: 0, settings, signer, retiring: [], revoked: [], handledRequests };
}

function begin(step: Extract<Step, { type: "begin" }>, stamp: Stamp): Ring {
  const { settings, waitMs, alsoVerify } = step;
  const ring = firstRing(step, activeKey(freshFacts(step, stamp.nowMs, stamp), settings, stamp));
  if (!alsoVerify) return ring;
  return { ...ring, retiring: taken(ring, { ...alsoVerify, waitMs }, stamp) };
}

function adopt(step: Extract<Step, { type: "adopt" }>, stamp: Stamp): Ring {
  const { settings, verifyOnly: keys } = step;
  const ring = firstRing(step, activeKey(adoptedFacts(step.signer, step, stamp.nowMs), settings, stamp));
  return { ...ring, retiring: taken(ring, { ...step, keys }, stamp) };
}

function rebuild(step: Extract<Step, { type: "rebuild" }>, stamp: Stamp): Ring {
  const { remains, halves, alsoVerify: keys, why } = step;
  const base = remains.standby ? retireStandby(remains, stamp) : remains;
  const canSign = (kid: Kid) => halves.includes(kid) && kid !== remains.standby?.kid;
  const found = {
    ...base,
    signer: { ...base.signer, canSign: canSign(base.signer.kid) },
    retiring: [
      ...taken(remains, { ...step, keys }, stamp),
      ...base.retiring.map((k) => ({ ...k, canSign: canSign(k.kid) })),
    ],
  };
  return why === "recoveryRequested" ? withoutBarriers(found, stamp) : found;
}

interface Taken {
  readonly keys: readonly AdoptableKey[];
  readonly profile: Profile;
  readonly waitMs: number;
}

/** Keys to be verified for a window. Those that the ring knows, or revoked, stay as they are. */
function taken(ring: Ring, { keys, profile, waitMs }: Taken, stamp: Stamp): readonly VerifyOnlyKey[] {
  const known = new Set([...keysOf(ring), ...ring.revoked].map((k) => k.kid));
  return keys
    .filter(({ kid }, i) => !known.has(kid) && keys.findIndex((k) => k.kid === kid) === i)
    .map((k) => neverSigned(adoptedFacts(k, { profile, waitMs }, stamp.nowMs), ring.settings, stamp));
}

/** A ring that went back tells of a past that others have left behind: who accepts or signs must be asked anew. */
function withoutBarriers(ring: Ring, { nowMs, generation }: Stamp): Ring {
  const unpublished = ({ publishedAtMs: _then, ...key }: ActiveKey): ActiveKey => key;
  const retiring = ring.retiring.map(({ publishedAtMs: _then, quiescedAtMs: _over, ...key }) => ({
    ...key,
    demotedAtMs: nowMs,
    demotedInGeneration: generation,
  }));
  return { ...ring, signer: unpublished(ring.signer), retiring };
}

/** The old signer becomes verify-only in the same breath: there is always exactly one. */
function promote(ring: Ring, key: Facts, stamp: Stamp): Ring {
  const signer = activeKey(key, ring.settings, stamp);
  return { ...ring, signer, retiring: [demoted(ring.signer, stamp), ...ring.retiring] };
}

function retireStandby(ring: Ring, stamp: Stamp): Ring {
  const { standby, ...rest } = ring;
  return standby ? { ...rest, retiring: [neverSigned(standby, ring.settings, stamp), ...ring.retiring] } : ring;
}

function without(ring: Ring, kid: Kid): Ring {
  const { standby, ...rest } = ring;
  const kept = standby && standby.kid !== kid ? { standby } : {};
  return { ...rest, ...kept, retiring: ring.retiring.filter((k) => k.kid !== kid) };
}

/** Changes facts that a key may have in every state. */
function mapKey(ring: Ring, kid: Kid, facts: { publishedAtMs: number } | { canSign: boolean }): Ring {
  const change = <K extends Key>(key: K): K => (key.kid === kid ? { ...key, ...facts } : key);
  return {
    ...ring,
    signer: change(ring.signer),
    ...(ring.standby && { standby: change(ring.standby) }),
    retiring: ring.retiring.map(change),
  };
}

/** Windows and waits of keys only grow. */
function configure(ring: Ring, step: Extract<Step, { type: "configure" }>, nowMs: number): Ring {
  const { settings } = step;
  const wait = <K extends Key>(key: K): K => ({ ...key, waitMs: Math.max(key.waitMs, step.waitMs) });
  const windowMs = Math.max(ring.signer.windowMs, windowInForceMs(settings, ring.signer.profile));
  return {
    ...ring,
    settings,
    signer: { ...wait(ring.signer), windowMs },
    ...(ring.standby && { standby: wait(ring.standby) }),
    retiring: ring.retiring.map(wait),
    ...rememberedMaxAge(ring, settings, nowMs),
  };
}

/** A lowered max-age leaves copies about that were handed out with the longer one. */
function rememberedMaxAge(ring: Ring, settings: RingSettings, nowMs: number): Pick<Ring, "longerMaxAge"> {
  const before = ring.settings.jwksMaxAgeMs;
  if (settings.jwksMaxAgeMs >= before) return {};
  const newestKeyMs = Math.max(...keysOf(ring).map((k) => k.createdAtMs));
  const maxAgeMs = Math.max(before, ring.longerMaxAge?.maxAgeMs ?? 0);
  return { longerMaxAge: { maxAgeMs, loweredAtMs: Math.max(nowMs, newestKeyMs + 1) } };
}

/**
 * A key that was made after the lowering, seen by every verifier and waited for with the longer max-age in its own
 * wait, proves that no such copy is left.
 */
function withoutSettledMaxAge(ring: Ring, key: PreparedKey): Ring {
  const { longerMaxAge, ...rest } = ring;
  return longerMaxAge && key.createdAtMs >= longerMaxAge.loweredAtMs ? rest : ring;
}

function revoke(ring: Ring, step: Extract<Step, { type: "revoke" }>, revokedAtMs: number): Ring {
  const { kid, reason, evicts } = step;
  const others = ring.revoked.filter((r) => r.kid !== kid && r.kid !== evicts);
  const thumbprint = keysOf(ring).find((k) => k.kid === kid)?.thumbprint;
  const what = { kid, ...(thumbprint !== undefined && { thumbprint }) };
  const revoked = [...others, { ...what, revokedAtMs, ...(reason !== undefined && { reason }) }];
  return { ...without(ring, kid), revoked };
}
