import type { Cancel, Clock } from "../../src/time/clock.ts";

interface Timer {
  readonly atMs: number;
  readonly action: () => void;
}

/** A clock that stands still until a test drives it, and tells when somebody waits on it. */
export class FakeClock implements Clock {
  #nowMs: number;
  #monotonicMs = 1000;
  readonly #timers = new Set<Timer>();
  readonly #watchers = new Set<() => void>();

  constructor(nowMs = Date.parse("2026-11-21T10:00:00Z")) {
    this.#nowMs = nowMs;
  }

  nowMs = (): number => this.#nowMs;
  monotonicMs = (): number => this.#monotonicMs;

  after(ms: number, action: () => void): Cancel {
    const timer = { atMs: this.#monotonicMs + ms, action };
    this.#timers.add(timer);
    for (const look of this.#watchers) look();
    return () => this.#timers.delete(timer);
  }

  /** How long each timer still has, shortest first. */
  get waits(): readonly number[] {
    return [...this.#timers].map(({ atMs }) => atMs - this.#monotonicMs).sort((a, b) => a - b);
  }

  /** Resolves as soon as a timer is armed that has so long to go, give or take; at once when there is one. */
  armed(fromMs: number, toMs = fromMs): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!this.waits.some((wait) => wait >= fromMs && wait <= toMs)) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** Lets time pass, timer by timer, with a turn of the event loop after each. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#monotonicMs + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      this.#move((due?.atMs ?? untilMs) - this.#monotonicMs);
      if (due === undefined) return;
      this.#timers.delete(due);
      due.action();
      await turn();
    }
  }

  /** Somebody sets the wall clock. */
  setWall(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  /** Time passes, but nothing runs: the process was frozen. Due timers stay due. */
  freeze(ms: number): void {
    this.#move(ms);
  }

  #move(ms: number): void {
    this.#monotonicMs += Math.max(0, ms);
    this.#nowMs += Math.max(0, ms);
  }
}

/** One turn of the event loop, with all the promises that are ready. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
