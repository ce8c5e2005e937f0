import { clockWaitMs, setBackMs } from "../deadline/clock-look.ts";
import { type Cancel, type Clock, type Moment, momentOf } from "../time/clock.ts";

/** Who has something to do at an instant of the wall clock. */
export interface Wakeable {
  /** Unix milliseconds; Infinity: nothing. {@link ClockWatch.changed} is told when it comes nearer. */
  readonly wakeAtMs: number;
  /** Its time has come. */
  wake(): void;
  /** The wall clock was set back. */
  setBack(byMs: number): void;
}

/**
 * One timer for any number of those who wait on the wall clock: it is looked at when the first of them wants it, and every 30 s at the latest, so
 * that sleep and a clock that was set are seen. A look goes over all of them: for ten thousand that is a tenth of a millisecond, and far less than
 * the one renewal that it begins.
 */
export class ClockWatch {
  readonly #clock: Clock;
  readonly #watched = new Set<Wakeable>();
  /** When the clocks last agreed. */
  #seen: Moment;
  /** On the monotonic clock; Infinity: no timer. */
  #looksAtMs = Infinity;
  #cancel: Cancel = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#seen = momentOf(clock);
  }

  /** How many are watched. */
  get size(): number {
    return this.#watched.size;
  }

  add(one: Wakeable): void {
    if (this.#watched.size === 0) this.#seen = momentOf(this.#clock);
    this.#watched.add(one);
    this.changed(one);
  }

  /** Its time may be another one than before. Does nothing for one that is not watched. */
  changed(one: Wakeable): void {
    if (this.#watched.has(one)) this.#lookAt(one.wakeAtMs);
  }

  delete(one: Wakeable): void {
    this.#watched.delete(one);
    if (this.#watched.size > 0) return;
    this.#cancel();
    this.#looksAtMs = Infinity;
  }

  /** A look that comes too soon does nothing: so a time that went further away leaves the timer as it is. */
  #lookAt(wakeAtMs: number): void {
    const waitMs = clockWaitMs(wakeAtMs, this.#clock.nowMs());
    const atMs = this.#clock.monotonicMs() + waitMs;
    if (atMs >= this.#looksAtMs) return;
    this.#cancel();
    this.#looksAtMs = atMs;
    this.#cancel = this.#clock.after(waitMs, () => this.#look());
  }

  #look(): void {
    this.#looksAtMs = Infinity;
    this.#compareClocks();
    const nowMs = this.#clock.nowMs();
    let nextMs = Infinity;
    for (const one of this.#watched) {
      if (nowMs >= one.wakeAtMs) one.wake();
      nextMs = Math.min(nextMs, one.wakeAtMs);
    }
    if (this.#watched.size > 0) this.#lookAt(nextMs);
  }

  #compareClocks(): void {
    const now = momentOf(this.#clock);
    const byMs = setBackMs(this.#seen, now);
    const isAhead = setBackMs(now, this.#seen) > 0;
    // A clock that is slewed goes wrong so slowly that only the sum shows it
    if (byMs > 0 || isAhead) this.#seen = now;
    if (byMs === 0) return;
    for (const one of this.#watched) one.setBack(byMs);
  }
}
