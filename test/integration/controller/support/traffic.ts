import { createLocalJWKSet, importJWK, jwtVerify, SignJWT, type JSONWebKeySet, type JWK } from "jose";
import { onTestFinished } from "vitest";
import type { RotationHandle } from "./scene.ts";

interface Outstanding {
  readonly token: string;
  readonly kid: string;
  readonly expiresAtSeconds: number;
}

/**
 * An application and its clients, with jose alone: tokens are minted with the Secret, and each is presented again and again
 * until it ends to a verifier that knows the ConfigMap's JWKS.
 */
export class Traffic {
  minted = 0;
  verified = 0;
  /** Of tokens of keys that were given up, as they must be. */
  rightlyRefused = 0;
  readonly refused: string[] = [];
  readonly kids = new Set<string>();
  readonly #rotation: RotationHandle;
  readonly #ttlSeconds: number;
  readonly #givenUp = new Set<string>();
  #outstanding: readonly Outstanding[] = [];

  constructor(rotation: RotationHandle, ttlSeconds: number) {
    this.#rotation = rotation;
    this.#ttlSeconds = ttlSeconds;
  }

  /** Runs until the function it returns is called, at the end of the test at the latest. */
  start(): () => Promise<void> {
    const stop = new AbortController();
    const ended = this.#run(stop.signal);
    const end = async (): Promise<void> => {
      stop.abort();
      await ended;
    };
    onTestFinished(end);
    return end;
  }

  /** From now on its tokens need not verify. */
  giveUp(kid: string): void {
    this.#givenUp.add(kid);
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#mint();
      await this.#present();
    }
  }

  async #mint(): Promise<void> {
    const { "private-jwks.json": text = "" } = await this.#rotation.data("signer");
    const [signer] = (JSON.parse(text) as { keys: (JWK & { kid: string; alg: string })[] }).keys;
    if (signer?.d === undefined) return;
    const { kid, alg } = signer;
    const issuedAtSeconds = Math.floor(Date.now() / 1000);
    const expiresAtSeconds = issuedAtSeconds + this.#ttlSeconds;
    const token = await new SignJWT({ sub: "somebody" })
      .setProtectedHeader({ alg, kid, typ: "JWT" })
      .setIssuedAt(issuedAtSeconds)
      .setExpirationTime(expiresAtSeconds)
      .sign(await importJWK(signer, alg));
    this.minted += 1;
    this.kids.add(kid);
    this.#outstanding = [...this.#outstanding, { token, kid, expiresAtSeconds }];
  }

  async #present(): Promise<void> {
    const { "jwks.json": text = "" } = await this.#rotation.data("public");
    const jwks = createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
    const now = new Date();
    this.#outstanding = this.#outstanding.filter((one) => one.expiresAtSeconds * 1000 > now.getTime());
    for (const { token, kid } of this.#outstanding) {
      const mustVerify = !this.#givenUp.has(kid);
      try {
        await jwtVerify(token, jwks, { currentDate: now });
        this.verified += 1;
      } catch (error) {
        if (mustVerify) this.refused.push(`${kid}: ${String(error)}`);
        else this.rightlyRefused += 1;
      }
    }
  }
}
