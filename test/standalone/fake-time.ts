import type { Waker } from "../../src/files/watch.ts";
import type { Clock } from "../../src/standalone/clock.ts";

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;

/** 2026-11-22T00:00:00Z */
export const epochMs = 1_795_305_600_000;

/** Two clocks that stand still until somebody waits, or sets one. */
export class FakeTime implements Clock, Waker {
  wallMs: number;
  steadyMs = 0;
  /** Nobody waits beyond it. */
  #end: { readonly atSteadyMs: number; readonly reached: () => void } | undefined;

  constructor(startMs = epochMs) {
    this.wallMs = startMs;
  }

  nowMs(): number {
    return this.wallMs;
  }

  monotonicMs(): number {
    return this.steadyMs;
  }

  /** Both clocks go on. */
  pass(ms: number): void {
    this.wallMs += ms;
    this.steadyMs += ms;
  }

  wake(): void {
    // Nobody waits for real
  }

  async wait(ms: number): Promise<void> {
    // Files have real times; let what they wake up come in between
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    const leftMs = this.#end ? this.#end.atSteadyMs - this.steadyMs : Infinity;
    if (leftMs <= 0) this.#end?.reached();
    else this.pass(Math.min(leftMs, Math.max(1, Math.ceil(ms))));
  }

  /** Calls `reached` when somebody wants to wait after so much time. */
  endIn(ms: number, reached: () => void): void {
    this.#end = { atSteadyMs: this.steadyMs + ms, reached };
  }
}
