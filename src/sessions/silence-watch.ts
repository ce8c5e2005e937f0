import type { Cancel, Clock } from "../time/clock.ts";

/** Everybody who must say a word within so long of the one before: one timer for all, which is never late for any. */
export class SilenceWatch<Speaker> {
  readonly #clock: Clock;
  readonly #withinMs: number;
  readonly #silent: (speaker: Speaker) => void;
  /** When each was heard, by the monotonic clock; the one that was silent for longest first. */
  readonly #heardAtMs = new Map<Speaker, number>();
  #cancel: Cancel | undefined;

  /** @param silent - Whose time has passed; he is watched no longer */
  constructor(clock: Clock, withinMs: number, silent: (speaker: Speaker) => void) {
    this.#clock = clock;
    this.#withinMs = withinMs;
    this.#silent = silent;
  }

  /** From now on, or once more. */
  heard(speaker: Speaker): void {
    this.#heardAtMs.delete(speaker);
    this.#heardAtMs.set(speaker, this.#clock.monotonicMs());
    if (this.#cancel === undefined) this.#arm(this.#withinMs);
  }

  /** Whether it was watched. */
  forget(speaker: Speaker): boolean {
    const isKnown = this.#heardAtMs.delete(speaker);
    if (this.#heardAtMs.size === 0) {
      this.#cancel?.();
      this.#cancel = undefined;
    }
    return isKnown;
  }

  #arm(afterMs: number): void {
    this.#cancel?.();
    this.#cancel = this.#clock.after(afterMs, () => {
      this.#cancel = undefined;
      this.#look();
    });
  }

  #look(): void {
    for (const [speaker, heardAtMs] of this.#heardAtMs) {
      const leftMs = heardAtMs + this.#withinMs - this.#clock.monotonicMs();
      if (leftMs > 0) {
        this.#arm(leftMs);
        return;
      }
      this.#heardAtMs.delete(speaker);
      this.#silent(speaker);
    }
  }
}
