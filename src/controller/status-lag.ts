import { Gauge, type Registry } from "prom-client";
import { type RotationRef, rotationName } from "../ring/ring.ts";

/** How long statuses have been behind their rings. */
export class StatusLag {
  /** Since when a status is behind its ring, in Unix milliseconds. */
  readonly #sinceMs = new Map<string, number>();

  constructor(registry: Registry, nowMs: () => number) {
    const lag: Gauge = new Gauge({
      name: "keyturn_status_lag_seconds",
      help: "How long the status that is furthest behind its ring has been so; 0: none is",
      registers: [registry],
      collect: (): void => lag.set(this.#longestMs(nowMs()) / 1000),
    });
  }

  #longestMs(nowMs: number): number {
    return [...this.#sinceMs.values()].reduce((most, sinceMs) => Math.max(most, nowMs - sinceMs), 0);
  }

  /** The ring was written, and its status says so later: after a pass that writes nothing. */
  behind(ref: RotationRef, nowMs: number): void {
    const key = rotationName(ref);
    if (!this.#sinceMs.has(key)) this.#sinceMs.set(key, nowMs);
  }

  /** The status says what there is, or is gone. */
  reported(ref: RotationRef): void {
    this.#sinceMs.delete(rotationName(ref));
  }

  /** Somebody else leads, and reports. */
  forgetAll(): void {
    this.#sinceMs.clear();
  }
}
