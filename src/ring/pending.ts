import type { Observation } from "./decide.ts";
import { mostNamed, shortKid } from "./describe.ts";
import type { Kid } from "./key.ts";
import { keysOf, type Ring } from "./ring.ts";

/** A revocation that was asked for and is not carried out everywhere. */
export interface PendingRevocation {
  readonly kid: Kid;
  /** Who still has the key, in words: `the signer object`, `gateway gw-1`. */
  readonly stillIn: readonly string[];
  /** When it stands in the ring since, Unix milliseconds; absent while it does not. */
  readonly sinceMs?: number;
}

/** So long may it take until every gateway has heard, without a word, in milliseconds. */
export const revocationPatienceMs = 10_000;

/** Every key that the spec or the ring has revoked, and that somebody is seen to have all the same. */
export function pendingRevocations(seen: Observation, ring: Ring): readonly PendingRevocation[] {
  const { policy, gateways, found } = seen;
  const known = new Map(ring.revoked.map((one) => [one.kid, one.revokedAtMs]));
  const asked = [...policy.revokedKids.map(({ kid }) => kid), ...condemnedByAge(seen, ring)];
  const expected = policy.acknowledgements === "Ignored" ? [] : gateways;
  return [...new Set([...asked, ...known.keys()])].flatMap((kid): readonly PendingRevocation[] => {
    const sinceMs = known.get(kid);
    const objects = (["signer", "public"] as const).filter((object) => {
      const reading = found[object];
      return reading.kind === "ring" && keysOf(reading.ring).some((key) => key.kid === kid);
    });
    const stillIn = [
      ...(sinceMs === undefined ? ["the ring object"] : []),
      ...objects.map((object) => `the ${object} object`),
      ...expected.filter(({ ack }) => ack?.verifies.includes(kid)).map(({ name }) => `gateway ${name}`),
    ];
    return stillIn.length === 0 ? [] : [{ kid, stillIn, ...(sinceMs !== undefined && { sinceMs }) }];
  });
}

function condemnedByAge({ policy, found }: Observation, ring: Ring): readonly Kid[] {
  const requestedMs = policy.revokeCreatedBeforeMs;
  if (requestedMs === undefined) return [];
  const { revokedBefore } = ring;
  const isKnown = revokedBefore?.requestedMs === requestedMs;
  const beforeMs = isKnown ? revokedBefore.effectiveMs : Math.min(requestedMs, found.nowMs);
  return keysOf(ring).flatMap(({ kid, createdAtMs }) => (createdAtMs < beforeMs ? [kid] : []));
}

/** Those that must be said aloud: not in the ring yet, or not heard everywhere within {@link revocationPatienceMs}. */
export const overdue = (pending: readonly PendingRevocation[], nowMs: number): readonly PendingRevocation[] =>
  pending.filter(({ sinceMs = -Infinity }) => nowMs - sinceMs >= revocationPatienceMs);

/** In one line: which key, and who still has it. */
export function describePending(pending: readonly PendingRevocation[]): string {
  const named = pending
    .slice(0, mostNamed)
    .map(({ kid, stillIn }) => `key ${shortKid(kid)} is still in ${listed(stillIn)}`);
  const more = pending.length - named.length;
  return `a revocation is not carried out: ${[...named, ...(more > 0 ? [`and ${more} more`] : [])].join("; ")}`;
}

function listed(names: readonly string[]): string {
  const more = names.length - mostNamed;
  return [...names.slice(0, mostNamed), ...(more > 0 ? [`and ${more} more`] : [])].join(", ");
}
