import type { KnownDeadlines } from "../../deadline/come-back.ts";

// All instants are milliseconds on one clock of the client's own, which only goes ahead: what a gateway says is turned into it when it comes.

/** Why a connection is over, or none was made. */
export interface ConnectionEnd {
  /** One of the gateway's, as `Expired`; or of the client's own, as `Lost`. */
  readonly code: string;
  /** For people. Never with anything of a token. */
  readonly reason: string;
  /** False: this instance is not to come back. */
  readonly isRetryable: boolean;
  /** Not before so long has passed. */
  readonly afterMs: number;
}

/** How a session was accepted, or renewed; counted from the moment in which it was said. */
export interface SessionTerms {
  /** Until the end of its token; absent: none. */
  readonly expiresInMs?: number;
  /** The client is to be back before so long; absent: never. */
  readonly reconnectInMs?: number;
}

/** The one session that counts. */
export interface AcceptedSession {
  readonly sessionId: string;
  readonly connection: number;
  /** Secret. The newest that was shown for it. */
  readonly token: string;
  readonly deadlines: KnownDeadlines;
  readonly heartbeatMs: number;
  readonly acceptedAtMs: number;
  /** When something was heard last. */
  readonly heardAtMs: number;
  /** When the next heartbeat is due. */
  readonly beatAtMs: number;
}

/** On the way to a session; the number is that of what is under way: whatever comes of an older one is late. */
export type Attempt =
  /** The keeper is asked for a token. */
  | { readonly kind: "asking"; readonly number: number; readonly giveUpAtMs: number }
  /** The token was shown, and hello was said. */
  | { readonly kind: "showing"; readonly number: number; readonly giveUpAtMs: number; readonly token: string };

/** What comes after a session that is open. */
type NextSession =
  /** When a token for it is asked for; Infinity: never. `refused`: one that is no good. */
  | { readonly kind: "due"; readonly atMs: number; readonly refused?: string }
  | { readonly kind: "trying"; readonly attempt: Attempt }
  /** The same session goes on with another token. */
  | { readonly kind: "renewing"; readonly number: number; readonly giveUpAtMs: number; readonly token: string };

/**
 * ```
 *   waiting ──time──▶ connecting ──accepted──▶ open ──left, told never to come back──▶ ended
 *      ▲                  │                    │  ▲
 *      └────── lost ──────┴─────── lost ───────┘  └── accepted: the next session, or renewed in place
 * ```
 */
type ClientPhase =
  /** `refused`: a token that is no good; another one is asked for. */
  | { readonly kind: "waiting"; readonly untilMs: number; readonly refused?: string }
  | { readonly kind: "connecting"; readonly attempt: Attempt }
  | { readonly kind: "open"; readonly session: AcceptedSession; readonly next: NextSession }
  | { readonly kind: "ended" };

export interface ClientState {
  readonly phase: ClientPhase;
  /** How a session is renewed. */
  readonly renewal: "reconnect" | "inPlace";
  /** What was begun last. */
  readonly number: number;
  /** In a row, since a session that was good. */
  readonly failures: number;
  /** Tokens that were refused in a row, since a session that was good. */
  readonly refusals: number;
}

export const newClient = (renewal: ClientState["renewal"]): ClientState => ({
  phase: { kind: "waiting", untilMs: 0 },
  ...{ renewal, number: 0, failures: 0, refusals: 0 },
});

export type ClientEvent =
  /** The clock may say that something is due. */
  | { readonly kind: "looked" }
  | { readonly kind: "given"; readonly number: number; readonly token: string }
  /** There is no token, or no other than the one that was refused. */
  | { readonly kind: "notGiven"; readonly number: number; readonly end: ConnectionEnd }
  | {
      readonly kind: "accepted";
      readonly connection: number;
      readonly sessionId: string;
      readonly heartbeatMs: number;
      readonly terms: SessionTerms;
    }
  /** The session has other deadlines. */
  | { readonly kind: "renewed"; readonly connection: number; readonly terms: SessionTerms; readonly token?: string }
  /** It can't be renewed in place. */
  | { readonly kind: "notRenewed"; readonly number: number }
  /** Something came. */
  | { readonly kind: "heard"; readonly connection: number }
  | { readonly kind: "lost"; readonly connection: number; readonly end: ConnectionEnd }
  /** The application wants no more of it. */
  | { readonly kind: "left" };

/** What is to be done, in this order. */
export type ClientEffect =
  /** For a token; with `refused` for another one than that. */
  | { readonly kind: "ask"; readonly number: number; readonly refused?: string }
  | { readonly kind: "connect"; readonly connection: number; readonly token: string }
  | { readonly kind: "beat"; readonly connection: number }
  | { readonly kind: "renew"; readonly number: number; readonly session: AcceptedSession; readonly token: string }
  /** Nothing that comes from it counts any more, and nobody is to wait for its end. */
  | { readonly kind: "cut"; readonly connection: number }
  /** The same, of one that the gateway is about to close. */
  | { readonly kind: "retire"; readonly connection: number }
  /** The same, in good order: the gateway forgets this instance. */
  | { readonly kind: "leave"; readonly connection: number }
  | { readonly kind: "tell"; readonly news: SessionState };

/** What the application is told. */
export type SessionState =
  | { readonly kind: "connecting" }
  /** `trouble`: why the next session did not come about yet. */
  | { readonly kind: "open"; readonly sessionId: string; readonly trouble?: ConnectionEnd }
  | { readonly kind: "renewing"; readonly sessionId: string }
  | { readonly kind: "waiting"; readonly afterMs: number; readonly end: ConnectionEnd }
  | { readonly kind: "ended"; readonly end: ConnectionEnd };

/** What a step is given beside the event. */
export interface ClientContext {
  readonly nowMs: number;
  /** From 0 to below 1, another one at each step. */
  readonly chance: number;
}

export interface ClientStep {
  readonly state: ClientState;
  readonly effects: readonly ClientEffect[];
}
