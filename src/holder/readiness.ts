import { Checks, type HealthReport } from "../telemetry/health.ts";
import type { Moment } from "../time/clock.ts";
import { copyLife, silenceMs } from "./freshness.ts";
import type { HolderState } from "./state.ts";
import { problemsOf, whyNotReady } from "./state-view.ts";

/**
 * `/readyz` of a gateway. What is wrong with a source while a good ring goes on is told in a line of its own, and is no
 * reason to take traffic away: all replicas read the same sources.
 */
export class HolderReadiness extends Checks {
  readonly #state: () => HolderState;
  readonly #remarks: () => readonly string[];

  /**
   * @param ending - Aborted when no more traffic is to come
   * @param remarks - What else is to be told, a line each
   */
  constructor(state: () => HolderState, ending: AbortSignal, remarks: () => readonly string[] = () => []) {
    super();
    this.#remarks = remarks;
    this.#state = state;
    this.add("shutdown", () => (ending.aborted ? "the process is ending" : undefined));
    this.add("ring", () => whyNotReady(state()));
  }

  override judge(endpoint: string): HealthReport {
    const { isWell, text } = super.judge(endpoint);
    const now = this.#state();
    const notes = [
      ...(now.degraded ? ["degraded: ready without its source of truth"] : []),
      ...problemsOf(now),
      ...this.#remarks(),
    ];
    return { isWell, text: isWell ? notes.map((note) => `[!]${note}\n`).join("") + text : text };
  }
}

/** It is asked every 20 s at the latest. */
const longestSilenceMs = 30_000;

/** A line for {@link HolderReadiness} when the source of truth was not heard for long. */
export function silenceOf(state: HolderState, now: Moment): readonly string[] {
  const silentMs = silenceMs(state, now);
  if (silentMs <= longestSilenceMs) return [];
  const seconds = Math.floor(silentMs / 1000);
  return [`the source of truth was heard ${seconds} s ago${copyLife(state, now).kind === "none" ? ": no JWKS" : ""}`];
}
