import type { Step } from "../../ring/plan.ts";
import type { View } from "../../ring/view.ts";

/** Whoever waits without a limit of their own gives up after this time in which nothing came that helps, in milliseconds. */
const patienceMs = 600_000;

export interface PatienceOptions {
  /** Unix milliseconds. */
  readonly nowMs: number;
  /** The step that is waited for; absent when any may help. */
  readonly about?: Step["type"];
}

/**
 * How long to wait when nobody said: until {@link patienceMs} after the last change of the ring, or after the instant for which
 * the step is foreseen, whichever is later. A schedule may take its month; a gateway or a controller that is gone may not.
 */
export class Patience {
  readonly #about: Step["type"] | undefined;
  readonly #end = new AbortController();
  #generation: number | undefined;
  #sinceMs: number;

  constructor({ nowMs, about }: PatienceOptions) {
    this.#about = about;
    this.#sinceMs = nowMs;
  }

  /** Fires when it has ended. */
  get end(): AbortSignal {
    return this.#end.signal;
  }

  look(view: View, nowMs: number): void {
    const generation = view.ring?.generation;
    if (generation !== this.#generation || this.#isForeseen(view)) this.#sinceMs = nowMs;
    this.#generation = generation;
    this.missed(nowMs);
  }

  /** Time passes, and nothing could be seen. */
  missed(nowMs: number): void {
    if (nowMs - this.#sinceMs >= patienceMs) this.#end.abort();
  }

  /** It is to come, and not yet: gateways are supposed to answer at once, so none is waited for without an end. */
  #isForeseen({ forecast, nowMs }: View): boolean {
    const next = forecast.find(
      ({ steps }) => this.#about === undefined || steps.some(({ type }) => type === this.#about),
    );
    return next !== undefined && next.atMs > nowMs;
  }
}
