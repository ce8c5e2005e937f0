import type { ClockReading } from "../../keeper/observe.ts";
import type { Clocks } from "../../time/clock.ts";
import type { VerifyOnlyKey } from "../../ring/key.ts";
import { keysOf, type Ring } from "../../ring/ring.ts";
import { pruneAtMs } from "../../ring/rules/retire.ts";
import { maySignFromMs } from "../../ring/rules/waits.ts";

/** How far the clocks may drift apart before the wall clock counts as set. */
const toleranceMs = 30_000;

export interface ClockVerdict {
  readonly trusted: boolean;
  /** By how much the wall clock was set, forwards positive; 0 while it is trusted. */
  readonly jumpMs: number;
  /** How long the distrust lasts at the most, on the monotonic clock. */
  readonly holdMs: number;
  /** What waits are compared with: the wall clock, or what it would say had it not been set, whichever is earlier. */
  readonly nowMs: number;
  /** What a wait that begins now counts from: the later of the two. */
  readonly waitsFromMs: number;
}

/**
 * Tells whether the wall clock may be counted on. When it was set, everything but revocation is held until it can do
 * no harm any more, whichever of its two times was right:
 *
 * - Set forwards (or the machine slept): until every wait that stood in the ring has really passed, as the clock before
 *   the jump would have counted it. Where nothing was waiting, nothing is held.
 * - Set backwards: facts only wait longer, but tokens made before the jump would outlive a key that is retired after it.
 *   Held until the clock is back where it was, at the most for the longest wait and window in the ring.
 *
 * Smaller steps hold nothing, and shorten no wait either: until those that were under way are over, both times count, each where
 * it is the more careful one.
 *
 * What happened while nobody ran shows in one way only: a ring with facts from the future tells of a clock that was set
 * back.
 */
export class ClockGuard {
  readonly #clock: Clocks;
  /** Wall minus monotonic while the clock was last trusted. */
  #trustedOffsetMs: number;
  #hasLooked = false;
  #hold: { readonly offsetMs: number; readonly endsAtMonotonicMs: number } | undefined;

  constructor(clock: Clocks) {
    this.#clock = clock;
    this.#trustedOffsetMs = clock.nowMs() - clock.monotonicMs();
  }

  /** @param ring - As read in this pass, undefined when there is none */
  check(ring: Ring | undefined): ClockVerdict {
    const monotonicMs = this.#clock.monotonicMs();
    const wallMs = this.#clock.nowMs();
    const offsetMs = wallMs - monotonicMs;
    if (ring && !this.#hasLooked) {
      this.#trustedOffsetMs = Math.max(this.#trustedOffsetMs, latestFactMs(ring) - monotonicMs);
      this.#hasLooked = true;
    }
    const jumpMs = offsetMs - this.#trustedOffsetMs;
    const isTrusted = Math.abs(jumpMs) <= toleranceMs;
    const holdMs = jumpMs === 0 ? 0 : this.#holdMs({ offsetMs, jumpMs, monotonicMs }, ring);
    if (holdMs <= 0) {
      this.#trustedOffsetMs = offsetMs;
      this.#hold = undefined;
      return { trusted: true, jumpMs: 0, holdMs: 0, nowMs: wallMs, waitsFromMs: wallMs };
    }
    const unsetMs = wallMs - jumpMs;
    const times = { nowMs: Math.floor(Math.min(wallMs, unsetMs)), waitsFromMs: Math.ceil(Math.max(wallMs, unsetMs)) };
    return isTrusted ? { trusted: true, jumpMs: 0, holdMs: 0, ...times } : { trusted: false, jumpMs, holdMs, ...times };
  }

  /** As a pass takes it: while the clock is not trusted only revocation runs, by what it says. */
  read(ring: Ring | undefined): ClockReading {
    const verdict = this.check(ring);
    const wallMs = this.#clock.nowMs();
    return verdict.trusted ? verdict : { ...verdict, nowMs: wallMs, waitsFromMs: wallMs };
  }

  /** How long what was under way when the clock was set is to be waited for still. */
  #holdMs({ offsetMs, jumpMs, monotonicMs }: Offsets, ring: Ring | undefined): number {
    // Below a second it is the same step: a clock that is being corrected
    if (!this.#hold || Math.abs(offsetMs - this.#hold.offsetMs) > 1000) {
      const before = this.#trustedOffsetMs + monotonicMs;
      this.#hold = { offsetMs, endsAtMonotonicMs: monotonicMs + holdFor(jumpMs, ring, before) };
    }
    return this.#hold.endsAtMonotonicMs - monotonicMs;
  }
}

interface Offsets {
  readonly offsetMs: number;
  readonly jumpMs: number;
  readonly monotonicMs: number;
}

/** @param beforeMs - What the wall clock would say now, had it not been set */
function holdFor(jumpMs: number, ring: Ring | undefined, beforeMs: number): number {
  if (!ring) return 0;
  if (jumpMs > 0) return Math.max(0, ...deadlinesOf(ring).map((atMs) => atMs - beforeMs));
  return Math.min(-jumpMs, longestHoldMs(ring));
}

/** When the waits that are under way end. */
const deadlinesOf = (ring: Ring): readonly number[] => [
  ...keysOf(ring).flatMap((key) => maySignFromMs(key) ?? []),
  ...ring.retiring.map((key) => retiredAtMs(key, ring)),
];

/** When the ring was last changed by what its clock said. */
const latestFactMs = (ring: Ring): number =>
  Math.max(
    ring.signer.activatedAtMs,
    ...keysOf(ring).map((key) => key.publishedAtMs ?? 0),
    ...ring.retiring.map((key) => Math.max(key.demotedAtMs, key.quiescedAtMs ?? 0)),
  );

/** A key that is not quiesced yet begins to wait only after the hold. */
const retiredAtMs = (key: VerifyOnlyKey, { settings }: Ring): number =>
  key.quiescedAtMs === undefined ? -Infinity : pruneAtMs(key, key.quiescedAtMs, settings);

const longestHoldMs = (ring: Ring): number =>
  Math.max(
    ...keysOf(ring).map((key) => key.waitMs + (key.state === "prepared" ? 0 : key.windowMs)),
    ring.settings.rotationWindowMs,
  );
