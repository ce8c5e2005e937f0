import type { Key, VerifyOnlyKey } from "../../../src/ring/key.ts";
import type { Plan, PlanInput, Policy, Step } from "../../../src/ring/plan.ts";
import { keyLimit, keysOf, type Ring } from "../../../src/ring/ring.ts";
import type { World } from "../world/world.ts";

interface Write {
  readonly world: World;
  readonly base: Ring | undefined;
  readonly plan: Plan;
  readonly next: Ring;
  readonly policy: Policy;
}

/** What a write of the ring must keep, whatever happened before: invariants 1, 2, 4, 6, 7, 8 as far as one write shows them. */
export function breachOfWrite(write: Write): string | undefined {
  for (const check of checks) {
    const breach = check(write);
    if (breach !== undefined) return breach;
  }
  return undefined;
}

type Check = (write: Write) => string | undefined;

const has = (plan: Plan, type: Step["type"]): boolean => plan.steps.some((s) => s.type === type);

const shape: Check = ({ next }) => {
  const kids = keysOf(next).map((k) => k.kid);
  if (new Set(kids).size !== kids.length) return `the ring has a kid twice: ${kids.join(", ")}`;
  return kids.length > keyLimit ? `the ring has ${String(kids.length)} keys` : undefined;
};

const generation: Check = ({ world, base, next }) => {
  const { ring, signer, open } = world.objects;
  const highest = Math.max(0, ...[base, ring?.ring, signer?.ring, open?.ring].map((r) => r?.generation ?? 0));
  return next.generation > highest ? undefined : `generation ${String(next.generation)} does not grow`;
};

const revokedStays: Check = ({ world, next }) => {
  const back = keysOf(next).find((k) => world.revokedEver.includes(k.kid));
  return back && `the revoked key ${back.kid} is back in the ring`;
};

const condemnedGoes: Check = ({ next, policy }) => {
  const cutoff = next.revokedBefore?.effectiveMs ?? -Infinity;
  const left = keysOf(next).find((k) => policy.revokedKids.some((r) => r.kid === k.kid) || k.createdAtMs < cutoff);
  return left && `the condemned key ${left.kid} is still in the ring after a pass`;
};

/** Facts that an edit must never change. */
const facts: Check = ({ base, next, plan }) => {
  if (!base || has(plan, "rebuild")) return undefined;
  for (const before of keysOf(base)) {
    const after = keysOf(next).find((k) => k.kid === before.kid);
    const takesBack = plan.steps.some((s) => s.type === "unpublish" && s.kid === before.kid);
    const changed = after && changedFact(before, after, takesBack);
    if (changed !== undefined) return `${changed} of key ${before.kid} was changed`;
  }
  return undefined;
};

/** @param takesBack - The plan says that what was seen of the publication counts no more */
function changedFact(before: Key, after: Key, takesBack: boolean): string | undefined {
  if (JSON.stringify(before.profile) !== JSON.stringify(after.profile)) return "the profile";
  if (before.createdAtMs !== after.createdAtMs) return "createdAt";
  if (before.publishedAtMs !== undefined && before.publishedAtMs !== after.publishedAtMs && !takesBack)
    return "publishedAt";
  if (after.waitMs < before.waitMs) return "the wait (shortened)";
  if (!before.canSign && after.canSign) return "canSign (from false to true)";
  if (before.state !== "prepared" && after.state !== "prepared" && after.windowMs < before.windowMs)
    return "the window (shortened)";
  if (before.state === "verify-only" && after.state === "verify-only") return changedDemotion(before, after);
  if (before.state === "active" && after.state === "active" && before.activatedAtMs !== after.activatedAtMs)
    return "activatedAt";
  return undefined;
}

function changedDemotion(before: VerifyOnlyKey, after: VerifyOnlyKey): string | undefined {
  if (before.demotedAtMs !== after.demotedAtMs) return "demotedAt";
  if (before.demotedInGeneration !== after.demotedInGeneration) return "demotedInGeneration";
  if (before.quiescedAtMs !== undefined && before.quiescedAtMs !== after.quiescedAtMs) return "quiescedAt";
  return undefined;
}

/** Keys leave the ring by being pruned or revoked, and by nothing else. */
const nothingDropped: Check = ({ base, next, plan }) => {
  if (!base || has(plan, "rebuild")) return undefined;
  const gone = plan.steps.flatMap((s) => (s.type === "prune" || s.type === "revoke" ? [s.kid] : []));
  const lost = keysOf(base).find((k) => !gone.includes(k.kid) && !keysOf(next).some((n) => n.kid === k.kid));
  return lost && `key ${lost.kid} was dropped without being pruned or revoked`;
};

/** `early: false` is a promise: published, waited for. */
const earlyIsSaid: Check = ({ next, plan }) => {
  for (const step of plan.steps) {
    if (step.type !== "activate" || step.early) continue;
    const key = keysOf(next).find((k) => k.kid === step.kid);
    if (key?.publishedAtMs === undefined || key.publishedAtMs + key.waitMs > plan.nowMs) {
      return `key ${step.kid} signs early, and the plan does not say so`;
    }
  }
  return undefined;
};

/** Early is for emergencies alone: revocation, a lost signer. */
const earlyIsAllowed: Check = ({ plan }) => {
  const step = plan.steps.find((s) => (s.type === "activate" && s.early) || (s.type === "create" && s.as === "active"));
  if (step?.type !== "activate" && (step?.type !== "create" || step.as !== "active")) return undefined;
  const allowed = ["signerRevoked", "signerLost", "recovery"].includes(step.why);
  return allowed ? undefined : `a key signs early because of: ${step.why}`;
};

/** A handled value is in the list, so it can't be the reason again. */
const requestOnce: Check = ({ base, plan, next }) => {
  if (!plan.steps.some((s) => s.type === "activate" && s.why === "request")) return undefined;
  const done = next.handledRequests.filter((r) => !base?.handledRequests.includes(r));
  return done.length === 0 ? "a rotation on request handled no request" : undefined;
};

/** Never while the pin holds, never before the window for the way back ended. */
const halvesKept: Check = ({ base, plan, policy }) => {
  const rebuilt = plan.steps.find((s) => s.type === "rebuild");
  for (const step of plan.steps) {
    if (step.type !== "forget") continue;
    const key = (rebuilt?.remains ?? base)?.retiring.find((k) => k.kid === step.kid);
    if (key?.quiescedAtMs === undefined || key.quiescedAtMs + policy.rollbackWindowMs > plan.nowMs) {
      return `the private half of ${step.kid} was forgotten before its rollback window ended`;
    }
  }
  return undefined;
};

/** The window of today, the window of then, whichever is longer. */
const windowsKept: Check = ({ base, plan, policy }) => {
  const remains = plan.steps.find((s) => s.type === "rebuild")?.remains ?? base;
  for (const step of plan.steps) {
    if (step.type !== "prune") continue;
    const key = remains?.retiring.find((k) => k.kid === step.kid);
    const windowMs = Math.max(policy.rotationWindowMs, key?.windowMs ?? 0);
    if (key?.quiescedAtMs === undefined || key.quiescedAtMs + windowMs > plan.nowMs) {
      return `key ${step.kid} was pruned before its rotation window ended`;
    }
  }
  return undefined;
};

const pinHolds: Check = ({ base, next, plan, policy: { pinnedKid, revokedKids, revokeCreatedBeforeMs } }) => {
  const key = base && keysOf(base).find((k) => k.kid === pinnedKid);
  if (!key || has(plan, "rebuild") || revokeCreatedBeforeMs !== undefined) return undefined;
  if (revokedKids.some((r) => r.kid === key.kid)) return undefined;
  const after = keysOf(next).find((k) => k.kid === key.kid);
  if (!after) return `the pinned key ${key.kid} was dropped`;
  if (key.canSign && !after.canSign) return `the pinned key ${key.kid} lost its private half`;
  return key.state === "active" && key.canSign && after.state !== "active"
    ? `the pinned signer ${key.kid} was replaced`
    : undefined;
};

const checks: readonly Check[] = [
  shape,
  generation,
  revokedStays,
  condemnedGoes,
  facts,
  nothingDropped,
  earlyIsSaid,
  earlyIsAllowed,
  requestOnce,
  halvesKept,
  windowsKept,
  pinHolds,
];

/** What must be done when a pass finds nothing to do. */
export function breachOfRest(ring: Ring, { policy, nowMs, clockTrusted }: PlanInput): string | undefined {
  if (policy.suspend || !clockTrusted) return undefined;
  if (!ring.standby && keysOf(ring).length < keyLimit - 1) return "a pass left the ring without a standby";
  const kept = ring.retiring.find(
    (k) =>
      k.canSign &&
      k.kid !== policy.pinnedKid &&
      (k.quiescedAtMs ?? Infinity) + k.waitMs + policy.rollbackWindowMs <= nowMs,
  );
  return kept && `a pass kept the private half of ${kept.kid} past its rollback window`;
}
