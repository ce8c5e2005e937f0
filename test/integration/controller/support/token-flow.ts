import { createLocalJWKSet, importJWK, jwtVerify, SignJWT, type JSONWebKeySet, type JWK } from "jose";
import { onTestFinished } from "vitest";
import { admin } from "../../support/scene.ts";
import type { RotationHandle } from "./scene.ts";

interface Minted {
  readonly kid: string;
  readonly token: string;
}

/**
 * Applications beside a rotation: with each change of what is published one signs with the signer Secret, and another verifies every
 * token that there was so far, none of which has ended, with the JWKS.
 */
export class TokenFlow {
  /** Tokens that should have been accepted, and were not: by kid, with what jose says. */
  readonly refused: string[] = [];
  readonly #rotation: RotationHandle;
  readonly #tokens: Minted[] = [];
  readonly #revoked = new Set<string>();
  readonly #stop = new AbortController();
  #last: Promise<void> = Promise.resolve();
  #trouble: Error | undefined;

  /** Begins with a token. It ends with the test, at the latest. */
  static async start(rotation: RotationHandle): Promise<TokenFlow> {
    const flow = new TokenFlow(rotation);
    await flow.#next();
    const watches = (["signer", "public"] as const).map((role) => flow.#follow(rotation.objectPath(role)));
    onTestFinished(async () => {
      flow.#stop.abort();
      await Promise.all(watches);
    });
    return flow;
  }

  private constructor(rotation: RotationHandle) {
    this.#rotation = rotation;
  }

  /** From now on tokens of this key may be refused. */
  revokes(kid: string): void {
    this.#revoked.add(kid);
  }

  /** Mints and verifies once more. @returns how many tokens there were; @throws what kept it from looking */
  async settled(): Promise<number> {
    await this.#next();
    if (this.#trouble !== undefined) throw this.#trouble;
    return this.#tokens.length;
  }

  /** How many tokens of the key are accepted now. */
  async accepted(kid: string): Promise<number> {
    const jwks = await this.#jwks();
    const own = this.#tokens.filter((one) => one.kid === kid);
    const verdicts = await Promise.all(own.map(({ token }) => complaint(token, jwks)));
    return verdicts.filter((one) => one === undefined).length;
  }

  async #follow(path: string): Promise<void> {
    const cut = path.lastIndexOf("/");
    const watched = `${path.slice(0, cut)}?fieldSelector=metadata.name=${path.slice(cut + 1)}`;
    try {
      for await (const event of admin.watch(watched, this.#stop.signal))
        if (event.type !== "BOOKMARK") void this.#next();
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#notice(error);
    }
  }

  #notice(error: unknown): void {
    this.#trouble ??= error instanceof Error ? error : new Error(String(error));
  }

  /** One after the other. */
  #next(): Promise<void> {
    this.#last = this.#last.then(() => this.#look()).catch((error: unknown) => this.#notice(error));
    return this.#last;
  }

  async #look(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#tokens.push(await this.#mint());
    const jwks = await this.#jwks();
    for (const { kid, token } of this.#tokens.filter((one) => !this.#revoked.has(one.kid))) {
      const why = await complaint(token, jwks);
      if (why !== undefined) this.refused.push(`${kid}: ${why}`);
    }
  }

  async #mint(): Promise<Minted> {
    const { "private-jwks.json": text = "" } = await this.#rotation.data("signer");
    const [key] = (JSON.parse(text) as { keys: (JWK & { kid: string; alg: string })[] }).keys;
    if (key === undefined) throw new Error("there is no signer");
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: key.alg, kid: key.kid })
      .setIssuedAt()
      .setExpirationTime("10m")
      .sign(await importJWK(key, key.alg));
    return { kid: key.kid, token };
  }

  async #jwks(): Promise<JSONWebKeySet> {
    const { "jwks.json": text = "" } = await this.#rotation.data("public");
    return JSON.parse(text) as JSONWebKeySet;
  }
}

/** Why jose refuses the token; undefined: it takes it. */
const complaint = (token: string, jwks: JSONWebKeySet): Promise<string | undefined> =>
  jwtVerify(token, createLocalJWKSet(jwks)).then(
    () => undefined,
    (error: unknown) => String(error),
  );
