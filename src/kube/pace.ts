import type { Clock } from "../time/clock.ts";
import type { ClientTransport } from "./transport.ts";

export interface PaceOptions {
  /** So many requests a second, in the long run. */
  readonly perSecond: number;
  /** So many at once, after a rest. */
  readonly burst: number;
  readonly clock: Pick<Clock, "after" | "monotonicMs">;
}

/** Holds requests down to a rate. Whoever is urgent goes before all who wait. */
export class Pace {
  readonly #options: PaceOptions;
  readonly #waiting = { urgent: new Set<() => void>(), ordinary: new Set<() => void>() };
  #tokens: number;
  #atMs: number;
  #isTimed = false;

  constructor(options: PaceOptions) {
    this.#options = options;
    this.#tokens = options.burst;
    this.#atMs = options.clock.monotonicMs();
  }

  /** Resolves when a request may be sent, or, without taking a place, with the signal. Never rejects. */
  async turn(isUrgent: boolean, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    const line = this.#waiting[isUrgent ? "urgent" : "ordinary"];
    await new Promise<void>((resolve) => {
      const end = (): void => {
        line.delete(end);
        signal?.removeEventListener("abort", end);
        resolve();
      };
      line.add(end);
      signal?.addEventListener("abort", end, { once: true });
      this.#serve();
    });
  }

  #serve(): void {
    const { perSecond, burst, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#atMs) / 1000) * perSecond);
    this.#atMs = nowMs;
    // In place: ten thousand may wait, and each who comes is served here
    for (const line of [this.#waiting.urgent, this.#waiting.ordinary]) {
      for (const go of line) {
        if (this.#tokens < 1) {
          this.#arm(((1 - this.#tokens) / perSecond) * 1000);
          return;
        }
        this.#tokens -= 1;
        go();
      }
    }
  }

  #arm(ms: number): void {
    if (this.#isTimed) return;
    this.#isTimed = true;
    this.#options.clock.after(ms, () => {
      this.#isTimed = false;
      this.#serve();
    });
  }
}

/** The same calls at this pace. What is tried again by itself waits longer, and is not counted. */
export function paced(caller: ClientTransport, pace: Pace, { isUrgent = false } = {}): ClientTransport {
  return {
    clock: caller.clock,
    chance: caller.chance,
    serverNowMs: () => caller.serverNowMs(),
    serverDoubtMs: () => caller.serverDoubtMs(),
    open: async (request) => {
      await pace.turn(isUrgent, request.signal);
      return caller.open(request);
    },
    call: async (request) => {
      await pace.turn(isUrgent, request.signal);
      return caller.call(request);
    },
  };
}
