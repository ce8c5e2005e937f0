import type { Cancel, Clock } from "./clock.ts";

/** What a source has given. */
interface Loaded<Value> {
  readonly value: Value;
  /** When to ask again, in milliseconds. */
  readonly refreshMs: number;
}

export interface RefreshedOptions<Value> {
  /** Asks the source; gives up after a time of its own. */
  readonly load: (signal: AbortSignal) => Promise<Loaded<Value>>;
  readonly clock: Clock;
  /** From the beginning of one load to that of the next, at least, in milliseconds: whatever is missed. */
  readonly intervalMs: number;
  /** So long a value is used while its source is away, in milliseconds. */
  readonly staleMs: number;
  /** Hears of each load that fails, and, with undefined, of the first one that works after that. */
  readonly tell: (problem: unknown) => void;
}

/** So many wait for a load that is under way; others are turned away. */
const mostWaiting = 256;

/**
 * A value from elsewhere, loaded in the background. Whoever finds in it what he looks for never waits; who misses something may wait
 * for a load, if one is due, and all who come meanwhile wait for the same.
 */
export class Refreshed<Value> {
  readonly #options: RefreshedOptions<Value>;
  readonly #stop = new AbortController();
  #value: Value | undefined;
  #loadedAtMs = -Infinity;
  #beganAtMs = -Infinity;
  #loading: Promise<void> | undefined;
  #waiting = 0;
  #wasAway = false;
  #cancel: Cancel = () => undefined;

  constructor(options: RefreshedOptions<Value>) {
    this.#options = options;
  }

  /** Loads, and goes on until {@link close}. Resolves after the first load, whatever became of it; never rejects. */
  start(): Promise<void> {
    return this.#load();
  }

  close(): void {
    this.#stop.abort();
    this.#cancel();
  }

  /** The value, unless its source has been away for too long. */
  current(): Value | undefined {
    return this.#options.clock.monotonicMs() - this.#loadedAtMs < this.#options.staleMs ? this.#value : undefined;
  }

  /** For who misses something: resolves after a load. Not asked is a source whose next load is not due yet, or for whose load too many wait. */
  async again(): Promise<"asked" | "not due" | "crowded"> {
    if (this.#loading === undefined && !this.#isDue()) return "not due";
    if (this.#waiting >= mostWaiting) return "crowded";
    this.#waiting++;
    await this.#load();
    this.#waiting--;
    return "asked";
  }

  #isDue(): boolean {
    const { clock, intervalMs } = this.#options;
    return clock.monotonicMs() - this.#beganAtMs >= intervalMs && !this.#stop.signal.aborted;
  }

  #load(): Promise<void> {
    this.#loading ??= this.#loadOnce().finally(() => (this.#loading = undefined));
    return this.#loading;
  }

  async #loadOnce(): Promise<void> {
    const { load, clock, tell, intervalMs } = this.#options;
    this.#cancel();
    this.#beganAtMs = clock.monotonicMs();
    let nextMs = intervalMs;
    try {
      const { value, refreshMs } = await load(this.#stop.signal);
      this.#value = value;
      this.#loadedAtMs = clock.monotonicMs();
      nextMs = refreshMs;
      if (this.#wasAway) tell(undefined);
      this.#wasAway = false;
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#wasAway = true;
      tell(error);
    }
    if (!this.#stop.signal.aborted) this.#cancel = clock.after(nextMs, () => void this.#load());
  }
}
