import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { identity, misfit } from "../ring/codec/read-jwk.ts";
import type { PublicJwk } from "../ring/jwk.ts";
import type { Kid, Profile } from "../ring/key.ts";
import type { Instants } from "./registered-claims.ts";
import type { Signatures, Verify } from "./signatures.ts";
import { verifyOf } from "./verify-of.ts";
import { VerifiedTokens, type Remembered } from "./verified-tokens.ts";
import type { Members } from "../parse/object.ts";

/** The answer to a token that is good. */
export interface Accepted {
  /** True: the token is good. */
  readonly ok: true;
  /** The key that signed it. */
  readonly kid: Kid;
  /** As the token has them. Frozen, also inside: the same object answers when the same token comes again. */
  readonly claims: Members;
  /** When the token expires by its own words, without clock skew. A fraction of a millisecond is possible. */
  readonly expiresAtMs: number;
}

/** A token whose signature and claims were found good; what depends on time is looked at again at every use. */
export interface VerifiedToken extends Remembered, Instants {
  readonly accepted: Accepted;
}

/** A public key, and what its tokens may say. */
export interface TrustedKey {
  readonly kid: Kid;
  readonly profile: Profile;
  readonly publicJwk: PublicJwk;
  /** How far the minter's clock and this one may differ: twice the clock skew. */
  readonly leewayMs: number;
}

/** A key that is trusted, ready to verify. */
export interface VerifyingKey extends Omit<TrustedKey, "publicJwk"> {
  /** Equal when and only when two keys are. */
  readonly identity: string;
  readonly verify: Verify;
  /** Dies with the key. */
  readonly remembered: VerifiedTokens<VerifiedToken>;
  /** How many tokens were found good, one that is shown twice counted twice. Stays with the key as long as it stays the same. */
  readonly tally: { accepted: number };
}

export interface KeyInput extends TrustedKey {
  /** The most tokens to be remembered in one generation. */
  readonly cacheEntries: number;
  readonly signatures: Signatures;
}

/** On average a token of 1 KiB: with parsed claims some 8 MiB for both generations of a key. */
const charactersPerEntry = 1024;

/** @throws ChangeNeededError `KeyUnusable` when the JWK is no key, or none for the profile's algorithm */
export function verifyingKey(input: KeyInput): VerifyingKey {
  const { kid, profile, publicJwk, leewayMs, cacheEntries, signatures } = input;
  const unfit = misfit(profile.algorithm, publicJwk);
  if (unfit !== undefined) throw new ChangeNeededError("KeyUnusable", `Cannot use key "${kid}": ${unfit}`);
  return Object.freeze({
    kid,
    profile,
    leewayMs,
    identity: identity(publicJwk),
    verify: verifyOf(profile.algorithm, publicJwk, signatures),
    remembered: new VerifiedTokens<VerifiedToken>({
      entries: cacheEntries,
      characters: cacheEntries * charactersPerEntry,
      lifeMs: profile.maxTTLMs + 2 * leewayMs,
    }),
    tally: { accepted: 0 },
  });
}

/** Does the key verify exactly what the other one would? Then what it remembers stays true. */
export function isSameKey(key: VerifyingKey, { profile, publicJwk, leewayMs }: TrustedKey): boolean {
  return (
    key.identity === identity(publicJwk) &&
    key.leewayMs === leewayMs &&
    key.profile.algorithm === profile.algorithm &&
    key.profile.issuer === profile.issuer &&
    key.profile.maxTTLMs === profile.maxTTLMs &&
    key.profile.audiences.length === profile.audiences.length &&
    key.profile.audiences.every((audience, index) => audience === profile.audiences[index])
  );
}
