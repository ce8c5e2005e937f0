import type { KeyturnError } from "../errors/keyturn-error.ts";
import type { Policy, Refusal } from "./plan.ts";
import type { Ring } from "./ring.ts";
import type { RefusedRotation, Rotation } from "./resource/rotation.ts";
import type { Emergency } from "./resource/emergency-fields.ts";
import { defaults } from "./resource/limits.ts";
import { formatInstant } from "../parse/instant.ts";

/** What a rotation is told by all who have a say in it. */
export interface Told {
  readonly rotation: Rotation | RefusedRotation;
  /** Emergencies from elsewhere, with the name of the field or file that a person has to mend. */
  readonly emergencies?: readonly (Emergency & { readonly from: string })[];
  /** What else is not in force. */
  readonly refusals?: readonly Refusal[];
}

/** So far ahead of ours a person's clock may be, in milliseconds. */
export const mostAheadMs = 30_000;

/**
 * What is in force, and what is not: the spec; or where it can't be used, what the ring remembers of the one before it, which
 * is enough for emergencies. These are united from all who tell of one. None is lost because another field, or another file,
 * is wrong. Pure.
 *
 * @param ring - The newest that was found, in whichever object
 */
export function inForce(
  { rotation, emergencies = [], refusals = [] }: Told,
  { ring, nowMs }: { readonly ring: Ring | undefined; readonly nowMs: number },
): { readonly policy: Policy; readonly refused?: Refusal } {
  const isSound = "policy" in rotation;
  const base = isSound ? rotation.policy : remembered(rotation, ring);
  const sources = [{ ...(isSound ? cutoffOf(base) : rotation.emergency), from: cutoffField }, ...emergencies];
  const policy = sources.reduce(
    (now, { from: _from, ...one }) => withEmergency(now, credible(one, ring, nowMs)),
    withoutCutoff(base),
  );
  const early = sources.flatMap(({ from, ...one }) => futureOf(one, from, { ring, nowMs }));
  const refused = united([...(isSound ? [] : [refusalOf(rotation.refused, true)]), ...refusals, ...early]);
  return { policy, ...(refused && { refused }) };
}

const cutoffField = "spec.revokeKeysCreatedBefore";

const cutoffOf = ({ revokeCreatedBeforeMs }: Policy): Emergency => ({
  revokedKids: [],
  ...(revokeCreatedBeforeMs !== undefined && { revokeCreatedBeforeMs }),
});

/** The error as a refusal. */
export const refusalOf = ({ code, message }: KeyturnError, holds: boolean): Refusal => ({
  reason: code,
  message: message.replaceAll("\n", "; "),
  holds,
});

/** One of several: the reason is the first one's, the message tells of all. */
function united(refusals: readonly Refusal[]): Refusal | undefined {
  const [first] = refusals;
  if (!first) return undefined;
  const message = [...new Set(refusals.map((one) => one.message))].join("; ");
  return { reason: first.reason, message, holds: refusals.some(({ holds }) => holds) };
}

/**
 * The settings that the ring remembers, and what else can be read. A fresh key promises what the signer does, and waits as long
 * as the keys beside it. Without a ring it stands in for what nobody may make a key by.
 */
function remembered({ readable }: RefusedRotation, ring: Ring | undefined): Policy {
  const { algorithm, suspend, acknowledgements } = readable;
  const { maxTTLMs, clockSkewMs, propagationMs } = defaults;
  const settings = ring?.settings ?? {
    clockSkewMs,
    mintMaxTTLMs: maxTTLMs,
    rotationWindowMs: maxTTLMs + 2 * clockSkewMs,
  };
  const signer = ring?.signer;
  const profile = signer?.profile ?? { algorithm, issuer: "", audiences: [], maxTTLMs };
  return {
    profile: { ...profile, maxTTLMs: settings.mintMaxTTLMs },
    ...(signer?.modulusBits !== undefined && { modulusBits: signer.modulusBits }),
    schedule: { kind: "onRequest" },
    propagationMs: ring ? Math.max(ring.signer.waitMs, ring.standby?.waitMs ?? 0) : propagationMs,
    acknowledgements,
    clockSkewMs: settings.clockSkewMs,
    rotationWindowMs: settings.rotationWindowMs,
    rollbackWindowMs: settings.rotationWindowMs,
    revokedKids: [],
    adoptionMaxTTLMs: profile.maxTTLMs,
    suspend,
  };
}

/** Revocations come together, the later cutoff counts, the last pin wins. */
function withEmergency(policy: Policy, { pinnedKid, revokedKids, revokeCreatedBeforeMs }: Emergency): Policy {
  const kids = new Set(policy.revokedKids.map(({ kid }) => kid));
  const cutoffMs = Math.max(policy.revokeCreatedBeforeMs ?? -Infinity, revokeCreatedBeforeMs ?? -Infinity);
  return {
    ...(pinnedKid === undefined ? policy : withoutPin(policy)),
    ...(pinnedKid !== undefined && pinnedKid !== "" && { pinnedKid }),
    revokedKids: [...policy.revokedKids, ...revokedKids.filter(({ kid }) => !kids.has(kid))],
    ...(cutoffMs > -Infinity && { revokeCreatedBeforeMs: cutoffMs }),
  };
}

interface Now {
  readonly ring: Ring | undefined;
  readonly nowMs: number;
}

/** A slip of the year would revoke every key. What a ring has obeyed already is no news. */
const isFuture = (atMs: number | undefined, { ring, nowMs }: Now): atMs is number =>
  atMs !== undefined && atMs > nowMs + mostAheadMs && atMs !== ring?.revokedBefore?.requestedMs;

const credible = (emergency: Emergency, ring: Ring | undefined, nowMs: number): Emergency =>
  isFuture(emergency.revokeCreatedBeforeMs, { ring, nowMs }) ? withoutCutoff(emergency) : emergency;

function futureOf({ revokeCreatedBeforeMs: atMs }: Emergency, from: string, now: Now): readonly Refusal[] {
  if (!isFuture(atMs, now)) return [];
  const message = `${from}: must not be more than 30 s in the future, is "${formatInstant(atMs)}"; no key is revoked by it until then`;
  return [{ reason: "InvalidSpec", message, holds: false }];
}

function withoutCutoff<Value extends Partial<Emergency>>({
  revokeCreatedBeforeMs: _revokeCreatedBeforeMs,
  ...rest
}: Value): Omit<Value, "revokeCreatedBeforeMs"> {
  return rest;
}

function withoutPin({ pinnedKid: _pinnedKid, ...policy }: Policy): Policy {
  return policy;
}
