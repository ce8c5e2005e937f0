import type { TokenRevocation } from "../../jwt/revoked-set.ts";

/** What gateways are told: tokens of it are refused. One for each kind and value, the latest. */
export interface LoggedRevocation extends TokenRevocation {
  /**
   * A safe integer that rises from commit to commit, also after a backup was restored: who asks for what came after the last one that
   * he knows misses nothing.
   */
  readonly seq: number;
}

/** Everything that is revoked at one instant. */
export interface RevocationSnapshot {
  /** Ask for what came after it; 0 when nothing was ever revoked. */
  readonly seq: number;
  readonly revocations: readonly LoggedRevocation[];
}

/** What may be forgotten, and how much of it in one go. */
export interface PruneRequest {
  /** What ended before then. */
  readonly endedBeforeMs: number;
  /** Rows of one statement: as long as that takes, a renewal of one of them may wait. 1 or more. */
  readonly limit: number;
}

/** What was revoked lately. Grants are revoked in the {@link GrantStore}, which writes here in the same transaction. */
export interface RevocationLog {
  /** Revokes one access token by its `jti`; its grant goes on. `endsAtMs` is the token's `exp`. Twice is the same as once. */
  revokeToken(jti: string, at: { readonly nowMs: number; readonly endsAtMs: number }): Promise<void>;
  /** What is in force. */
  revocations(nowMs: number): Promise<RevocationSnapshot>;
  /** What came after `seq`, oldest first, `limit` at the most; also what has ended since, unless it was pruned. */
  revocationsAfter(seq: number, limit: number): Promise<readonly LoggedRevocation[]>;
  /**
   * Calls back after each revocation, whichever process wrote it, until the function that it returns is called. May call for nothing; and
   * while the connection is away it can't call, but it calls when it is back. A listener must not throw.
   */
  onRevocation(listener: () => void): () => void;
  /** Forgets revocations that ended, but never the last of all, which `seq` goes on from. Answers how many. */
  pruneRevocations(request: PruneRequest): Promise<number>;
}
