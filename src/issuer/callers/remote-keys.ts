import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import type { Cancel, Clock } from "../../time/clock.ts";

export interface RemoteKeysOptions {
  /** Asks the source; gives up after a time of its own. */
  readonly load: (signal: AbortSignal) => Promise<JSONWebKeySet>;
  readonly clock: Clock;
  /** Hears of each load that fails, and of the first one that works after that. */
  readonly tell: (problem: unknown) => void;
}

/** Keys are this old at most while their source answers, in milliseconds. */
export const refreshMs = 300_000;
/** From the beginning of one load to that of the next, at least, in milliseconds: whatever keys tokens name. */
export const intervalMs = 30_000;
/** So long keys are used while their source is away, in milliseconds. */
export const staleMs = 86_400_000;
/** So many tokens wait for a load that is under way; others are turned away. */
const mostWaiting = 256;

/** Why there is no key: the source is away, or does not know it. */
export class NoKeysError extends Error {}
export class UnknownKeyError extends Error {}

type LoadedKeys = ReturnType<typeof createLocalJWKSet>;

/**
 * The keys of one issuer, loaded in the background. A token whose key is known never waits; one that names another key waits for a
 * load, if one is due, and all who come meanwhile wait for the same. Each issuer has its own: nobody waits for another's source.
 */
export class RemoteKeys {
  readonly #options: RemoteKeysOptions;
  readonly #stop = new AbortController();
  #keys: LoadedKeys | undefined;
  #loadedAtMs = -Infinity;
  #beganAtMs = -Infinity;
  #loading: Promise<void> | undefined;
  #waiting = 0;
  #wasAway = false;
  #cancel: Cancel = () => undefined;

  constructor(options: RemoteKeysOptions) {
    this.#options = options;
  }

  /** Begins the first load, and goes on until {@link close}. */
  start(): void {
    void this.#load();
  }

  close(): void {
    this.#stop.abort();
    this.#cancel();
  }

  /** As jose asks for it. @throws NoKeysError, UnknownKeyError; and what jose throws for keys that are no good */
  readonly keyFor: JWTVerifyGetKey = async (header, token) => {
    const known = await this.#find(header, token);
    if (known !== undefined) return known;
    if (this.#loading !== undefined || this.#isDue()) await this.#wait();
    const now = await this.#find(header, token);
    if (now !== undefined) return now;
    throw this.#current() ? new UnknownKeyError() : new NoKeysError();
  };

  async #find(
    ...[header, token]: Parameters<JWTVerifyGetKey>
  ): Promise<Awaited<ReturnType<JWTVerifyGetKey>> | undefined> {
    try {
      return await this.#current()?.(header, token);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ERR_JWKS_NO_MATCHING_KEY") return undefined;
      throw error;
    }
  }

  /** The keys, unless their source has been away for too long. */
  #current(): LoadedKeys | undefined {
    return this.#options.clock.monotonicMs() - this.#loadedAtMs < staleMs ? this.#keys : undefined;
  }

  #isDue(): boolean {
    return this.#options.clock.monotonicMs() - this.#beganAtMs >= intervalMs && !this.#stop.signal.aborted;
  }

  async #wait(): Promise<void> {
    if (this.#waiting >= mostWaiting) throw new NoKeysError();
    this.#waiting++;
    await this.#load();
    this.#waiting--;
  }

  /** Never rejects. */
  #load(): Promise<void> {
    this.#loading ??= this.#loadOnce().finally(() => (this.#loading = undefined));
    return this.#loading;
  }

  async #loadOnce(): Promise<void> {
    const { load, clock, tell } = this.#options;
    this.#cancel();
    this.#beganAtMs = clock.monotonicMs();
    let nextMs = intervalMs;
    try {
      this.#keys = createLocalJWKSet(await load(this.#stop.signal));
      this.#loadedAtMs = clock.monotonicMs();
      nextMs = refreshMs;
      if (this.#wasAway) tell(undefined);
      this.#wasAway = false;
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#wasAway = true;
      tell(error);
    }
    if (!this.#stop.signal.aborted) this.#cancel = clock.after(nextMs, () => void this.#load());
  }
}
