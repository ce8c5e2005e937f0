import { type Backoff, ceilingMs, type Chance } from "../kube/backoff.ts";
import type { Cancel, Clock } from "../kube/clock.ts";

/** Hears what happens to the queue, for metrics. Times in milliseconds. */
export interface QueueObserver {
  added?(): void;
  retried?(): void;
  taken?(waitedMs: number): void;
  finished?(workedMs: number): void;
}

export interface QueueOptions {
  readonly clock: Clock;
  readonly chance: Chance;
  /** Between failures of one key. @default {baseMs: 500, maxMs: 300000} */
  readonly backoff?: Backoff;
  readonly observer?: QueueObserver;
}

/**
 * Keys that somebody must look at. Each stands in it once however often it is added, is in one worker's hands at a time, and
 * comes back after {@link done} if it was added meanwhile. First come, first served.
 */
export class WorkQueue {
  readonly #options: QueueOptions;
  readonly #backoff: Backoff;
  /** Key → when it was added, in order. */
  readonly #waiting = new Map<string, number>();
  /** Key → when it was taken. */
  readonly #working = new Map<string, number>();
  readonly #addedMeanwhile = new Map<string, number>();
  /** Key → when it is to be added. */
  readonly #delayed = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  #alarm: { readonly atMs: number; readonly cancel: Cancel } | undefined;
  #isShutDown = false;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#backoff = options.backoff ?? { baseMs: 500, maxMs: 300_000 };
  }

  /** How many wait for a worker. */
  get depth(): number {
    return this.#waiting.size;
  }

  /** How long each key that is being worked on has been so, in milliseconds. */
  get workingMs(): readonly number[] {
    const nowMs = this.#nowMs();
    return [...this.#working.values()].map((sinceMs) => nowMs - sinceMs);
  }

  add(key: string): void {
    if (this.#isShutDown) return;
    const into = this.#working.has(key) ? this.#addedMeanwhile : this.#waiting;
    if (into.has(key)) return;
    into.set(key, this.#nowMs());
    this.#options.observer?.added?.();
    this.#serve();
  }

  /**
   * Adds the key after so many milliseconds, at once for 0 and less. Of several the earliest counts, and whoever takes the
   * key before has done with it: the pass says anew when it wants the next.
   */
  addAfter(key: string, ms: number): void {
    if (this.#isShutDown) return;
    if (!(ms > 0)) {
      this.add(key);
      return;
    }
    const atMs = this.#nowMs() + ms;
    if (atMs >= (this.#delayed.get(key) ?? Infinity)) return;
    this.#delayed.set(key, atMs);
    this.#setAlarm();
  }

  /**
   * Adds the key after its own back-off: between half of a doubling time and the whole of it. Returns the wait, in
   * milliseconds. Not the full jitter of calls: a key that fails must not be tried again at once.
   */
  addAfterFailure(key: string): number {
    const failures = this.failuresOf(key) + 1;
    this.#failures.set(key, failures);
    this.#options.observer?.retried?.();
    const waitMs = ceilingMs(this.#backoff, failures) * (0.5 + this.#options.chance() / 2);
    this.addAfter(key, waitMs);
    return waitMs;
  }

  /** It worked: the next failure is the first again. */
  forgetFailures(key: string): void {
    this.#failures.delete(key);
  }

  failuresOf(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key, as soon as there is one; undefined after {@link shutDown}. {@link done} must follow. */
  take(): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.#takers.push(resolve);
      this.#serve();
    });
  }

  /** The worker has let go of the key. */
  done(key: string): void {
    const takenAtMs = this.#working.get(key);
    if (takenAtMs === undefined) return;
    this.#working.delete(key);
    this.#options.observer?.finished?.(this.#nowMs() - takenAtMs);
    const addedAtMs = this.#addedMeanwhile.get(key);
    if (addedAtMs === undefined) return;
    this.#addedMeanwhile.delete(key);
    this.#waiting.set(key, addedAtMs);
    this.#serve();
  }

  /** Hands out nothing more, forgets what waits and sets no timer again. */
  shutDown(): void {
    this.#isShutDown = true;
    this.#waiting.clear();
    this.#addedMeanwhile.clear();
    this.#delayed.clear();
    this.#alarm?.cancel();
    this.#alarm = undefined;
    this.#serve();
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }

  #serve(): void {
    if (this.#isShutDown) {
      for (const taker of this.#takers.splice(0)) taker(undefined);
      return;
    }
    for (const [key, addedAtMs] of this.#waiting) {
      const taker = this.#takers.shift();
      if (taker === undefined) return;
      const nowMs = this.#nowMs();
      this.#waiting.delete(key);
      this.#delayed.delete(key);
      this.#working.set(key, nowMs);
      this.#options.observer?.taken?.(nowMs - addedAtMs);
      taker(key);
    }
  }

  /** One timer, for the earliest of all. */
  #setAlarm(): void {
    const atMs = Math.min(...this.#delayed.values());
    if (this.#alarm !== undefined && this.#alarm.atMs <= atMs) return;
    this.#alarm?.cancel();
    this.#alarm = undefined;
    if (atMs === Infinity) return;
    this.#alarm = { atMs, cancel: this.#options.clock.after(atMs - this.#nowMs(), () => this.#ring()) };
  }

  #ring(): void {
    this.#alarm = undefined;
    const nowMs = this.#nowMs();
    for (const [key, atMs] of [...this.#delayed].sort(([, a], [, b]) => a - b)) {
      if (atMs > nowMs) break;
      this.#delayed.delete(key);
      this.add(key);
    }
    this.#setAlarm();
  }
}
