/** Ends what was begun, if it has not happened yet; a second call does nothing. */
export type Cancel = () => void;

/** Both times and the only timers that this folder and `runtime` use, so that tests can drive them. */
export interface Clock {
  /** Unix milliseconds. May jump. */
  nowMs(): number;
  /** Milliseconds from an arbitrary start; never goes back, and nobody can set it. */
  monotonicMs(): number;
  /** Calls `action` once, after `ms` milliseconds or, for 0 and less, soon. Any length is right. */
  after(ms: number, action: () => void): Cancel;
}

/** The longest single timer: beyond 2³¹ - 1 ms Node's fire at once. */
const longestTimerMs = 86_400_000;

/** The machine's clocks; its timers keep the process alive. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(ms, action) {
    const endsAtMs = performance.now() + ms;
    let timer: NodeJS.Timeout;
    const arm = (leftMs: number): void => {
      const stepMs = Math.min(leftMs, longestTimerMs);
      timer = setTimeout(() => (stepMs < leftMs ? arm(endsAtMs - performance.now()) : action()), Math.max(0, stepMs));
    };
    arm(ms);
    return () => clearTimeout(timer);
  },
};

/** Resolves after so many milliseconds or as soon as the signal is aborted; never rejects, and leaves nothing behind. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const cancel = clock.after(ms, end);
    signal?.addEventListener("abort", end, { once: true });
  });
}
