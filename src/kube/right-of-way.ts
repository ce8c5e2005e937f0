import { type Clock, sleep } from "../time/clock.ts";
import type { ClientTransport } from "./transport.ts";

/** So long a request gives way at the most, in milliseconds: somebody urgent whom no answer reaches must not stop all others. */
const longestMs = 250;

/** While somebody urgent is at work, others send nothing new: then the server and this process are his. */
export class RightOfWay {
  readonly #clock: Pick<Clock, "after">;
  #urgent = 0;
  /** Aborted when nobody urgent is at work any more. */
  #clear = new AbortController();

  constructor(clock: Pick<Clock, "after">) {
    this.#clock = clock;
  }

  /** Does the work of somebody urgent. */
  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#urgent += 1;
    try {
      return await work();
    } finally {
      this.#urgent -= 1;
      if (this.#urgent === 0) {
        this.#clear.abort();
        this.#clear = new AbortController();
      }
    }
  }

  /** Resolves when nobody urgent is at work, after a quarter of a second, or with the signal. Never rejects. */
  async given(signal?: AbortSignal): Promise<void> {
    if (this.#urgent === 0) return;
    const { signal: clear } = this.#clear;
    await sleep(this.#clock, longestMs, signal ? AbortSignal.any([signal, clear]) : clear);
  }
}

/** The same calls, which give way. Watches don't: what they tell may be urgent. */
export const yielding = (caller: ClientTransport, rightOfWay: RightOfWay): ClientTransport => ({
  clock: caller.clock,
  chance: caller.chance,
  serverNowMs: () => caller.serverNowMs(),
  serverDoubtMs: () => caller.serverDoubtMs(),
  open: (request) => caller.open(request),
  call: async (request) => {
    await rightOfWay.given(request.signal);
    return caller.call(request);
  },
});
