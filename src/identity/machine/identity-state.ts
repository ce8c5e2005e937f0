import type { HeldPair, IssuedPair } from "./held-pair.ts";

/** `always`: by the timer. `onUse`: when somebody asks for the token; its refresh token is kept alive all the same. */
export type Keep = "always" | "onUse";

/** One identity: its tokens, and what is under way. */
export interface IdentityState {
  readonly keep: Keep;
  /** What callers are given. */
  readonly held?: HeldPair;
  /** The disk has what is held. While it has not, the lock stays ours: nobody else may show the tokens that are there. */
  readonly isSaved: boolean;
  readonly phase: IdentityPhase;
  /** In a row. */
  readonly failures: number;
  /** Nothing is tried before, but by hand; Unix milliseconds. */
  readonly retryAtMs?: number;
  /** Why the last try came to nothing; absent after one that did not. */
  readonly trouble?: IdentityTrouble;
  /** It comes to rest for ever, as soon as nothing is under way. `forget`: nothing of it is left on the disk. */
  readonly ending?: Ending;
}

export type Ending = "close" | "forget";

export type IdentityPhase =
  | { readonly kind: "resting" }
  /** Waits for the lock, and for what the disk has. */
  | { readonly kind: "locking"; readonly why: RenewalReason }
  /** The one request is in flight. `sinceMs`: what comes of it is no older than that. */
  | {
      readonly kind: "asking";
      readonly why: RenewalReason;
      readonly showing: ShownCredential;
      readonly sinceMs: number;
    }
  /** `after`: it is no new token that is written, and this is how it stands then. */
  | { readonly kind: "saving"; readonly next: HeldPair; readonly after?: AfterFailure }
  | { readonly kind: "removing" }
  | { readonly kind: "closed" };

/** How a try that came to nothing leaves the identity. */
export type AfterFailure = Required<Pick<IdentityState, "failures" | "retryAtMs" | "trouble">>;

/** Who wants a new token. */
export type RenewalReason =
  | { readonly kind: "start" }
  | { readonly kind: "time" }
  | { readonly kind: "use" }
  /** A person, or a program on his behalf: past the throttle and the back-off. */
  | { readonly kind: "hand" }
  /** Somebody answered 401 to the token of this id. */
  | { readonly kind: "refused"; readonly tokenId: string };

export type ShownCredential =
  | { readonly kind: "refresh"; readonly token: string }
  /** What proves the identity from the beginning. `notAgain`: the hash of a refresh token that was handed over, and is used up. */
  | { readonly kind: "first"; readonly notAgain?: string };

export interface IdentityTrouble {
  /** Stable, for programs. */
  readonly code: string;
  /** For people; nothing secret. */
  readonly message: string;
  /** The issuer says no: a retry alone does not help. */
  readonly isFinal: boolean;
  /** Unix milliseconds. */
  readonly atMs: number;
}

/** Why an issuer gave nothing. */
export type ExchangeFailure =
  | {
      /** The same request may work later; every token is as good as it was. */
      readonly kind: "away";
      readonly code: string;
      readonly message: string;
      readonly retryAfterMs?: number;
      /** The issuer may have done it, and its answer is lost: whoever asks again soon is given the same. */
      readonly mayBeDone: boolean;
    }
  | {
      /** The issuer says no. */
      readonly kind: "denied";
      readonly code: string;
      readonly message: string;
      /** The refresh token that was shown is good for nothing any more. */
      readonly isTokenDead: boolean;
    };

/** What happens to an identity. */
export type IdentityEvent =
  | { readonly kind: "started"; readonly stored?: HeldPair }
  /** The clock was looked at. */
  | { readonly kind: "looked" }
  /** Somebody wants the token. */
  | { readonly kind: "wanted"; readonly why: RenewalReason }
  /** The first credential is another one than that which was denied. */
  | { readonly kind: "credentialChanged" }
  /** The wall clock was set back. */
  | { readonly kind: "setBack"; readonly byMs: number }
  | { readonly kind: "locked"; readonly stored?: HeldPair }
  /** `isBusy`: another process has it. Else the disk has something against it. */
  | { readonly kind: "notLocked"; readonly problem: StateProblem; readonly isBusy: boolean }
  | { readonly kind: "answered"; readonly issued: IssuedPair }
  | { readonly kind: "failed"; readonly failure: ExchangeFailure }
  | { readonly kind: "saved" }
  | { readonly kind: "notSaved"; readonly problem: StateProblem }
  | { readonly kind: "removed" }
  | { readonly kind: "ended"; readonly how: Ending };

/** What the disk or the lock says. */
export type StateProblem = Pick<IdentityTrouble, "code" | "message">;

/** What is to be done; each is answered by an event, but the last two. */
export type IdentityEffect =
  /** Take the lock and read the disk: `locked` or `notLocked`. */
  | { readonly kind: "lock" }
  /** `answered` or `failed`. */
  | { readonly kind: "ask"; readonly showing: ShownCredential }
  /** `saved`, once it would outlive a power cut, or `notSaved`. */
  | { readonly kind: "save"; readonly pair: HeldPair }
  /** `removed`, whatever came of it. */
  | { readonly kind: "remove" }
  | { readonly kind: "unlock" }
  | { readonly kind: "tell"; readonly news: IdentityNews };

/** What listeners hear. */
export type IdentityNews =
  | { readonly kind: "renewed"; readonly pair: HeldPair }
  | { readonly kind: "troubled"; readonly trouble: IdentityTrouble };

export interface IdentityStep {
  readonly state: IdentityState;
  readonly effects: readonly IdentityEffect[];
}

/** When something happens. */
export interface Instant {
  readonly nowMs: number;
  /** From 0 to below 1, drawn anew for each event. */
  readonly chance: number;
}

export const newIdentity = (keep: Keep): IdentityState => ({
  keep,
  isSaved: true,
  phase: { kind: "resting" },
  failures: 0,
});
