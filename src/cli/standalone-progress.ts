import { hasProgressed, type PassReport } from "../keeper/pass.ts";
import { rotationLine } from "../standalone/rotation-line.ts";
import type { StandaloneOptions } from "../standalone/run-standalone.ts";
import type { ServiceManager } from "./service-manager.ts";

export interface ProgressParts extends Pick<StandaloneOptions, "log"> {
  readonly version: string;
  readonly dir: string;
  /** Something is served. */
  readonly listens: boolean;
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
    const { signer, text } = rotationLine(report);
    if (!this.#hasBegun) this.#begin(signer, text);
    this.#hasBegun = true;
    this.#parts.manager?.ready(text);
  }

  #begin(signer: string | undefined, text: string): void {
    const { version, dir, listens, log } = this.#parts;
    log.info({ version, dir, signer }, `keyturn ${version} keeps the keys in ${dir}: ${text}`);
    if (listens) return;
    log.info({}, "nothing listens: --metrics-listen serves metrics and health, --gateway the JWKS");
  }

  /** For who has a readiness of its own beside the rotation, a line each. */
  readonly remarks = (): readonly string[] => (this.#refused === undefined ? [] : [`settings: ${this.#refused}`]);
}
