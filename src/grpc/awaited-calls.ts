import { type Clock, systemClock } from "../time/clock.ts";
import type { GrpcStatus } from "./codes.ts";

/** A call whose message is yet to come. */
export interface Waiter {
  /** Nobody waits for its answer any more. */
  readonly isOver: boolean;
  end(status: GrpcStatus): void;
}

/**
 * Ends calls whose message does not come in time, or up to an eighth of that later. One timer for all: nearly every message comes together with
 * its call, and a timer for each costs more than to read them. Places in a list, as in `http/answering.ts`.
 */
export class AwaitedCalls {
  readonly #stepMs: number;
  readonly #clock: Pick<Clock, "after">;
  readonly #places: ({ readonly call: Waiter; readonly sinceStep: number } | undefined)[] = [];
  readonly #free: number[] = [];
  #step = 0;
  #isCounting = false;

  constructor(limitMs: number, clock: Pick<Clock, "after"> = systemClock) {
    this.#stepMs = limitMs / stepsOfLimit;
    this.#clock = clock;
  }

  /** Its place, until it leaves. */
  enter(call: Waiter): number {
    const place = this.#free.pop() ?? this.#places.length;
    this.#places[place] = { call, sinceStep: this.#step };
    if (!this.#isCounting) this.#count();
    return place;
  }

  leave(place: number): void {
    if (this.#places[place] === undefined) return;
    this.#places[place] = undefined;
    this.#free.push(place);
  }

  #count(): void {
    this.#isCounting = true;
    this.#clock.after(this.#stepMs, () => {
      this.#isCounting = false;
      this.#step += 1;
      this.#look();
      if (this.#free.length < this.#places.length) this.#count();
    });
  }

  #look(): void {
    for (const [place, waiter] of this.#places.entries()) {
      if (waiter === undefined) continue;
      if (waiter.call.isOver) this.leave(place);
      // The step in which it came was not a whole one
      else if (this.#step - waiter.sinceStep > stepsOfLimit) waiter.call.end({ code: "DEADLINE_EXCEEDED" });
    }
  }
}

const stepsOfLimit = 8;
