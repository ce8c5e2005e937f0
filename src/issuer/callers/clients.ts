import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Client } from "../config/token-issuer.ts";
import { type ClientCaller, type RefusedCaller, refusedCaller } from "./caller.ts";
import type { ShownSecret } from "./callers.ts";
import { isOfSecret, type ScryptCost, type ScryptHash } from "./scrypt-hash.ts";
import { Turns } from "./turns.ts";

/** A secret as its file had it. */
export type StoredSecret = { readonly plain: string } | { readonly scrypt: ScryptHash };

/** More is no secret: nobody's hash is made of it. In UTF-16 units. */
export const longestSecret = 1024;

interface KnownClient {
  readonly client: Client;
  /** HMACs of secrets that are good: those that the file has, and those that were found good by their hash. */
  readonly good: Buffer[];
  readonly hashes: readonly ScryptHash[];
}

export interface HashingOptions {
  /** Takes as long as the hash costs, whatever the answer. @default {@link isOfSecret} */
  readonly compare?: typeof isOfSecret;
  /** Bounds what is hashed at once. @default two at a time in the whole process, and 64 that wait */
  readonly turns?: Pick<Turns, "take">;
}

/** Two at a time take 64 MiB and two of the four threads that Node.js has for files and names, too. */
const hashing = new Turns({ atOnce: 2, waiting: 64 });

/**
 * Clients and their secrets. Whether a client is not known or its secret wrong shows neither in the answer nor in its time: both are
 * compared with as many hashes of the same costs, made-up ones where there are none. A secret that was found good is remembered as an
 * HMAC under a key of this object's own, so that it costs a hash once. No secret itself is kept.
 */
export class Clients {
  readonly #key = randomBytes(32);
  readonly #known: ReadonlyMap<string, KnownClient>;
  /** The hashes that each refusal takes: for every cost as many as the client that has most of it. */
  readonly #toll: readonly ScryptHash[];
  readonly #hashing: Required<HashingOptions>;

  constructor(
    clients: readonly (readonly [client: Client, secrets: readonly StoredSecret[]])[],
    { compare = isOfSecret, turns = hashing }: HashingOptions = {},
  ) {
    this.#hashing = { compare, turns };
    const known = clients.map(([client, secrets]): readonly [string, KnownClient] => {
      const good = secrets.flatMap((one) => ("plain" in one ? [this.#digest(one.plain)] : []));
      return [client.id, { client, good, hashes: secrets.flatMap((one) => ("scrypt" in one ? [one.scrypt] : [])) }];
    });
    this.#known = new Map(known);
    this.#toll = tollOf(known.map(([, { hashes }]) => hashes));
  }

  async authenticate({ id, secret }: ShownSecret): Promise<ClientCaller | RefusedCaller> {
    const known = this.#known.get(id);
    if (secret.length > longestSecret) return wrong;
    const digest = this.#digest(secret);
    if (known && isAmong(known.good, digest)) return callerOf(known.client);
    if (this.#toll.length === 0) return wrong;
    const isGood = await this.#hashing.turns.take(() => this.#isAnyOf(known?.hashes ?? [], secret));
    if (isGood === undefined)
      return refusedCaller("temporarily_unavailable", "busy", "must be asked again later: too many ask at once");
    if (!isGood || !known) return wrong;
    // As many as there are hashes, and once each: two answers at once must not fill it
    if (!isAmong(known.good, digest)) known.good.push(digest);
    return callerOf(known.client);
  }

  /** One after the other, in a turn of its own; made-up ones in the place of real ones that are not there, until the whole toll is paid. */
  async #isAnyOf(hashes: readonly ScryptHash[], secret: string): Promise<boolean> {
    const left = [...hashes];
    let isGood = false;
    for (const madeUp of this.#toll) {
      const at = left.findIndex(({ cost }) => isSame(cost, madeUp.cost));
      const [real = madeUp] = at < 0 ? [] : left.splice(at, 1);
      const fits = await this.#hashing.compare(real, secret);
      isGood ||= fits && real !== madeUp;
    }
    return isGood;
  }

  #digest(secret: string): Buffer {
    return createHmac("sha256", this.#key).update(secret).digest();
  }
}

const wrong = refusedCaller("invalid_client", "client", "must be a client that is known, with its secret");

const callerOf = ({ id: clientId, subject, allowed }: Client): ClientCaller => ({
  kind: "client",
  ...{ clientId, subject, allowed },
  claims: {},
});

/** Looks at all of them, whichever it is. */
const isAmong = (digests: readonly Buffer[], digest: Buffer): boolean =>
  digests.map((one) => timingSafeEqual(one, digest)).includes(true);

/** For every cost as many made-up hashes as the client has that has most of them. */
function tollOf(all: readonly (readonly ScryptHash[])[]): readonly ScryptHash[] {
  const costs: ScryptCost[] = [];
  for (const hashes of all) {
    const left = [...costs];
    for (const { cost } of hashes) {
      const at = left.findIndex((one) => isSame(one, cost));
      if (at < 0) costs.push(cost);
      else left.splice(at, 1);
    }
  }
  return costs.map((cost) => ({ cost, salt: randomBytes(16), hash: randomBytes(32) }));
}

const isSame = (a: ScryptCost, b: ScryptCost): boolean => a.ln === b.ln && a.r === b.r && a.p === b.p;
