import type { Cancel, Clock } from "../../time/clock.ts";

export interface GateOptions {
  /** So many are inside at a time. */
  readonly most: number;
  /** Whoever has waited so long is turned away, in milliseconds. */
  readonly patienceMs: number;
}

interface Queued {
  readonly untilMs: number;
  readonly end: (isIn: boolean) => void;
}

/** Lets in so many at a time, in the order in which they came. One timer for all who wait: there may be ten thousand. */
export class AskGate {
  readonly #clock: Pick<Clock, "after" | "monotonicMs">;
  readonly #options: GateOptions;
  readonly #waiting = new Set<Queued>();
  #inside = 0;
  #cancel: Cancel | undefined;

  constructor(clock: Pick<Clock, "after" | "monotonicMs">, options: GateOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** Nobody is inside, nor waits. */
  get isIdle(): boolean {
    return this.#inside === 0;
  }

  /** Resolves with whether one is in: then {@link leave} is to be called. */
  enter(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    const { most, patienceMs } = this.#options;
    if (this.#inside < most) {
      this.#inside++;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const giveUp = (): void => waiting.end(false);
      const waiting: Queued = {
        untilMs: this.#clock.monotonicMs() + patienceMs,
        end: (isIn) => {
          this.#waiting.delete(waiting);
          signal.removeEventListener("abort", giveUp);
          if (this.#waiting.size === 0) this.#stopTimer();
          resolve(isIn);
        },
      };
      signal.addEventListener("abort", giveUp, { once: true });
      this.#waiting.add(waiting);
      this.#cancel ??= this.#clock.after(patienceMs, () => this.#turnAway());
    });
  }

  /** The place goes to whoever has waited longest. */
  leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#inside--;
    else next.end(true);
  }

  /** Those who came first have waited longest. */
  #turnAway(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#cancel = undefined;
    for (const { untilMs, end } of this.#waiting) {
      if (untilMs <= nowMs) end(false);
      else {
        this.#cancel ??= this.#clock.after(untilMs - nowMs, () => this.#turnAway());
        return;
      }
    }
  }

  #stopTimer(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
