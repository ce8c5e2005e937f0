/** Tells of new tokens, one call at a time: what comes meanwhile is told of together, once more. */
export class Notices {
  readonly #tell: () => Promise<void>;
  readonly #onFailure: (error: unknown) => void;
  #work: Promise<void> | undefined;
  #isDue = false;
  #isEnded = false;

  /** @param onFailure - Hears of each call that failed. Must not throw */
  constructor(tell: () => Promise<void>, onFailure: (error: unknown) => void) {
    this.#tell = tell;
    this.#onFailure = onFailure;
  }

  /** There is something new. */
  begin(): void {
    this.#isDue = true;
    this.#work ??= this.#tellAll();
  }

  /** Nothing more is told; waits for what is being told. Never rejects. */
  async end(): Promise<void> {
    this.#isEnded = true;
    await this.#work;
  }

  async #tellAll(): Promise<void> {
    while (this.#isDue && !this.#isEnded) {
      this.#isDue = false;
      try {
        await this.#tell();
      } catch (error) {
        this.#onFailure(error);
      }
    }
    this.#work = undefined;
  }
}
