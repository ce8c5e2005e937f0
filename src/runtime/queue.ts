import { type Backoff, ceilingMs, type Chance } from "../time/backoff.ts";
import type { Cancel, Clock } from "../time/clock.ts";

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

/** Who is served before whom: an emergency, then what was begun and is to be ended, then all else. */
export type Urgency = "emergency" | "begun" | "ordinary";

const order = ["emergency", "begun", "ordinary"] as const satisfies readonly Urgency[];
const isMoreUrgent = (a: Urgency, b: Urgency): boolean => order.indexOf(a) < order.indexOf(b);

/** However often it failed: an emergency is tried again within so many milliseconds. */
const mostEmergencyMs = 5000;

interface Entry {
  /** When it was added, or is to be. */
  readonly atMs: number;
  readonly urgency: Urgency;
}

/**
 * Keys that somebody must look at. Each stands in it once however often it is added, is in one worker's hands at a time, and
 * comes back after {@link done} if it was added meanwhile. The most urgent first; of those, first come, first served.
 */
export class WorkQueue {
  readonly #options: QueueOptions;
  readonly #backoff: Backoff;
  /** Key → when it was added, in order, by urgency. */
  readonly #waiting = {
    emergency: new Map<string, number>(),
    begun: new Map<string, number>(),
    ordinary: new Map<string, number>(),
  };
  /** Key → when it was taken. */
  readonly #working = new Map<string, number>();
  readonly #addedMeanwhile = new Map<string, Entry>();
  readonly #delayed = new Map<string, Entry>();
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
    return order.reduce((sum, urgency) => sum + this.#waiting[urgency].size, 0);
  }

  /** How long each key that is being worked on has been so, in milliseconds. */
  get workingMs(): readonly number[] {
    const nowMs = this.#nowMs();
    return [...this.#working.values()].map((sinceMs) => nowMs - sinceMs);
  }

  /** What is there already becomes as urgent as the more urgent of the two. */
  add(key: string, urgency: Urgency = "ordinary"): void {
    if (this.#isShutDown) return;
    const before = this.#working.has(key) ? this.#addedMeanwhile.get(key) : this.#entryOf(key);
    if (before !== undefined && !isMoreUrgent(urgency, before.urgency)) return;
    const entry = { atMs: before?.atMs ?? this.#nowMs(), urgency };
    if (this.#working.has(key)) this.#addedMeanwhile.set(key, entry);
    else this.#wait(key, entry);
    if (before === undefined) this.#options.observer?.added?.();
    this.#serve();
  }

  #entryOf(key: string): Entry | undefined {
    const urgency = order.find((one) => this.#waiting[one].has(key));
    return urgency && { atMs: this.#waiting[urgency].get(key) ?? 0, urgency };
  }

  #wait(key: string, { atMs, urgency }: Entry): void {
    for (const one of order) this.#waiting[one].delete(key);
    this.#waiting[urgency].set(key, atMs);
  }

  /**
   * Adds the key after so many milliseconds, at once for 0 and less. Of several the earliest counts, as urgent as the most
   * urgent, and whoever takes the key before has done with it: the pass says anew when it wants the next.
   */
  addAfter(key: string, ms: number, urgency: Urgency = "ordinary"): void {
    if (this.#isShutDown) return;
    if (!(ms > 0)) {
      this.add(key, urgency);
      return;
    }
    const before = this.#delayed.get(key);
    this.#delayed.set(key, {
      atMs: Math.min(this.#nowMs() + ms, before?.atMs ?? Infinity),
      urgency: before && isMoreUrgent(before.urgency, urgency) ? before.urgency : urgency,
    });
    this.#setAlarm();
  }

  /**
   * Adds the key after its own back-off: between half of a doubling time and the whole of it. Returns the wait, in
   * milliseconds. Not the full jitter of calls: a key that fails must not be tried again at once.
   */
  addAfterFailure(key: string, urgency: Urgency = "ordinary"): number {
    const failures = this.failuresOf(key) + 1;
    this.#failures.set(key, failures);
    this.#options.observer?.retried?.();
    const mostMs = urgency === "emergency" ? mostEmergencyMs : Infinity;
    const waitMs = Math.min(mostMs, ceilingMs(this.#backoff, failures)) * (0.5 + this.#options.chance() / 2);
    this.addAfter(key, waitMs, urgency);
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
    const entry = this.#addedMeanwhile.get(key);
    if (entry === undefined) return;
    this.#addedMeanwhile.delete(key);
    this.#wait(key, entry);
    this.#serve();
  }

  /** Hands out nothing more, forgets what waits and sets no timer again. */
  shutDown(): void {
    this.#isShutDown = true;
    for (const urgency of order) this.#waiting[urgency].clear();
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
    while (this.#takers.length > 0) {
      const urgency = order.find((one) => this.#waiting[one].size > 0);
      const [first] = urgency ? this.#waiting[urgency] : [];
      const taker = first && this.#takers.shift();
      if (urgency === undefined || first === undefined || taker === undefined) return;
      const [key, addedAtMs] = first;
      const nowMs = this.#nowMs();
      this.#waiting[urgency].delete(key);
      this.#delayed.delete(key);
      this.#working.set(key, nowMs);
      this.#options.observer?.taken?.(nowMs - addedAtMs);
      taker(key);
    }
  }

  /** One timer, for the earliest of all. */
  #setAlarm(): void {
    let atMs = Infinity;
    for (const entry of this.#delayed.values()) atMs = Math.min(atMs, entry.atMs);
    if (this.#alarm !== undefined && this.#alarm.atMs <= atMs) return;
    this.#alarm?.cancel();
    this.#alarm = undefined;
    if (atMs === Infinity) return;
    this.#alarm = { atMs, cancel: this.#options.clock.after(atMs - this.#nowMs(), () => this.#ring()) };
  }

  #ring(): void {
    this.#alarm = undefined;
    const nowMs = this.#nowMs();
    for (const [key, { atMs, urgency }] of [...this.#delayed].sort(([, a], [, b]) => a.atMs - b.atMs)) {
      if (atMs > nowMs) break;
      this.#delayed.delete(key);
      this.add(key, urgency);
    }
    this.#setAlarm();
  }
}
