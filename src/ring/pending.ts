import { hasPromised } from "./ack.ts";
import type { Observation } from "./decide.ts";
import { mostNamed, shortKid } from "./describe.ts";
import type { Kid } from "./key.ts";
import { keysOf, type Ring } from "./ring.ts";
import { formatInstant } from "../parse/instant.ts";

/** A revocation that was asked for and is not carried out everywhere. */
export interface PendingRevocation {
  /** Which keys, in words: `key k1`. */
  readonly what: string;
  /** Who still has them, in words: `the signer object`, `gateway gw-1`. */
  readonly stillIn: readonly string[];
  /** When it stands in the ring since, Unix milliseconds; absent while it does not. */
  readonly sinceMs?: number;
}

/** So long may it take until every gateway has heard, without a word, in milliseconds. */
export const revocationPatienceMs = 10_000;

/**
 * Every key that the spec or the ring has revoked, and that somebody is seen to have all the same, or may have: an object that
 * can't be read while there is no ring, a gateway that has run since before and does not say what it accepts.
 *
 * @param ring - The one that counts; undefined while there is none that can be read
 */
export function pendingRevocations(seen: Observation, ring: Ring | undefined): readonly PendingRevocation[] {
  const { policy, found } = seen;
  const known = new Map(ring?.revoked.map((one) => [one.kid, one.revokedAtMs]));
  const asked = [...policy.revokedKids.map(({ kid }) => kid), ...(ring ? condemnedByAge(seen, ring) : [])];
  const unread = ring ? [] : roles.filter((role) => found[role].kind === "unreadable").map(unreadable);
  const each = [...new Set([...asked, ...known.keys()])].map((kid): PendingRevocation => {
    const sinceMs = known.get(kid);
    const objects = (["signer", "public"] as const).filter((object) => {
      const reading = found[object];
      return reading.kind === "ring" && keysOf(reading.ring).some((key) => key.kid === kid);
    });
    const stillIn = [
      ...(ring && sinceMs === undefined ? ["the ring object"] : []),
      ...objects.map((object) => `the ${object} object`),
      ...unread,
      ...gatewaysWith(seen, kid, sinceMs),
    ];
    return { what: `key ${shortKid(kid)}`, stillIn, ...(sinceMs !== undefined && { sinceMs }) };
  });
  const cutoffMs = ring ? undefined : policy.revokeCreatedBeforeMs;
  const old =
    cutoffMs === undefined ? [] : [{ what: `every key made before ${formatInstant(cutoffMs)}`, stillIn: unread }];
  return [...each, ...old].filter(({ stillIn }) => stillIn.length > 0);
}

const roles = ["ring", "signer", "public"] as const;
const unreadable = (role: string): string => `the ${role} object, which can't be read`;
function gatewaysWith({ policy, gateways }: Observation, kid: Kid, sinceMs = Infinity): readonly string[] {
  if (policy.acknowledgements === "Ignored") return [];
  return gateways.flatMap((gateway) => {
    const { name, ack, runningSinceMs = Infinity } = gateway;
    if (ack?.verifies.includes(kid) === true) return [`gateway ${name}`];
    // Who came later never got the key
    const isSilent = (ack === undefined || ack.generation === 0) && !hasPromised(gateway);
    return isSilent && runningSinceMs <= sinceMs ? [`gateway ${name}, which does not say what it accepts`] : [];
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

/** How soon a pass must look again, so that what becomes overdue is said, and stays true, in milliseconds; Infinity: no need. */
export function pendingCheckMs(pending: readonly PendingRevocation[], nowMs: number): number {
  const waits = pending.map(({ sinceMs = nowMs }) => sinceMs + revocationPatienceMs - nowMs);
  return Math.min(Infinity, ...waits.map((ms) => (ms > 0 ? ms : revocationPatienceMs)));
}

/** In one line: which key, and who still has it. */
export function describePending(pending: readonly PendingRevocation[]): string {
  const named = pending.slice(0, mostNamed).map(({ what, stillIn }) => `${what} is still in ${listed(stillIn)}`);
  const more = pending.length - named.length;
  return `a revocation is not carried out: ${[...named, ...(more > 0 ? [`and ${more} more`] : [])].join("; ")}`;
}

function listed(names: readonly string[]): string {
  const more = names.length - mostNamed;
  return [...names.slice(0, mostNamed), ...(more > 0 ? [`and ${more} more`] : [])].join(", ");
}
