import { type Cancel, type Clock, sleep } from "./clock.ts";

/** What a source has given. */
interface Loaded<Value> {
  readonly value: Value;
  /** When to ask again, in milliseconds. */
  readonly refreshMs: number;
  /** When whoever misses something may ask again, in milliseconds. @default the usual interval */
  readonly intervalMs?: number;
}

export interface RefreshedOptions<Value> {
  /** Asks the source; gives up after a time of its own. */
  readonly load: (signal: AbortSignal) => Promise<Loaded<Value>>;
  readonly clock: Clock;
  /** Whose timers begin the loads that nobody waits for. @default `clock` */
  readonly background?: Pick<Clock, "after">;
  /** From the beginning of one load to that of the next, at least, in milliseconds: whatever is missed. */
  readonly intervalMs: number;
  /** So long whoever misses something waits until a load is due. @default 0 */
  readonly patienceMs?: number;
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
  #intervalMs: number;
  #retryMs: number;
  #loading: Promise<void> | undefined;
  #waiting = 0;
  #wasAway = false;
  #cancel: Cancel = () => undefined;

  constructor(options: RefreshedOptions<Value>) {
    this.#options = options;
    this.#intervalMs = options.intervalMs;
    this.#retryMs = options.intervalMs;
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
    const { patienceMs = 0 } = this.#options;
    const dueInMs = this.#loading === undefined ? this.#dueInMs() : 0;
    if (dueInMs > patienceMs) return "not due";
    if (this.#waiting >= mostWaiting) return "crowded";
    this.#waiting++;
    await this.#load(dueInMs);
    this.#waiting--;
    return "asked";
  }

  readonly #isClosed = (): boolean => this.#stop.signal.aborted;

  #dueInMs(): number {
    return this.#isClosed() ? Infinity : this.#beganAtMs + this.#intervalMs - this.#options.clock.monotonicMs();
  }

  #load(inMs = 0): Promise<void> {
    this.#loading ??= this.#loadOnce(inMs).then((nextMs) => {
      this.#loading = undefined;
      const { clock, background = clock } = this.#options;
      if (!this.#isClosed()) this.#cancel = background.after(nextMs, () => void this.#load());
    });
    return this.#loading;
  }

  /** Gives when to load again, in milliseconds. */
  async #loadOnce(inMs: number): Promise<number> {
    const { load, clock, tell, intervalMs: usualMs } = this.#options;
    this.#cancel();
    if (inMs > 0) await sleep(clock, inMs, this.#stop.signal);
    if (this.#isClosed()) return Infinity;
    this.#beganAtMs = clock.monotonicMs();
    try {
      const { value, refreshMs, intervalMs = usualMs } = await load(this.#stop.signal);
      this.#value = value;
      this.#loadedAtMs = clock.monotonicMs();
      this.#intervalMs = intervalMs;
      this.#retryMs = Math.min(usualMs, refreshMs);
      if (this.#wasAway) tell(undefined);
      this.#wasAway = false;
      return refreshMs;
    } catch (error) {
      this.#wasAway = true;
      if (!this.#isClosed()) tell(error);
      return this.#retryMs;
    }
  }
}
