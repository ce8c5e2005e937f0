import type { Kid } from "../key.ts";
import { keysOf, revokedLimit } from "../ring.ts";
import type { Step } from "../plan.ts";
import { condemned, effectivePin, handledAfter, openRequests, type RuleContext, type Rule } from "./context.ts";
import { freshKeyWaitMs, keyToMake, signsEarly } from "./waits.ts";

/**
 * An instant in the future means now: it must neither wait nor condemn the keys that replace the old ones. A lower value
 * counts if it condemns more than the one before it did, which may have been a slip into the future.
 */
const rememberCutoff: Rule = ({ input: { policy, nowMs }, ring }) => {
  const requestedMs = policy.revokeCreatedBeforeMs;
  const before = ring.revokedBefore ?? { requestedMs: -Infinity, effectiveMs: -Infinity };
  if (requestedMs === undefined || requestedMs === before.requestedMs) return undefined;
  const effectiveMs = Math.max(before.effectiveMs, Math.min(requestedMs, nowMs));
  if (requestedMs < before.requestedMs && effectiveMs === before.effectiveMs) return undefined;
  return { type: "revokeBefore", requestedMs, effectiveMs };
};

/** Whoever makes a resource again over a ring that was kept asks for nothing; held, it would be asked for later. */
const seeFirstRequests: Rule = (context) => {
  const { requests, firstRequests = [] } = context.input;
  const unseen = openRequests(context).filter((r) => requests.includes(r) && firstRequests.includes(r));
  return unseen.length === 0 ? undefined : { type: "seeRequests", handledRequests: handledAfter(context, unseen) };
};

/** A condemned signer is replaced first and revoked after, in the same write: there is always one. */
const replaceCondemnedSigner: Rule = (context) =>
  condemned(context, context.ring.signer) ? replaceSigner(context, "signerRevoked") : undefined;

/**
 * The key that a person pinned, if it can sign; else the standby, whatever its profile, if it is not condemned: nobody but
 * the controller has seen it; else a fresh one.
 */
export function replaceSigner(context: RuleContext, why: "signerRevoked" | "signerLost"): Step {
  const {
    input: { policy },
    ring,
  } = context;
  const pin = effectivePin(context);
  const pinned = keysOf(ring).find((k) => k.kid === pin && k.state !== "active" && k.canSign);
  // A pin handles no request
  const handledRequests = pinned ? ring.handledRequests : handledAfter(context, openRequests(context));
  const next = pinned ?? ring.standby;
  if (next && !condemned(context, next)) {
    return { type: "activate", kid: next.kid, why, early: signsEarly(context, next), handledRequests };
  }
  return { type: "create", as: "active", ...keyToMake(policy), waitMs: freshKeyWaitMs(context), why, handledRequests };
}

const revokeCondemned: Rule = (context) => {
  const { ring } = context;
  for (const key of keysOf(ring)) {
    const verdict = condemned(context, key);
    if (verdict && key.state !== "active")
      return { type: "revoke", kid: key.kid, ...verdict, ...room(context, key.kid) };
  }
  return undefined;
};

/** A kid that was never seen is remembered, so that a restored backup can't bring it back. */
const revokeUnknown: Rule = (context) => {
  const {
    input: { policy },
    ring,
  } = context;
  const unknown = policy.revokedKids.find(
    (r) => r.kid !== ring.signer.kid && !ring.revoked.some((k) => k.kid === r.kid),
  );
  return unknown && { type: "revoke", ...unknown, ...room(context, unknown.kid) };
};

/** The list is bounded; what the spec still names stays. */
function room({ input: { policy }, ring }: RuleContext, kid: Kid): { readonly evicts?: Kid } {
  if (ring.revoked.length < revokedLimit || ring.revoked.some((r) => r.kid === kid)) return {};
  const oldest = ring.revoked.find((r) => !policy.revokedKids.some((k) => k.kid === r.kid));
  return oldest ? { evicts: oldest.kid } : {};
}

/** Never held, by nothing, which is why what must be remembered stands here, too: not by a pin, a suspension, a distrusted clock or a silent gateway. */
export const emergencyRules: readonly Rule[] = [
  // Before a replacement can count such a request as done: it was never asked of this ring
  seeFirstRequests,
  // Before the condemned are looked for: it says which keys are too old
  rememberCutoff,
  // Before the signer itself is revoked: there is always one that signs
  replaceCondemnedSigner,
  // The old signer is verify-only by now, so that every condemned key can go the same way
  revokeCondemned,
  // Last, since a kid that the ring has is revoked as a key, with its thumbprint
  revokeUnknown,
];
