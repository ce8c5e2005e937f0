import type { Clock } from "../../time/clock.ts";

export interface GateOptions {
  /** So many are inside at a time. */
  readonly most: number;
  /** Whoever has waited so long is turned away, in milliseconds. */
  readonly patienceMs: number;
}

/** Lets in so many at a time, in the order in which they came. */
export class AskGate {
  readonly #clock: Pick<Clock, "after">;
  readonly #options: GateOptions;
  readonly #waiting = new Set<() => void>();
  #inside = 0;

  constructor(clock: Pick<Clock, "after">, options: GateOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** Nobody is inside, nor waits. */
  get isIdle(): boolean {
    return this.#inside === 0;
  }

  /** Resolves with whether one is in: then {@link leave} is to be called. */
  enter(signal: AbortSignal): Promise<boolean> {
    const { most, patienceMs } = this.#options;
    if (this.#inside < most) {
      this.#inside++;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const end = (isIn: boolean): void => {
        this.#waiting.delete(enter);
        cancel();
        signal.removeEventListener("abort", giveUp);
        resolve(isIn);
      };
      const enter = (): void => end(true);
      const giveUp = (): void => end(false);
      const cancel = this.#clock.after(signal.aborted ? 0 : patienceMs, giveUp);
      signal.addEventListener("abort", giveUp, { once: true });
      this.#waiting.add(enter);
    });
  }

  /** The place goes to whoever has waited longest. */
  leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#inside--;
    else next();
  }
}
