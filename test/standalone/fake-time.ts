import type { Bell } from "../../src/time/bell.ts";
import type { Clocks } from "../../src/time/clock.ts";

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;

/** 2026-11-22T00:00:00Z */
export const epochMs = 1_795_305_600_000;

/** Two clocks that stand still until somebody waits, or sets one. */
export class FakeTime implements Clocks, Pick<Bell, "ring" | "sleep"> {
  wallMs: number;
  steadyMs = 0;
  #events: { readonly atSteadyMs: number; readonly act: () => Promise<void> | void }[] = [];
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

  ring(): void {
    // Nobody waits for real
  }

  async sleep(ms: number): Promise<void> {
    // Files have real times; let what they wake up come in between
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    const leftMs = this.#end ? this.#end.atSteadyMs - this.steadyMs : Infinity;
    const stepMs = Math.min(leftMs, Math.max(1, Math.ceil(ms)));
    const event = this.#events.find(({ atSteadyMs }) => atSteadyMs <= this.steadyMs + stepMs);
    if (event) {
      this.#events = this.#events.filter((other) => other !== event);
      this.pass(Math.max(0, event.atSteadyMs - this.steadyMs));
      await event.act();
    } else if (leftMs <= 0) this.#end?.reached();
    else this.pass(stepMs);
  }

  /** Something that happens after so much time, while somebody waits; it ends the wait, as a change of a file does. */
  in(ms: number, act: () => Promise<void> | void): void {
    this.#events.push({ atSteadyMs: this.steadyMs + ms, act });
    this.#events.sort((a, b) => a.atSteadyMs - b.atSteadyMs);
  }

  /** The same again and again, as long as it returns true. */
  every(ms: number, act: () => Promise<boolean> | boolean): void {
    this.in(ms, async () => {
      if (await act()) this.every(ms, act);
    });
  }

  /** Calls `reached` when somebody wants to wait after so much time. */
  endIn(ms: number, reached: () => void): void {
    this.#end = { atSteadyMs: this.steadyMs + ms, reached };
  }
}
