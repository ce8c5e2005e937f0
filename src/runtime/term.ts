import { type Cancel, type Clock, type Moment, momentOf } from "../time/clock.ts";

/** What a leader may count on. */
export interface Leadership {
  /** Aborted when the lease may soon be another's: whatever runs must end now. */
  readonly signal: AbortSignal;
  /**
   * Whether it may act at this very moment. By the clocks, so it is right before the signal is: a process that was frozen
   * runs other code before its timers. {@link fenced} asks it before each write.
   */
  isHeld(): boolean;
}

/** Leadership was lost, and why. */
export class LeadershipLostError extends Error {
  constructor(problem: string) {
    super(`Cannot go on as the leader: ${problem}`);
    this.name = new.target.name;
  }
}

/** One leadership from its beginning to its end, which comes by itself when nobody renews it. */
export class Term implements Leadership {
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  readonly #controller = new AbortController();
  #renewedAt: Moment;
  #cancel: Cancel;
  #lostBy: LeadershipLostError | undefined;

  /** @param at - From before the lease was asked for */
  constructor(clock: Clock, deadlineMs: number, at: Moment) {
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
    this.#renewedAt = at;
    this.#cancel = this.#arm();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why it ended; undefined while it lasts, and when it was given back. */
  get lostBy(): LeadershipLostError | undefined {
    return this.#lostBy;
  }

  isHeld(): boolean {
    if (this.#lostBy === undefined && this.#ageMs() >= this.#deadlineMs) {
      this.lose(`the lease was not renewed for ${Math.round(this.#ageMs() / 1000)} s`);
    }
    return this.#lostBy === undefined;
  }

  /** The lease was renewed by a request that was begun at this moment. Too late is too late. */
  renewed(at: Moment): void {
    if (!this.isHeld()) return;
    this.#renewedAt = at;
    this.#cancel();
    this.#cancel = this.#arm();
  }

  lose(problem: string): void {
    if (this.#lostBy !== undefined) return;
    this.#lostBy = new LeadershipLostError(problem);
    this.#cancel();
    this.#controller.abort(this.#lostBy);
  }

  /** Lets go of the timer. */
  end(): void {
    this.#cancel();
  }

  /** The monotonic clock stands still while a machine sleeps, the wall clock can be set: whichever says more. */
  #ageMs(): number {
    const { monotonicMs, nowMs } = momentOf(this.#clock);
    return Math.max(monotonicMs - this.#renewedAt.monotonicMs, nowMs - this.#renewedAt.nowMs);
  }

  #arm(): Cancel {
    return this.#clock.after(this.#deadlineMs - this.#ageMs(), () => {
      // A timer may ring a little early
      if (this.isHeld()) this.#cancel = this.#arm();
    });
  }
}
