import type { Log } from "../../telemetry/log.ts";
import type { CallOutcome } from "./upstream-call.ts";

/** Says once that an upstream can't be reached, and once that it can be again; what else goes wrong there is each application's to see. */
export class UpstreamReach {
  readonly #log: Log;
  /** Of the log's lines. */
  readonly #fields: object;
  #isAway = false;
  #losses = 0;

  constructor(log: Log, fields: object) {
    this.#log = log;
    this.#fields = fields;
  }

  /** How often it went away; a call remembers it from its beginning. */
  get losses(): number {
    return this.#losses;
  }

  /** What came of a call that nobody has given up. @param losses - At its beginning: one that was answered late says nothing of now */
  heard(outcome: CallOutcome, losses: number): void {
    if (outcome.kind === "failed") this.#failed(outcome.failure);
    else if (this.#isAway && losses === this.#losses) {
      this.#isAway = false;
      this.#log.info(this.#fields, "the upstream is back");
    }
  }

  #failed({ wasConnected, why }: Extract<CallOutcome, { kind: "failed" }>["failure"]): void {
    if (wasConnected || this.#isAway) return;
    this.#isAway = true;
    this.#losses += 1;
    this.#log.warn({ ...this.#fields, why }, "the upstream can't be reached");
  }
}
