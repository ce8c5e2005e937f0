import { TryLaterError } from "../../errors/keyturn-error.ts";
import type { RefusalReason } from "../../jwt/reasons.ts";
import type { Requirements } from "../../jwt/requirements.ts";
import type { Accepted } from "../../jwt/verifying-key.ts";
import { backgroundClock, systemClock } from "../../time/clock.ts";
import { feedOf, type KeyFeed, type FeedPorts } from "./key-feeds.ts";
import { KeysInForce } from "./keys-in-force.ts";
import { readOptions, readSource, type VerifierOptions, type VerifierSource } from "./verifier-options.ts";

/** Why a token is refused; stable, for metrics and logs. */
export type VerdictReason =
  | RefusalReason
  /** There are no keys, or they are too old: no fault of the token, which may be good later (503, not 401). */
  | "KeysUnavailable";

/** What became of a token. */
export type TokenVerdict = Accepted | { readonly ok: false; readonly reason: VerdictReason };

/** Judges tokens by keys that follow their source. */
export interface TokenVerifier {
  /**
   * Judges one token. One whose key is there never waits; one that names another key waits for a look at the source, if one is due,
   * for as long as that takes: five seconds at most. Never rejects, unless `isRevoked` throws.
   *
   * @param required what this token must have beside what was said when the verifier was opened
   */
  verify(token: string, required?: Requirements): Promise<TokenVerdict>;
  /** The same, by the keys that are here now. Never throws, unless `isRevoked` does. */
  verifyNow(token: string, required?: Requirements): TokenVerdict;
  /** The names of the keys that verify now; none while there are no keys. For readiness. */
  readonly kids: readonly string[];
  /** Follows the source no longer. The keys that are here verify on, for as long as they are fresh. */
  close(): void;
}

/**
 * Opens a verifier, and resolves when it has keys.
 *
 * @throws ChangeNeededError `OptionsInvalid`, or `KeySetUnreadable` for keys that were given; TryLaterError `KeysUnavailable` when the
 * source has none, unless `startWithoutKeys` is set
 */
export const openVerifier = (source: VerifierSource, options: VerifierOptions): Promise<TokenVerifier> =>
  openVerifierIn({ clock: systemClock, background: backgroundClock, chance: Math.random }, source, options);

/** {@link openVerifier} with another clock. */
export async function openVerifierIn(
  around: FeedPorts,
  source: VerifierSource,
  options: VerifierOptions,
): Promise<TokenVerifier> {
  const trusted = readOptions(options);
  const { isRevoked, cacheEntries, onEvent, startWithoutKeys = false } = options;
  const keys = new KeysInForce({
    trusted,
    compiling: {
      ...(cacheEntries !== undefined && { cacheEntries }),
      ...(isRevoked && { revoked: { isEmpty: false, has: (claims) => isRevoked(claims) } }),
    },
    // In a turn of its own: what it throws is no problem of the keys
    tell: (event) => onEvent && queueMicrotask(() => onEvent(event)),
  });
  const feed = feedOf(readSource(source), keys, around);
  await feed.start();
  if (keys.verifier === undefined && !startWithoutKeys) {
    feed.close();
    throw new TryLaterError("KeysUnavailable", `Cannot open a verifier: ${keys.problem ?? "there are no keys"}`);
  }
  return new FollowingVerifier(feed, options, around);
}

const refusedAs = (reason: VerdictReason): TokenVerdict => Object.freeze({ ok: false, reason });
const malformed = refusedAs("Malformed");
const keysUnavailable = refusedAs("KeysUnavailable");

class FollowingVerifier implements TokenVerifier {
  readonly #feed: KeyFeed;
  readonly #around: FeedPorts;
  readonly #usual: Requirements;

  constructor(feed: KeyFeed, { type, types }: VerifierOptions, around: FeedPorts) {
    this.#feed = feed;
    this.#around = around;
    this.#usual = { ...(type !== undefined && { type }), ...(types && { types }) };
  }

  get kids(): readonly string[] {
    return [...(this.#feed.current()?.keys.keys() ?? [])];
  }

  async verify(token: unknown, required?: Requirements): Promise<TokenVerdict> {
    const verdict = this.verifyNow(token, required);
    if (verdict.ok || (verdict.reason !== "KidUnknown" && verdict.reason !== "KeysUnavailable")) return verdict;
    const looked = await this.#feed.again();
    if (looked === "asked") return this.verifyNow(token, required);
    return looked === "crowded" ? keysUnavailable : verdict;
  }

  verifyNow(token: unknown, required?: Requirements): TokenVerdict {
    const inForce = this.#feed.current();
    if (inForce === undefined) return keysUnavailable;
    if (typeof token !== "string") return malformed;
    const all = required === undefined ? this.#usual : { ...this.#usual, ...required };
    return inForce.verify(token, this.#around.clock.nowMs(), all);
  }

  close(): void {
    this.#feed.close();
  }
}
