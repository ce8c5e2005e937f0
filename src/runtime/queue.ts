import { type Backoff, ceilingMs, type Chance } from "../time/backoff.ts";
import type { Clock } from "../time/clock.ts";
import { DelayedKeys } from "./delayed-keys.ts";
import { isMoreUrgent, type QueueEntry, urgencies, type Urgency } from "./queue-entry.ts";

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
  /** Between retries of one key. @default {baseMs: 500, maxMs: 300000} */
  readonly backoff?: Backoff;
  readonly observer?: QueueObserver;
}

/** How a key comes again. */
export interface Retry {
  /** @default ordinary */
  readonly urgency?: Urgency | undefined;
  /** @default that of the queue */
  readonly backoff?: Backoff;
}

type Taker = (key: string | undefined) => void;

/** However often it was tried: an emergency is tried again within so many milliseconds. */
const mostEmergencyMs = 5000;

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
  readonly #addedMeanwhile = new Map<string, QueueEntry>();
  readonly #delayed: DelayedKeys;
  /** Key → how often in a row it was to be tried again. */
  readonly #retries = new Map<string, number>();
  readonly #takers: Taker[] = [];
  /** Of those who take nothing but emergencies. */
  readonly #emergencyTakers: Taker[] = [];
  #isShutDown = false;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#backoff = options.backoff ?? { baseMs: 500, maxMs: 300_000 };
    this.#delayed = new DelayedKeys(options.clock, (key, urgency) => this.add(key, urgency));
  }

  /** How many wait for a worker. */
  get depth(): number {
    return urgencies.reduce((sum, urgency) => sum + this.#waiting[urgency].size, 0);
  }

  /** How long each key that is being worked on has been so, in milliseconds. */
  get workingMs(): readonly number[] {
    const nowMs = this.#nowMs();
    return [...this.#working.values()].map((sinceMs) => nowMs - sinceMs);
  }

  /** What is there already becomes as urgent as the more urgent of the two. */
  add(key: string, urgency: Urgency = "ordinary"): void {
    if (this.#isShutDown) return;
    const before = this.#working.has(key) ? this.#addedMeanwhile.get(key) : this.#waitingEntry(key);
    if (before !== undefined && !isMoreUrgent(urgency, before.urgency)) return;
    const entry = { atMs: before?.atMs ?? this.#nowMs(), urgency };
    if (this.#working.has(key)) this.#addedMeanwhile.set(key, entry);
    else this.#wait(key, entry);
    if (before === undefined) this.#options.observer?.added?.();
    this.#serve();
  }

  #waitingEntry(key: string): QueueEntry | undefined {
    const urgency = urgencies.find((one) => this.#waiting[one].has(key));
    return urgency && { atMs: this.#waiting[urgency].get(key) ?? 0, urgency };
  }

  #wait(key: string, { atMs, urgency }: QueueEntry): void {
    for (const one of urgencies) this.#waiting[one].delete(key);
    this.#waiting[urgency].set(key, atMs);
  }

  /**
   * Adds the key after so many milliseconds, at once for 0 and less. Of several the earliest counts, as urgent as the most
   * urgent, and whoever takes the key before has done with it: the pass says anew when it wants the next.
   */
  addAfter(key: string, ms: number, urgency: Urgency = "ordinary"): void {
    if (this.#isShutDown) return;
    if (ms > 0) this.#delayed.add(key, { atMs: this.#nowMs() + ms, urgency });
    else this.add(key, urgency);
  }

  /**
   * Adds the key after a back-off: between half of a time that doubles with each retry in a row, and the whole of it. Returns
   * the wait, in milliseconds. Not the full jitter of calls: a key that fails must not be tried again at once.
   */
  retry(key: string, { urgency = "ordinary", backoff = this.#backoff }: Retry = {}): number {
    const retries = this.retriesOf(key) + 1;
    this.#retries.set(key, retries);
    this.#options.observer?.retried?.();
    const mostMs = urgency === "emergency" ? mostEmergencyMs : Infinity;
    const waitMs = Math.min(mostMs, ceilingMs(backoff, retries)) * (0.5 + this.#options.chance() / 2);
    this.addAfter(key, waitMs, urgency);
    return waitMs;
  }

  /** It worked: the next retry is the first again. */
  forgetRetries(key: string): void {
    this.#retries.delete(key);
  }

  retriesOf(key: string): number {
    return this.#retries.get(key) ?? 0;
  }

  /** The next key, as soon as there is one; undefined after {@link shutDown}. {@link done} must follow. */
  take(): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.#takers.push(resolve);
      this.#serve();
    });
  }

  /** As {@link take}, but an emergency alone: so that one never waits for a worker that is at something else. */
  takeEmergency(): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.#emergencyTakers.push(resolve);
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
    for (const urgency of urgencies) this.#waiting[urgency].clear();
    this.#addedMeanwhile.clear();
    this.#delayed.clear();
    this.#serve();
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }

  #serve(): void {
    if (this.#isShutDown) {
      for (const taker of [...this.#takers.splice(0), ...this.#emergencyTakers.splice(0)]) taker(undefined);
      return;
    }
    for (;;) {
      const urgency = urgencies.find((one) => this.#waiting[one].size > 0);
      const [first] = urgency ? this.#waiting[urgency] : [];
      if (urgency === undefined || first === undefined) return;
      const taker = (urgency === "emergency" ? this.#emergencyTakers.shift() : undefined) ?? this.#takers.shift();
      if (taker === undefined) return;
      const [key, addedAtMs] = first;
      const nowMs = this.#nowMs();
      this.#waiting[urgency].delete(key);
      this.#delayed.delete(key);
      this.#working.set(key, nowMs);
      this.#options.observer?.taken?.(nowMs - addedAtMs);
      taker(key);
    }
  }
}
