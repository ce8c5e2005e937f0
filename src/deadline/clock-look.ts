import type { Life } from "./renewal.ts";

/** A timer that waits no longer than this sees a clock that was set, or a machine that slept, in time. In milliseconds. */
const longestClockWaitMs = 30_000;

/** How long to wait before looking at the clock again, in milliseconds; 0: it is time. */
export const clockWaitMs = (atMs: number, nowMs: number): number =>
  Math.min(longestClockWaitMs, Math.max(0, atMs - nowMs));

/** What both clocks say at one moment, in milliseconds. */
interface BothClocks {
  /** Unix milliseconds. May be set. */
  readonly nowMs: number;
  /** Nobody can set it. Stands still while the machine sleeps. */
  readonly monotonicMs: number;
}

/**
 * By how much the wall clock was set back between two moments, in milliseconds: it went less far than time itself. 0 where it was not, and
 * for what is no more than a second. A clock that went ahead is no other thing than a machine that slept: then time has passed.
 */
export function setBackMs(before: BothClocks, now: BothClocks): number {
  const backMs = now.monotonicMs - before.monotonicMs - (now.nowMs - before.nowMs);
  return backMs > 1000 ? backMs : 0;
}

/** The same life on a clock that was set back. */
export const movedBack = ({ receivedAtMs, expiresAtMs }: Life, byMs: number): Life => ({
  receivedAtMs: receivedAtMs - byMs,
  ...(expiresAtMs !== undefined && { expiresAtMs: expiresAtMs - byMs }),
});
