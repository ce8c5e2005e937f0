import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from "jose";
import type { Answer, Token } from "./ledger.ts";

/** What a JWKS server answered. */
export interface Served {
  readonly body: string;
  readonly cacheControl: string;
  /** Who answered. */
  readonly from: string;
}

export interface Expectations {
  readonly issuer: string;
  readonly audience: string;
  readonly clockSkewSeconds: number;
}

/**
 * A copy of the JWKS as a CDN or a library holds it: for as long as `Cache-Control` allows, to the last moment, and
 * without a look in between for a kid that it does not know. jose verifies.
 */
export class JwksCopy {
  readonly name: string;
  readonly #expects: Expectations;
  readonly #fetch: () => Promise<Served | undefined>;
  #keys: ReturnType<typeof createLocalJWKSet> | undefined;
  #freshUntilMs = 0;
  #copied: Answer["copied"] & object = { atMs: 0, from: "" };

  /** @param fetch - undefined: nobody answers */
  constructor(name: string, expects: Expectations, fetch: () => Promise<Served | undefined>) {
    this.name = name;
    this.#expects = expects;
    this.#fetch = fetch;
  }

  /** Asks for another copy if this one is stale. @returns whether there is one to verify with */
  async refresh(): Promise<boolean> {
    if (Date.now() < this.#freshUntilMs) return true;
    const askedAtMs = Date.now();
    const served = await this.#fetch();
    if (served === undefined) return false;
    this.#keys = createLocalJWKSet(JSON.parse(served.body) as JSONWebKeySet);
    this.#copied = { atMs: askedAtMs, from: served.from };
    // Age counts from the answer, as with a cache that has no clock of the server
    this.#freshUntilMs = Date.now() + maxAgeMs(served.cacheControl);
    return true;
  }

  /** What it says of a token now. */
  async verify(token: Token): Promise<Answer> {
    const askedAtMs = Date.now();
    const { issuer, audience, clockSkewSeconds: clockTolerance } = this.#expects;
    const keys = this.#keys;
    if (keys === undefined) throw new Error("there is no copy yet");
    const refused = await jwtVerify(token.text, keys, { issuer, audience, clockTolerance }).then(
      () => undefined,
      (error: unknown) => (error instanceof errors.JOSEError ? error.code : String(error)),
    );
    const times = { by: this.name, askedAtMs, answeredAtMs: Date.now(), copied: this.#copied };
    return refused === undefined ? { ...times, says: "accepts" } : { ...times, says: "refuses", why: refused };
  }
}

function maxAgeMs(cacheControl: string): number {
  if (/\bno-store\b/.test(cacheControl)) return 0;
  return Number(/\bmax-age=(\d+)/.exec(cacheControl)?.[1] ?? 0) * 1000;
}
