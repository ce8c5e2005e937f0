interface Takeover {
  readonly atMs: number;
  /** It could not wait until everybody knew it. */
  readonly isEmergency: boolean;
}

/** So long after a recovery was asked for, a key may take over at once. */
const recoveryMs = 60_000;

/**
 * Which key took over when, as tokens show it, and who has said to know it. A key that had to take over at once, because the
 * signer was revoked or a person asked for a recovery, can't be known everywhere yet.
 */
export class Takeovers {
  readonly #isRevoked: (kid: string) => boolean;
  readonly #byKid = new Map<string, Takeover>();
  /** `gateway kid` → when the judge saw an ack of it. */
  readonly #known = new Map<string, number>();
  #lastKid: string | undefined;
  #recoveringSinceMs = -Infinity;

  constructor(isRevoked: (kid: string) => boolean) {
    this.#isRevoked = isRevoked;
  }

  minted(kid: string): void {
    const atMs = Date.now();
    if (!this.#byKid.has(kid)) {
      const fromRevoked = this.#lastKid !== undefined && this.#isRevoked(this.#lastKid);
      const isEmergency = fromRevoked || atMs < this.#recoveringSinceMs + recoveryMs;
      this.#byKid.set(kid, { atMs, isEmergency });
    }
    this.#lastKid = kid;
  }

  recovering(): void {
    this.#recoveringSinceMs = Date.now();
  }

  acknowledged(gateway: string, verifies: readonly string[]): void {
    for (const kid of verifies) {
      const pair = `${gateway} ${kid}`;
      if (!this.#known.has(pair)) this.#known.set(pair, Date.now());
    }
  }

  /** Whether this gateway, as it was then, need not have known the key. */
  mayBeUnknown(kid: string, gateway: string, asOfMs: number): boolean {
    const takeover = this.#byKid.get(kid);
    if (takeover?.isEmergency !== true) return false;
    return asOfMs < (this.#known.get(`${gateway} ${kid}`) ?? Infinity);
  }
}
