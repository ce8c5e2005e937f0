import { type Clocks, type Moment, momentOf } from "./clock.ts";

/** What the clocks may differ by, from rounding and slewing, in milliseconds. */
const toleranceMs = 1000;

/**
 * One time that only goes ahead, whatever is done to the clocks: the monotonic one, and what the machine slept through. A wall clock that went
 * further tells of sleep; one that was set ahead can't be told from that, and one that was set back changes nothing.
 */
export class PassedTime {
  readonly #clocks: Clocks;
  #seen: Moment;
  #passedMs = 0;

  constructor(clocks: Clocks) {
    this.#clocks = clocks;
    this.#seen = momentOf(clocks);
  }

  /** Milliseconds since the beginning. Sleep is seen if this is asked often enough: clocks that drift apart slowly are no sleep. */
  nowMs(): number {
    const now = momentOf(this.#clocks);
    const awakeMs = Math.max(0, now.monotonicMs - this.#seen.monotonicMs);
    const wallMs = now.nowMs - this.#seen.nowMs;
    this.#seen = now;
    this.#passedMs += wallMs > awakeMs + toleranceMs ? wallMs : awakeMs;
    return this.#passedMs;
  }
}
