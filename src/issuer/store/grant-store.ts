import type { TokenRevocation } from "../../jwt/revoked-set.ts";
import type { Grant } from "../../grants/grant.ts";
import type { GrantRow, GrantState } from "./grant-row.ts";
import type { PruneRequest, RevocationLog } from "./revocation-log.ts";

/** Whose grants. */
export type GrantSelector =
  | { readonly kind: "grant"; readonly id: Uint8Array }
  | { readonly kind: "subject"; readonly subject: string }
  | { readonly kind: "client"; readonly clientId: string };

/** What the end of a grant must know, so that its access tokens end with it. */
export interface EndTime {
  readonly nowMs: number;
  /**
   * When the last access token ends that may be out: now, the longest access TTL, and what lies between a row's commit and the `iat`
   * that is signed after it. So long the gateways are told, and of a grant no longer than its own access tokens can live.
   */
  readonly tokensEndAtMs: number;
}

/** A grant that has just ended: for the audit. */
export interface EndedGrant {
  readonly id: Uint8Array;
  readonly subject: string;
  readonly clientId: string;
}

/** A page of grants, in the order of their ids, which says nothing of their age. */
export interface GrantQuery {
  /** @default everybody's */
  readonly of?:
    Exclude<GrantSelector, { readonly kind: "grant" }> | { readonly kind: "parent"; readonly id: Uint8Array };
  /** Those that are in this state then. @default all of them */
  readonly state?: { readonly is: GrantState; readonly nowMs: number };
  /** `next` of the page before. */
  readonly after?: Uint8Array;
  /** 1 or more. */
  readonly limit: number;
}

export interface GrantPage {
  readonly rows: readonly GrantRow[];
  /** Where the next page begins; absent on the last one. */
  readonly next?: Uint8Array;
}

/** For metrics. */
export interface StoreLoad {
  /** Connections in use, or writers. */
  readonly busy: number;
  /** Calls that wait for one. */
  readonly waiting: number;
}

/**
 * The grants of an issuer, each one row for its whole life, and what was revoked lately. It decides nothing about a token (that is
 * `src/grants`) and reads no clock.
 *
 * What a method promises is durable when it resolves. One that rejects wrote everything or nothing: after a lost connection nobody
 * knows which, and whoever renews again with the same token gets what was written. The audit is no part of it: a line of the
 * issuer's log, from what these methods return.
 *
 * Every method rejects with TryLaterError `StoreAway` when the database can't be reached, takes too long, is read-only or full: 503
 * over HTTP; every token stays as good as it was.
 */
export interface GrantStore extends RevocationLog {
  /** Writes a new grant. `parent-ended`: nothing was written, since the parent is revoked or forgotten. */
  begin(row: GrantRow): Promise<"begun" | "parent-ended">;
  /** The row as it was last committed. */
  find(id: Uint8Array): Promise<GrantRow | undefined>;
  /** What is revoked of a token's id and of its subject: the log tells of it a moment later. */
  tokenRevocations(token: { readonly jti: string; readonly subject: string }): Promise<readonly TokenRevocation[]>;
  /**
   * Writes a renewal, in one statement, if the row still has generation `from` and is not revoked. False: it is not so, and nothing was
   * written. The whole of a renewal is {@link renewGrant}.
   */
  renew(next: Grant, from: number): Promise<boolean>;
  /**
   * Ends a grant for the reuse of a token, if it still has generation `from` and is not revoked, and its children with it, as
   * {@link GrantStore.revoke} does. Undefined: it is not so, and nothing was written.
   */
  endReused(id: Uint8Array, from: number, at: EndTime): Promise<readonly EndedGrant[] | undefined>;
  /**
   * Ends these grants, their children and theirs; in the same transaction it writes a revocation for each, and one for the subject where
   * that was named. What ended before is left as it is. Empty: nothing was alive.
   */
  revoke(whose: GrantSelector, at: EndTime): Promise<readonly EndedGrant[]>;
  list(query: GrantQuery): Promise<GrantPage>;
  /**
   * Forgets grants whose refresh token ended, and answers how many. It may leave for the next day what ended within one. Give each
   * the time of its last access token, which may still ask for a child.
   */
  pruneGrants(request: PruneRequest): Promise<number>;
  /** How many grants can be renewed. It reads them all: once in a while, for a metric. */
  count(nowMs: number): Promise<number>;
  /** Resolves if the database answers and can be written to: for readiness. */
  check(): Promise<void>;
  load(): StoreLoad;
  /** Waits for what runs; refuses what comes after. */
  close(): Promise<void>;
}
