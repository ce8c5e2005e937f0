import type { SendOutcome } from "./core/peer-state.ts";
import type { EndCode } from "./core/session-end.ts";

/** How a session ended: told why; or without a word, by a connection that broke, or one that its owner closed. */
export type SessionEnding = EndCode | "Lost" | "Left";

export interface EndedSession {
  readonly sessionId: string;
  readonly code: SessionEnding;
  /** So long it lived past the end of its token, in milliseconds; 0 for one that did not. */
  readonly pastExpiryMs: number;
}

/** Hears what becomes of sessions, to count it and to write it down. Told once each, in the tick in which it is so. */
export interface SessionObserver {
  /** One has begun, with nothing before it or where another one was. */
  opened(sessionId: string, how: "anew" | "resumed"): void;
  /** Another token was shown for an open one. */
  renewed(): void;
  /** One that had begun is over. */
  ended(session: EndedSession): void;
  /** None has begun on a connection, and it was told why. */
  refused(code: EndCode): void;
  /** A peer's message has gone to the application. */
  delivered(): void;
  /** What became of a message of the application. */
  answered(outcome: SendOutcome): void;
}

/** Nobody hears. */
export const unobserved: SessionObserver = {
  opened: () => undefined,
  renewed: () => undefined,
  ended: () => undefined,
  refused: () => undefined,
  delivered: () => undefined,
  answered: () => undefined,
};
