import { hasProgressed, type PassReport } from "../keeper/pass.ts";
import { standingOf } from "../standalone/standing.ts";
import type { Log } from "../telemetry/log.ts";
import type { ServiceManager } from "./service-manager.ts";

export interface ProgressParts {
  readonly version: string;
  readonly dir: string;
  readonly log: Log;
  readonly manager: Pick<ServiceManager, "ready"> | undefined;
}

/** What the command tells of how its rotation gets on: once in the log, and always to who started it. */
export class StandaloneProgress {
  readonly #parts: ProgressParts;
  #hasBegun = false;
  #refused: string | undefined;

  constructor(parts: ProgressParts) {
    this.#parts = parts;
  }

  /** After a pass that did not fail. */
  pass(report: PassReport): void {
    this.#refused = report.seen.observation.refused?.message;
    // What this pass did is seen by the next one only; what it could not write is no good begin
    if (hasProgressed(report) || report.unwritten.length > 0) return;
    const { version, dir, log, manager } = this.#parts;
    const { signer, text } = standingOf(report);
    if (!this.#hasBegun) log.info({ version, dir, signer }, `keyturn ${version} keeps the keys in ${dir}: ${text}`);
    this.#hasBegun = true;
    manager?.ready(text);
  }

  /** For who has a readiness of its own beside the rotation, a line each. */
  readonly remarks = (): readonly string[] => (this.#refused === undefined ? [] : [`settings: ${this.#refused}`]);
}
