export interface CacheLimits {
  /** The most tokens in one generation; there are two. 0: none. */
  readonly entries: number;
  /** The most characters that the tokens of one generation may have had. */
  readonly characters: number;
  /** Longer than any token lives. */
  readonly lifeMs: number;
}

/** What is remembered of a token. */
export interface Remembered {
  /** Length of the token: a measure of what its claims occupy. */
  readonly characters: number;
}

/**
 * What is remembered of tokens that one key has verified, by a digest of the token: never the token itself. Bounded: of two
 * generations the older one goes when the younger one is full or outlived, and what is asked for moves to the younger one.
 */
export class VerifiedTokens<Verified extends Remembered> {
  readonly #limits: CacheLimits;
  #young = new Map<string, Verified>();
  #old = new Map<string, Verified>();
  #characters = 0;
  #startedAtMs = Number.NEGATIVE_INFINITY;

  constructor(limits: CacheLimits) {
    this.#limits = limits;
  }

  /** Nothing is ever remembered. */
  get isOff(): boolean {
    return this.#limits.entries === 0;
  }

  /** How many tokens are remembered. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(digest: string, nowMs: number): Verified | undefined {
    const young = this.#young.get(digest);
    if (young !== undefined) return young;
    const old = this.#old.get(digest);
    if (old !== undefined) this.set(digest, old, nowMs);
    return old;
  }

  set(digest: string, verified: Verified, nowMs: number): void {
    const { entries, characters, lifeMs } = this.#limits;
    if (verified.characters > characters) return;
    const isFull = this.#young.size >= entries || this.#characters + verified.characters > characters;
    if (isFull || nowMs >= this.#startedAtMs + lifeMs) this.#turn(nowMs);
    this.#old.delete(digest);
    this.#young.set(digest, verified);
    this.#characters += verified.characters;
  }

  delete(digest: string): void {
    this.#young.delete(digest);
    this.#old.delete(digest);
  }

  #turn(nowMs: number): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#characters = 0;
    this.#startedAtMs = nowMs;
  }
}
