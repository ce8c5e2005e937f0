/**
 * One sign-in or one exchange: what a refresh token renews. It is one row for its whole life, however often it is renewed.
 * No token is in it: only the SHA-256 of two secrets.
 *
 * Instants are Unix milliseconds of the issuer's clock.
 */
export interface Grant extends Lifetime, Chain {
  /** 16 bytes; the claim `sid` of its access tokens. */
  readonly id: Uint8Array;
  /** 32 random bytes that prove a token to be of this grant, be it ever so old. Never leaves the store. */
  readonly markKey: Uint8Array;
  /** When it ended, and why; absent while it lives. */
  readonly revoked?: { readonly atMs: number; readonly reason: RevocationReason };
}

/** `reused`: an old refresh token was shown, so two parties have it. `revoked`: somebody asked for it. */
export type RevocationReason = "reused" | "revoked";

/** How long a grant can be renewed. */
export interface Lifetime {
  /** How far each renewal moves the end; above 0. The cap in force at the renewal cuts it. */
  readonly refreshTtlMs: number;
  /** Never moves, whatever is renewed. */
  readonly notAfterMs?: number;
}

/** Where the refresh tokens of a grant stand: the current one, and the one before. */
interface Chain {
  /** How often it was renewed, 0 at first; the compare-and-swap of every write. */
  readonly generation: number;
  /** SHA-256 of the secret of the one refresh token that renews. */
  readonly currentHash: Uint8Array;
  /** SHA-256 of the secret that {@link currentHash}'s was made from; absent before the first renewal. */
  readonly previousHash?: Uint8Array;
  /** The current secret is HMAC-SHA-256(the previous secret, salt): who shows the one before can be given it again. */
  readonly salt?: Uint8Array;
  /** When the grant began. */
  readonly createdAtMs: number;
  /** When the tokens before the current one were replaced, the latest first; at most {@link mostRenewals}, and no gap between them. */
  readonly replacedAtMs: readonly number[];
  /** The current refresh token is good until then, exclusive. */
  readonly expiresAtMs: number;
  /** The `recoverGrantsUntil` under which it was carried forward after a restored backup: once for each. */
  readonly recoveredUnderMs?: number;
}

/**
 * How often a grant is renewed within one retry window, at the most: so that for every token that was replaced in the window the row
 * knows when. Who asks more often is answered with the current token once more.
 */
export const mostRenewals = 8;
