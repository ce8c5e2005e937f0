/** Tokens that were exchanged, by issuer and `jti`, until they end by themselves. Of one process, and bounded. */
export class SingleUse {
  readonly #most: number;
  /** Until when, in Unix milliseconds. */
  readonly #used = new Map<string, number>();

  /** @param most - So many are remembered */
  constructor(most = 100_000) {
    this.#most = most;
  }

  /** Uses it: `used` when it was before. `full` when no more can be remembered: then nothing is forgotten, and nobody let in. */
  use(
    { issuer, jti, untilMs }: { issuer: string; jti: string; untilMs: number },
    nowMs: number,
  ): "first" | "used" | "full" {
    const name = JSON.stringify([issuer, jti]);
    const before = this.#used.get(name);
    if (before !== undefined && nowMs < before) return "used";
    if (before === undefined && this.#used.size >= this.#most && !this.#makeRoom(nowMs)) return "full";
    this.#used.set(name, untilMs);
    return "first";
  }

  /** Looks at all of them, so it is done when there is no room alone. */
  #makeRoom(nowMs: number): boolean {
    for (const [name, untilMs] of this.#used) if (untilMs <= nowMs) this.#used.delete(name);
    return this.#used.size < this.#most;
  }
}
