import type { Cancel, Clock } from "../time/clock.ts";

/**
 * Tells when the event loop stood still: a timer that should ring every `everyMs` rang late by so much. Returns how to end
 * it.
 *
 * @param onLag - Gets the lateness in milliseconds, each time, 0 when there was none
 */
export function watchLag(clock: Clock, everyMs: number, onLag: (lateMs: number) => void): Cancel {
  let cancel: Cancel;
  const arm = (): void => {
    const dueAtMs = clock.monotonicMs() + everyMs;
    cancel = clock.after(everyMs, () => {
      const lateMs = Math.max(0, clock.monotonicMs() - dueAtMs);
      arm();
      onLag(lateMs);
    });
  };
  arm();
  return () => cancel();
}
