import type { PublicJwk } from "../ring/jwk.ts";
import type { Kid } from "../ring/key.ts";
import { keysOf, type Ring } from "../ring/ring.ts";
import { headerPart, readHeader, tokenTypes, type TokenType } from "./header.ts";
import { isSameKey, verifyingKey, type KeyInput, type VerifyingKey } from "./verifying-key.ts";
import type { RefusalReason } from "./reasons.ts";

/** A ring that was opened and proved, with the public half of every key. */
export interface PublicRing {
  readonly ring: Ring;
  readonly publicJwks: ReadonlyMap<Kid, PublicJwk>;
}

/** A header that names a key of the ring and its algorithm. */
export interface KnownHeader {
  readonly key: VerifyingKey;
  readonly type: TokenType | undefined;
}

/** The keys of a ring, and the headers that lead to them. */
export class Keys {
  readonly byKid: ReadonlyMap<Kid, VerifyingKey>;
  readonly #revoked: ReadonlySet<Kid>;
  readonly #known: Map<string, KnownHeader>;
  readonly #mostKnown: number;

  constructor(keys: readonly VerifyingKey[], revoked: ReadonlySet<Kid>) {
    this.byKid = new Map(keys.map((key) => [key.kid, key]));
    this.#revoked = revoked;
    this.#known = new Map(keys.flatMap(headersOf));
    this.#mostKnown = this.#known.size + learnedHeaders;
  }

  /** What the first part of a token says, where it was read before. */
  known(part: string): KnownHeader | undefined {
    return this.#known.get(part);
  }

  /** What the first part of a token says; or why the token is refused for it. */
  read(part: string): KnownHeader | RefusalReason {
    const header = readHeader(part);
    if (typeof header === "string") return header;
    const { kid, alg, type } = header;
    if (this.#revoked.has(kid)) return "KeyRevoked";
    const key = this.byKid.get(kid);
    if (key === undefined) return "KidUnknown";
    return alg === key.profile.algorithm ? { key, type } : "AlgorithmMismatch";
  }

  /** Other minters write their headers otherwise: those of good tokens need not be read again. Bounded; the first ones stay. */
  learn(part: string, header: KnownHeader): void {
    if (this.#known.size < this.#mostKnown && part.length <= longestLearned) this.#known.set(part, header);
  }
}

const learnedHeaders = 64;
/** In characters; a usual header has about 110. */
const longestLearned = 512;

/** The headers that our own minter writes. */
const headersOf = (key: VerifyingKey): readonly (readonly [string, KnownHeader])[] =>
  tokenTypes.map((type) => [headerPart(key.profile.algorithm, type, key.kid), { key, type }]);

/** What a key remembers stays with it as long as it stays the same key. */
export function verifyingKeys(
  of: PublicRing,
  previous: ReadonlyMap<Kid, VerifyingKey>,
  options: Pick<KeyInput, "cacheEntries" | "signatures">,
): readonly VerifyingKey[] {
  // The minter's clock may be wrong by the skew one way, and this one the other way
  const leewayMs = 2 * of.ring.settings.clockSkewMs;
  return keysOf(of.ring).flatMap(({ kid, profile }) => {
    const publicJwk = of.publicJwks.get(kid);
    if (publicJwk === undefined) return [];
    const input: KeyInput = { kid, profile, publicJwk, leewayMs, ...options };
    const before = previous.get(kid);
    return before !== undefined && isSameKey(before, input) ? [before] : [verifyingKey(input)];
  });
}
