import type { IdentityTrouble } from "./machine/identity-state.ts";

/** An access token that is good now. Secret. */
export interface FreshToken {
  readonly accessToken: string;
  /** Its `jti`, or what stands for it: what {@link KeptIdentity.refused} takes. */
  readonly tokenId: string;
  /** Unix milliseconds of the own clock; absent where it says no end. */
  readonly expiresAtMs?: number;
}

/** How an identity is doing; nothing secret. Instants are Unix milliseconds. */
export interface IdentityStatus {
  /** There is a token, and until when it is good; absent: no end is known. */
  readonly token?: { readonly receivedAtMs: number; readonly expiresAtMs?: number };
  /** When it is renewed, or tried again; absent while that is under way, and where only its use renews it. */
  readonly nextAtMs?: number;
  /** The disk has it. */
  readonly isSaved: boolean;
  /** Failures in a row, and why the last one. */
  readonly failures: number;
  readonly trouble?: IdentityTrouble;
}

/** The token of one identity, kept fresh. */
export interface KeptIdentity {
  /**
   * A token that is good for a while: one that is about to end is renewed first, and waited for.
   *
   * @throws TryLaterError while the issuer is away, and the last token has ended
   * @throws ChangeNeededError when the issuer says no, or after the end
   */
  token(): Promise<FreshToken>;
  /** By hand: a new token, whatever throttle and back-off say. One that is under way is waited for. @throws KeyturnError */
  refresh(): Promise<FreshToken>;
  /**
   * Somebody answered 401 to the token of this id. Another one, after one renewal at most; undefined where there is none: then the refusal
   * stands.
   */
  refused(tokenId: string): Promise<FreshToken | undefined>;
  status(): IdentityStatus;
  /** Ends the timer; what is under way is finished, and the disk keeps what is there. */
  close(): Promise<void>;
  /** Ends at once, and leaves nothing on the disk. */
  forget(): Promise<void>;
}
