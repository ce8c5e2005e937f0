import type { ActiveKey, Kid, PreparedKey, Profile, VerifyOnlyKey } from "./key.ts";
import type { AdoptableKey, Step } from "./plan.ts";
import { windowInForceMs, type Ring, type RingSettings } from "./ring.ts";

/** What one write stamps on what it changes. */
export interface Stamp {
  readonly nowMs: number;
  /** @default nowMs */
  readonly waitsFromMs?: number;
  readonly generation: number;
  /** Names the key that a `begin` or `create` step brings in. */
  readonly freshKid?: Kid;
}

/** What is known of a key on its way from one state to the next. */
export interface Facts extends Omit<PreparedKey, "state"> {
  readonly windowMs?: number;
}

export function freshFacts(
  step: Extract<Step, { type: "begin" | "create" }>,
  createdAtMs: number,
  { freshKid }: Stamp,
): Facts {
  if (freshKid === undefined) throw new TypeError(`Cannot apply "${step.type}": a fresh kid is needed`);
  const { profile, modulusBits, waitMs } = step;
  return {
    kid: freshKid,
    profile,
    ...(modulusBits !== undefined && { modulusBits }),
    createdAtMs,
    waitMs,
    canSign: true,
  };
}

/** A new key is never older than an instant that the ring remembers, whatever the clock says: else it would be condemned at birth. */
export const earliestCreationMs = (ring: Ring, nowMs: number): number =>
  Math.max(nowMs, ring.revokedBefore?.effectiveMs ?? nowMs, ring.longerMaxAge?.loweredAtMs ?? nowMs);

/** The facts that a key keeps in every state. */
function factsOf(key: Facts): Omit<PreparedKey, "state"> {
  const { kid, profile, modulusBits, createdAtMs, waitMs, publishedAtMs, adoptedAtMs, thumbprint, canSign } = key;
  return {
    kid,
    profile,
    ...(modulusBits !== undefined && { modulusBits }),
    createdAtMs,
    waitMs,
    ...(publishedAtMs !== undefined && { publishedAtMs }),
    ...(adoptedAtMs !== undefined && { adoptedAtMs }),
    ...(thumbprint !== undefined && { thumbprint }),
    canSign,
  };
}

/** A key that signed before keeps the longer window of that time: tokens of both times may be about. */
export function activeKey(key: Facts, settings: RingSettings, { nowMs }: Stamp): ActiveKey {
  const windowMs = Math.max(key.windowMs ?? 0, windowInForceMs(settings, key.profile));
  return { ...factsOf(key), state: "active", activatedAtMs: nowMs, windowMs };
}

export function demoted(key: ActiveKey, { nowMs, generation }: Stamp): VerifyOnlyKey {
  const { activatedAtMs, windowMs } = key;
  return {
    ...factsOf(key),
    state: "verify-only",
    activatedAtMs,
    windowMs,
    demotedAtMs: nowMs,
    demotedInGeneration: generation,
  };
}

/** A key that should never have signed, but may have: verified for a window, without its private half. */
export function neverSigned(key: Facts, settings: RingSettings, { nowMs, generation }: Stamp): VerifyOnlyKey {
  const windowMs = windowInForceMs(settings, key.profile);
  return {
    ...factsOf(key),
    canSign: false,
    state: "verify-only",
    windowMs,
    demotedAtMs: nowMs,
    demotedInGeneration: generation,
  };
}

/** A key that is taken over: what it promises and how long it waits is ours to say. */
export function adoptedFacts(
  key: AdoptableKey,
  { profile, waitMs }: { readonly profile: Profile; readonly waitMs: number },
  nowMs: number,
): Facts {
  const { kid, thumbprint, algorithm, modulusBits, createdAtMs, isOwn = false } = key;
  return {
    kid,
    profile: { ...profile, algorithm },
    ...(modulusBits !== undefined && { modulusBits }),
    createdAtMs,
    waitMs,
    ...(!isOwn && { adoptedAtMs: nowMs }),
    ...(thumbprint !== undefined && { thumbprint }),
    canSign: true,
  };
}

const withoutPublication = {
  signer: ({ publishedAtMs: _then, ...key }: ActiveKey): ActiveKey => key,
  standby: ({ publishedAtMs: _then, ...key }: PreparedKey): PreparedKey => key,
  retiring: ({ publishedAtMs: _then, ...key }: VerifyOnlyKey): VerifyOnlyKey => key,
};

/** What was seen of the key's publication counts no more. */
export function unpublished(ring: Ring, kid: Kid): Ring {
  const { signer, standby, retiring } = ring;
  return {
    ...ring,
    signer: signer.kid === kid ? withoutPublication.signer(signer) : signer,
    ...(standby?.kid === kid && { standby: withoutPublication.standby(standby) }),
    retiring: retiring.map((key) => (key.kid === kid ? withoutPublication.retiring(key) : key)),
  };
}
