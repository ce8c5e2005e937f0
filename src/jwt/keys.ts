import type { PublicJwk } from "../ring/jwk.ts";
import { isSameAlgorithm, type Kid } from "../ring/key.ts";
import { keysOf, type Ring } from "../ring/ring.ts";
import { headerPart, mediaType, readHeader, tokenTypes } from "./header.ts";
import { isSameKey, verifyingKey, type KeyInput, type TrustedKey, type VerifyingKey } from "./verifying-key.ts";
import type { RefusalReason } from "./reasons.ts";

/** A ring that was opened and proved, with the public half of every key. */
export interface PublicRing {
  readonly ring: Ring;
  readonly publicJwks: ReadonlyMap<Kid, PublicJwk>;
}

/** A header that names a key and its algorithm. */
export interface KnownHeader {
  readonly key: VerifyingKey;
  readonly type: string | undefined;
}

/** A header that was read before. */
interface Learned extends KnownHeader {
  /** What the header's text is. */
  readonly part: string;
}

/** The keys that are trusted, and the headers that lead to them. */
export class Keys {
  readonly byKid: ReadonlyMap<Kid, VerifyingKey>;
  readonly #revoked: ReadonlySet<Kid>;
  readonly #known: Map<string, Learned>;
  readonly #mostKnown: number;
  /** Found last: most tokens in a row have one signer, and to compare costs less than to look up. */
  #latest: Learned | undefined;

  constructor(keys: readonly VerifyingKey[], revoked: ReadonlySet<Kid>) {
    this.byKid = new Map(keys.map((key) => [key.kid, key]));
    this.#revoked = revoked;
    this.#known = new Map(keys.flatMap(headersOf));
    this.#mostKnown = this.#known.size + learnedHeaders;
  }

  /** What the first part of a token says, where it was read before. */
  known(part: string): KnownHeader | undefined {
    if (part === this.#latest?.part) return this.#latest;
    const known = this.#known.get(part);
    this.#latest = known ?? this.#latest;
    return known;
  }

  /** What the first part of a token says; or why the token is refused for it. */
  read(part: string): KnownHeader | RefusalReason {
    const header = readHeader(part);
    if (typeof header === "string") return header;
    const { kid, alg, type } = header;
    if (this.#revoked.has(kid)) return "KeyRevoked";
    const key = this.byKid.get(kid);
    if (key === undefined) return "KidUnknown";
    return isSameAlgorithm(alg, key.profile.algorithm) ? { key, type } : "AlgorithmMismatch";
  }

  /** Other minters write their headers otherwise: those of good tokens need not be read again. Bounded; the first ones stay. */
  learn(part: string, header: KnownHeader): void {
    if (this.#known.size >= this.#mostKnown || part.length > longestLearned) return;
    // A copy: a slice would keep its whole token in memory
    const own = Buffer.from(part).toString();
    this.#known.set(own, { ...header, part: own });
  }
}

const learnedHeaders = 64;
/** In characters; a usual header has about 110. */
const longestLearned = 512;

/** The headers that our own minter writes. */
const headersOf = (key: VerifyingKey): readonly (readonly [string, Learned])[] =>
  tokenTypes.map((type) => {
    const part = headerPart(key.profile.algorithm, type, key.kid);
    return [part, { part, key, type: mediaType(type) }];
  });

/** Every key of a ring, each within its profile. */
export function ringKeys({ ring, publicJwks }: PublicRing): readonly TrustedKey[] {
  const leewayMs = leewayOf(ring.settings.clockSkewMs);
  return keysOf(ring).flatMap(({ kid, profile }) => {
    const publicJwk = publicJwks.get(kid);
    return publicJwk === undefined ? [] : [{ kid, profile, publicJwk, leewayMs }];
  });
}

/** The minter's clock may be wrong by the skew one way, and this one the other way. */
export const leewayOf = (clockSkewMs: number): number => 2 * clockSkewMs;

/** What a key remembers stays with it as long as it stays the same key. */
export const verifyingKeys = (
  keys: readonly TrustedKey[],
  previous: ReadonlyMap<Kid, VerifyingKey>,
  options: Pick<KeyInput, "cacheEntries" | "signatures">,
): readonly VerifyingKey[] =>
  keys.map((key) => {
    const before = previous.get(key.kid);
    return before !== undefined && isSameKey(before, key) ? before : verifyingKey({ ...key, ...options });
  });
