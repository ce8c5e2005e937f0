import { type Clock, systemClock } from "./clock.ts";

/** Lets one loop sleep, and everybody wake it. */
export class Bell {
  readonly #clock: Pick<Clock, "after">;
  #rung = false;
  #wake: (() => void) | undefined;

  /** @param clock - @default the machine's */
  constructor(clock: Pick<Clock, "after"> = systemClock) {
    this.#clock = clock;
  }

  /** Ends the sleep that is under way, or else the next one. */
  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Resolves after so many milliseconds (Infinity: never by itself), when rung, or with the signal. Never rejects. */
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const end = (): void => {
          cancel?.();
          signal.removeEventListener("abort", end);
          resolve();
        };
        this.#wake = end;
        signal.addEventListener("abort", end, { once: true });
        const cancel = ms === Infinity ? undefined : this.#clock.after(Math.max(0, ms), end);
      });
      this.#wake = undefined;
    }
    this.#rung = false;
  }
}
