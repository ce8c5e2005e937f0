/** Why nothing is heard of the source now: a few words for people that go on after its name, and never quote what it said. */
export class SourceAwayError extends Error {
  /** How long it asks to wait, in milliseconds. */
  readonly retryAfterMs: number;

  constructor(problem: string, retryAfterMs = 0) {
    super(problem);
    this.retryAfterMs = retryAfterMs;
  }
}
