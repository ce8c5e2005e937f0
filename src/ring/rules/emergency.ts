import type { Kid } from "../key.ts";
import { keysOf, revokedLimit } from "../ring.ts";
import type { Step } from "../plan.ts";
import { condemned, effectivePin, handledAfter, openRequests, type Pass, type Rule } from "./context.ts";
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
const seeFirstRequests: Rule = (pass) => {
  const { requests, firstRequests = [] } = pass.input;
  const unseen = openRequests(pass).filter((r) => requests.includes(r) && firstRequests.includes(r));
  return unseen.length === 0 ? undefined : { type: "seeRequests", handledRequests: handledAfter(pass, unseen) };
};

/** A condemned signer is replaced first and revoked after, in the same write: there is always one. */
const replaceCondemnedSigner: Rule = (pass) =>
  condemned(pass, pass.ring.signer) ? replaceSigner(pass, "signerRevoked") : undefined;

/**
 * The key that a person pinned, if it can sign; else the standby, whatever its profile, if it is not condemned: nobody but
 * the controller has seen it; else a fresh one.
 */
export function replaceSigner(pass: Pass, why: "signerRevoked" | "signerLost"): Step {
  const {
    input: { policy },
    ring,
  } = pass;
  const pin = effectivePin(pass);
  const pinned = keysOf(ring).find((k) => k.kid === pin && k.state !== "active" && k.canSign);
  // A pin handles no request
  const handledRequests = pinned ? ring.handledRequests : handledAfter(pass, openRequests(pass));
  const next = pinned ?? ring.standby;
  if (next && !condemned(pass, next)) {
    return { type: "activate", kid: next.kid, why, early: signsEarly(pass, next), handledRequests };
  }
  return { type: "create", as: "active", ...keyToMake(policy), waitMs: freshKeyWaitMs(pass), why, handledRequests };
}

const revokeCondemned: Rule = (pass) => {
  const { ring } = pass;
  for (const key of keysOf(ring)) {
    const verdict = condemned(pass, key);
    if (verdict && key.state !== "active") return { type: "revoke", kid: key.kid, ...verdict, ...room(pass, key.kid) };
  }
  return undefined;
};

/** A kid that was never seen is remembered, so that a restored backup can't bring it back. */
const revokeUnknown: Rule = (pass) => {
  const {
    input: { policy },
    ring,
  } = pass;
  const unknown = policy.revokedKids.find(
    (r) => r.kid !== ring.signer.kid && !ring.revoked.some((k) => k.kid === r.kid),
  );
  return unknown && { type: "revoke", ...unknown, ...room(pass, unknown.kid) };
};

/** The list is bounded; what the spec still names stays. */
function room({ input: { policy }, ring }: Pass, kid: Kid): { readonly evicts?: Kid } {
  if (ring.revoked.length < revokedLimit || ring.revoked.some((r) => r.kid === kid)) return {};
  const oldest = ring.revoked.find((r) => !policy.revokedKids.some((k) => k.kid === r.kid));
  return oldest ? { evicts: oldest.kid } : {};
}

/** Never held, by nothing, which is why what must be remembered stands here, too: not by a pin, a suspension, a distrusted clock or a silent gateway. */
export const emergencyRules: readonly Rule[] = [
  seeFirstRequests,
  rememberCutoff,
  replaceCondemnedSigner,
  revokeCondemned,
  revokeUnknown,
];
