import type { Clock } from "../time/clock.ts";

/** What the API server's clock said, in whole seconds, and when that came in. */
interface ServerDate {
  readonly dateMs: number;
  readonly receivedAtMonotonicMs: number;
  /** So much later it may have been when the answer came in, in milliseconds: a second, and what the answer took. */
  readonly doubtMs: number;
}

/** The API server's clock, by the `Date` headers of its answers. */
export class ServerClock {
  readonly #clock: Clock;
  /** Of the answer that says most. */
  #date: ServerDate | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What it says now at the least; see {@link doubtMs}. Unix milliseconds; undefined before the first answer. */
  nowMs(): number | undefined {
    if (this.#date === undefined) return undefined;
    return this.#date.dateMs + (this.#clock.monotonicMs() - this.#date.receivedAtMonotonicMs);
  }

  /** So much later it may be than {@link nowMs}, in milliseconds: about a second. */
  doubtMs(): number {
    return this.#date?.doubtMs ?? 0;
  }

  /**
   * Whole seconds: of several answers the one that was stamped latest in its second says most, and is kept. One that can't be
   * true beside it tells of a clock that was set back.
   */
  note(date: string | undefined, sentAtMonotonicMs: number): void {
    const dateMs = date === undefined ? NaN : Date.parse(date);
    if (Number.isNaN(dateMs)) return;
    const receivedAtMonotonicMs = this.#clock.monotonicMs();
    const doubtMs = 1000 + (receivedAtMonotonicMs - sentAtMonotonicMs);
    const knownMs = this.nowMs();
    if (knownMs !== undefined && dateMs <= knownMs && knownMs < dateMs + doubtMs) return;
    this.#date = { dateMs, receivedAtMonotonicMs, doubtMs };
  }
}
