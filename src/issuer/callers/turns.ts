export interface TurnsOptions {
  /** So many go on at once. */
  readonly atOnce: number;
  /** So many wait for their turn; the next one is turned away. */
  readonly waiting: number;
}

/** Work that is bounded, so that a flood of it is turned away and leaves everything else alone. First come, first served. */
export class Turns {
  readonly #options: TurnsOptions;
  readonly #queue: (() => void)[] = [];
  #running = 0;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /** What the work comes to; undefined, at once, when too many wait. */
  async take<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { atOnce, waiting } = this.#options;
    if (this.#running < atOnce) this.#running++;
    else if (this.#queue.length >= waiting) return undefined;
    else await this.#queued();
    try {
      return await work();
    } finally {
      const next = this.#queue.shift();
      if (next) next();
      else this.#running--;
    }
  }

  /** Whoever ends hands his turn over: nobody who comes in between can take it. */
  #queued(): Promise<void> {
    return new Promise((begin) => {
      this.#queue.push(begin);
    });
  }
}
