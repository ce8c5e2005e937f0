import type { Minted } from "../../jwt/minter.ts";
import type { MintRequest } from "../../jwt/mint-request.ts";
import type { RevokedSet } from "../../jwt/revoked-set.ts";
import type { Verdict } from "../../jwt/verifier.ts";
import type { Algorithm, Profile } from "../../ring/key.ts";
import type { Callers } from "../callers/callers.ts";
import type { GrantStore } from "../store/grant-store.ts";
import type { IssuerEvent } from "./issuer-event.ts";

/** The ring in memory, as far as tokens of our own are to be looked at: that needs no private half, and no word that is fresh. */
export interface Verifying {
  /** `iss` of tokens of our own: of the key that signs, then those of the other keys. */
  readonly issuers: readonly [string, ...string[]];
  /** Of every key that verifies, the next one included. */
  readonly algorithms: readonly Algorithm[];
  /** An access token of our own, of type `at+jwt`, by the keys of now; its times as of `atMs`. @default now */
  verify(token: string, atMs?: number): Verdict;
}

/** The ring in memory, as far as tokens are to be made. */
export interface Signing {
  /** Of the key that signs. */
  readonly profile: Pick<Profile, "issuer" | "audiences" | "maxTTLMs">;
  /** `mint` would throw `MintFenced` now: asked before anything is written, since each renewal would be a lost answer. */
  readonly isFenced: boolean;
  /** @throws TryLaterError `MintFenced`; RuleError for a request at fault */
  mint(request: MintRequest): Minted;
}

/** What the use of tokens stands on: everything that is not pure is here. */
export interface IssuerParts {
  readonly store: GrantStore;
  readonly callers: Callers;
  /** Undefined while there is no ring that counts. */
  readonly verifying: () => Verifying | undefined;
  /** Undefined while no key can sign. */
  readonly signing: () => Signing | undefined;
  /** Waits for the word that a key which has just begun to sign does so: two seconds at most, whatever came. */
  readonly confirmed: () => Promise<void>;
  /**
   * So long an access token may be taken for good, whichever key signed it: its life, and twice the clock skew. In milliseconds.
   *
   * @throws TryLaterError `NotReady`
   */
  readonly longestTtlMs: () => number;
  /** What this process knows to be revoked. */
  readonly revoked: RevokedSet;
  /** Unix milliseconds. */
  readonly nowMs: () => number;
  /** Fresh bytes that nobody can guess. */
  readonly randomBytes: (size: number) => Uint8Array;
  /** Hears of all that is given out, renewed, refused or ended. Must not throw. */
  readonly on: (event: IssuerEvent) => void;
}
