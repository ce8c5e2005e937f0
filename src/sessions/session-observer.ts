import type { SendOutcome, TakenFrom } from "./core/peer-state.ts";
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
  /** The one that has begun is of a peer that was known. */
  takenOver(from: TakenFrom, how: "anew" | "resumed"): void;
  /** Another replica has a peer from now on that was here. */
  moved(): void;
  /** Another token was shown for an open one. */
  renewed(): void;
  /** One that had begun is over. */
  ended(session: EndedSession): void;
  /** None has begun on a connection, and it was told why. */
  refused(code: EndCode): void;
  /** A peer's message has gone to the application. */
  delivered(): void;
  /** A peer's message was written to an application once more: one may have had it before. */
  redelivered(): void;
  /** What became of a message of the application. */
  answered(outcome: SendOutcome): void;
}

/** Nobody hears. */
export const unobserved: SessionObserver = {
  opened: () => undefined,
  takenOver: () => undefined,
  moved: () => undefined,
  renewed: () => undefined,
  ended: () => undefined,
  refused: () => undefined,
  delivered: () => undefined,
  redelivered: () => undefined,
  answered: () => undefined,
};
