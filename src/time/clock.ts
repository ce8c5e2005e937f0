/** Ends what was begun, if it has not happened yet; a second call does nothing. */
export type Cancel = () => void;

/** Both clocks of the machine. Whoever compares them finds out when one was set, or stood still. */
export interface Clocks {
  /** Unix milliseconds. May jump. */
  nowMs(): number;
  /** Milliseconds from an arbitrary start; never goes back, and nobody can set it. May stand still while the machine sleeps. */
  monotonicMs(): number;
}

/** Both times and the only timers, as an argument: tests drive them. */
export interface Clock extends Clocks {
  /** Calls `action` once, after `ms` milliseconds and never before, or, for 0 and less, soon. Any length is right. */
  after(ms: number, action: () => void): Cancel;
}

/** One moment on both clocks. */
export interface Moment {
  /** Unix milliseconds. */
  readonly nowMs: number;
  readonly monotonicMs: number;
}

export const momentOf = (clocks: Clocks): Moment => ({ nowMs: clocks.nowMs(), monotonicMs: clocks.monotonicMs() });

/** The longest single timer: beyond 2³¹ - 1 ms Node's fire at once. */
const longestTimerMs = 86_400_000;

/** The machine's clocks; its timers keep the process alive. */
export const systemClock: Clock = machineClock((timer) => timer);

/** The machine's clocks, for a library: a timer of its own is no reason for a process to go on. */
export const backgroundClock: Clock = machineClock((timer) => timer.unref());

function machineClock(kept: (timer: NodeJS.Timeout) => NodeJS.Timeout): Clock {
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    after(ms, action) {
      const endsAtMs = performance.now() + ms;
      let timer: NodeJS.Timeout;
      const arm = (leftMs: number): void => {
        timer = kept(setTimeout(look, Math.min(Math.max(0, Math.ceil(leftMs)), longestTimerMs)));
      };
      const look = (): void => {
        // Node counts from the turn in which a timer was set: it may fire a little early
        const leftMs = endsAtMs - performance.now();
        if (leftMs > 0) arm(leftMs);
        else action();
      };
      arm(ms);
      return () => clearTimeout(timer);
    },
  };
}

/** Resolves after so many milliseconds or as soon as the signal is aborted; never rejects, and leaves nothing behind. */
export function sleep(clock: Pick<Clock, "after">, ms: number, signal?: AbortSignal): Promise<void> {
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
