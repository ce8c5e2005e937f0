/** Why a session ends, or none begins. Stable: clients go by them, metrics are labelled with them. */
export const endCodes = [
  /** The end of its token has passed, and the grace after it; or the token had ended when it was shown. */
  "Expired",
  /** A verifier refuses the token that was shown. */
  "TokenRefused",
  /** Its key, token, grant or subject was revoked. */
  "Revoked",
  /** Nothing was said in time of who is there. */
  "NoHello",
  /** A newer session of the same peer is open. */
  "Superseded",
  /** The gateway is about to stop. */
  "Draining",
  /** The gateway has no keys yet to judge a token by. */
  "NotReady",
  /** More sessions, or more messages that were not confirmed, than are allowed. */
  "TooMany",
  /** What was said breaks the protocol. */
  "BadMessage",
  /** A session is to be gone on with that belongs to somebody else. */
  "Forbidden",
  /** The peer was taken away by whoever runs the gateway. */
  "Removed",
  /** Nothing was heard for several heartbeats. */
  "Silent",
] as const;
export type EndCode = (typeof endCodes)[number];

/** What the other side is told before its connection is closed. */
export interface SessionEnd {
  readonly code: EndCode;
  /**
   * Whether it helps to come back: with a newer token, if this one is good no longer. Of a superseded session: for whoever has not opened the
   * newer one itself. False: the peer is forgotten, and nothing waits for it any more.
   */
  readonly isRetryable: boolean;
  /** Not to come back before so long has passed, in milliseconds; drawn by chance, so that those who end together don't return together. */
  readonly afterMs: number;
}

/** An end after which the same peer may go on where it was. */
export const retryable = (code: EndCode, afterMs = 0): SessionEnd => ({ code, isRetryable: true, afterMs });

/**
 * The same, where it does not help to come back at once: after 1 to 5 s.
 *
 * @param chance - From 0 to below 1
 */
export const retryableLater = (code: EndCode, chance: number): SessionEnd =>
  retryable(code, 1000 + Math.floor(4000 * chance));

/** An end for good. */
export const final = (code: EndCode): SessionEnd => ({ code, isRetryable: false, afterMs: 0 });
