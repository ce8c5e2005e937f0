import type { ServerFrame } from "../../sessions/protocol/session-frames.ts";
import type { ConnectionEnd } from "../session-core/client-state.ts";
import type { ClientWord, RenewedTerms } from "./client-words.ts";

/** What a connection brings. Nothing any more after `cut`, `retire` or `leave`. */
export interface LinkListener {
  /** @param frame - Undefined for one that is not known */
  heard(frame: ServerFrame | undefined): void;
  /** It is over. Said once. */
  lost(end: ConnectionEnd): void;
}

/** One connection to a gateway, whatever the transport. */
export interface SessionLink {
  /** What is said before the connection is there waits for it. */
  say(word: ClientWord): void;
  /** Shows another token for its session; undefined where it was not taken, for whatever reason. Never rejects. */
  renew(sessionId: string, token: string): Promise<RenewedTerms | undefined>;
  /** Ends it, without the gateway taking it for a farewell. */
  cut(): void;
  /** Ends it in good order: the gateway forgets the instance. Resolves when it is over. */
  leave(): Promise<void>;
}

/** Begins a connection. Never throws: what is wrong is told as its end, in a later turn. */
export type LinkMaker = (token: string, listener: LinkListener) => SessionLink;
