import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from "jose";
import { jwksPath } from "../../../src/jwt/public-paths.ts";

/**
 * A verifier that knows nothing but the JWKS, as stale as HTTP allows: a copy is used for its whole max-age, counted from the request
 * (RFC 9111 §4.2.3), also for a kid that it does not have.
 */
export class CachedJwks {
  readonly #url: string;
  #copy: { readonly keys: ReturnType<typeof createLocalJWKSet>; readonly freshUntilMs: number } | undefined;

  constructor(address: string) {
    this.#url = `${address}${jwksPath}`;
  }

  /** `valid`, `expired`, `unknown kid`, or the verifier's own words. */
  async verdictOn(token: string): Promise<string> {
    try {
      await jwtVerify(token, await this.#keys(), { issuer: "https://issuer.example", audience: "api", typ: "at+jwt" });
      return "valid";
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return "unknown kid";
      if (error instanceof errors.JWTExpired) return "expired";
      return String(error);
    }
  }

  async #keys(): Promise<ReturnType<typeof createLocalJWKSet>> {
    if (this.#copy && Date.now() < this.#copy.freshUntilMs) return this.#copy.keys;
    const sentAtMs = Date.now();
    const answer = await fetch(this.#url);
    if (!answer.ok) throw new Error(`the JWKS is answered with ${answer.status}`);
    const keys = createLocalJWKSet((await answer.json()) as JSONWebKeySet);
    const maxAge = /max-age=(\d+)/.exec(answer.headers.get("cache-control") ?? "")?.[1] ?? "0";
    this.#copy = { keys, freshUntilMs: sentAtMs + Number(maxAge) * 1000 };
    return keys;
  }
}
