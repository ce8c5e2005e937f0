import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import { Refreshed, type RefreshedOptions } from "../../time/refreshed.ts";

export interface RemoteKeysOptions extends Pick<RefreshedOptions<unknown>, "clock" | "tell"> {
  /** Asks the source; gives up after a time of its own. */
  readonly load: (signal: AbortSignal) => Promise<JSONWebKeySet>;
}

/** Keys are this old at most while their source answers, in milliseconds. */
export const refreshMs = 300_000;
/** From the beginning of one load to that of the next, at least, in milliseconds: whatever keys tokens name. */
export const intervalMs = 30_000;
/** So long keys are used while their source is away, in milliseconds. */
export const staleMs = 86_400_000;

/** Why there is no key: the source is away, or does not know it. */
export class NoKeysError extends Error {}
export class UnknownKeyError extends Error {}

type LoadedKeys = ReturnType<typeof createLocalJWKSet>;

/**
 * The keys of one issuer, loaded in the background. A token whose key is known never waits; one that names another key waits for a
 * load, if one is due. Each issuer has its own: nobody waits for another's source.
 */
export class RemoteKeys {
  readonly #keys: Refreshed<LoadedKeys>;

  constructor({ load, ...rest }: RemoteKeysOptions) {
    this.#keys = new Refreshed({
      ...rest,
      ...{ intervalMs, staleMs },
      load: async (signal) => ({ value: createLocalJWKSet(await load(signal)), refreshMs }),
    });
  }

  /** Begins the first load, and goes on until {@link close}. */
  start(): void {
    void this.#keys.start();
  }

  close(): void {
    this.#keys.close();
  }

  /** As jose asks for it. @throws NoKeysError, UnknownKeyError; and what jose throws for keys that are no good */
  readonly keyFor: JWTVerifyGetKey = async (header, token) => {
    const known = await this.#find(header, token);
    if (known !== undefined) return known;
    if ((await this.#keys.again()) === "crowded") throw new NoKeysError();
    const now = await this.#find(header, token);
    if (now !== undefined) return now;
    throw this.#keys.current() ? new UnknownKeyError() : new NoKeysError();
  };

  async #find(
    ...[header, token]: Parameters<JWTVerifyGetKey>
  ): Promise<Awaited<ReturnType<JWTVerifyGetKey>> | undefined> {
    try {
      return await this.#keys.current()?.(header, token);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ERR_JWKS_NO_MATCHING_KEY") return undefined;
      throw error;
    }
  }
}
