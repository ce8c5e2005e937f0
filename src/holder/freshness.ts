import type { Moment } from "../time/clock.ts";
import type { Ring } from "../ring/ring.ts";
import type { HolderState } from "./state.ts";

/**
 * How long a key that is made now is published before it signs, in milliseconds: the shortest wait that the ring shows, and at
 * least the max-age that it allows.
 */
export function propagationMs({ signer, standby, settings: { jwksMaxAgeMs } }: Ring): number {
  return Math.max(jwksMaxAgeMs, Math.min(signer.waitMs, standby?.waitMs ?? Infinity));
}

/**
 * How long ago the source of truth was last heard, in milliseconds; before the first time, since the start. By the clock that
 * says more: the wall clock may be set back, and the other one may have stood still with the machine.
 */
export function silenceMs({ heard }: HolderState, { nowMs, monotonicMs }: Moment): number {
  return Math.max(0, monotonicMs - heard.atMonotonicMs, heard.askedAtMs === undefined ? 0 : nowMs - heard.askedAtMs);
}

/** A source may be silent for so long, in milliseconds, however short the waits are: one failed request takes nothing away. */
const shortestMs = 15_000;

/** What a copy of the public keys that is handed out now is good for. */
export type CopyLife =
  /** May be kept for so long, in milliseconds. */
  | { readonly kind: "kept"; readonly maxAgeMs: number }
  /** To be used once. */
  | { readonly kind: "once" }
  /** Must not be handed out: a key may sign that is not in it. */
  | { readonly kind: "none" };

/**
 * A pod that was force-deleted, or cut off, and lives on is waited for by nobody: a key that it does not know may have been
 * published at the very moment of its last word from the source of truth, and signs one propagation wait later. So no copy of
 * its keys lives longer than that; one that is handed out later lacks the signer, or has what was revoked long ago.
 */
export function copyLife(state: HolderState, now: Moment): CopyLife {
  const { current, degraded, heard } = state;
  if (current === undefined) return { kind: "none" };
  const waitMs = propagationMs(current.ring);
  const silentMs = silenceMs(state, now);
  if (silentMs >= Math.max(waitMs, shortestMs)) return { kind: "none" };
  // An older ring at the source may get keys that are not here
  const isDoubtful = degraded || heard.askedAtMs === undefined || heard.isBehind || silentMs >= waitMs;
  if (isDoubtful) return { kind: "once" };
  return { kind: "kept", maxAgeMs: Math.min(current.ring.settings.jwksMaxAgeMs, waitMs - silentMs) };
}
