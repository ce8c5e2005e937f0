import type { SessionDeadlines } from "../../deadline/session.ts";
import type { Outbox, SessionMessage } from "./outbox.ts";
import type { EndCode, SessionEnd } from "./session-end.ts";
import type { SessionRevocation, SessionToken } from "./session-token.ts";

/** Who is at the other end: one instance of one subject. It has one session at a time. */
export interface PeerKey {
  /** The claim `sub` of its tokens. */
  readonly subject: string;
  /** Chosen by itself, and kept through its reconnects. */
  readonly instanceId: string;
}

export interface OpenSession {
  readonly id: string;
  /** The newest that was shown. */
  readonly token: SessionToken;
  readonly deadlines: SessionDeadlines;
  /** From 0 to below 1, drawn once: a renewal in place keeps it. */
  readonly jitter: number;
  /** Closed then, since the gateway is about to stop. Unix milliseconds. */
  readonly drainsAtMs?: number;
}

/** What the peer has sent and the application has not taken. */
export interface Inbox {
  /** The session that began the count: a number means something beside it alone. */
  readonly lineage: string;
  readonly lastSeq: number;
  readonly takenSeq: number;
  /** In order, numbered without a gap from `takenSeq + 1` to `lastSeq`. */
  readonly waiting: readonly SessionMessage[];
  /** Up to this number the application of another replica may have heard them, and not taken. */
  readonly heardElsewhereSeq?: number;
}

/** What outlives a connection. */
export interface PeerState {
  /** How many sessions it has had. */
  readonly generation: number;
  /** When the newest of them was opened, and later than the one before, whatever the clock said: of two replicas the later keeps the peer. Unix milliseconds. */
  readonly openedAtMs: number;
  /** Absent while it is away. */
  readonly session?: OpenSession;
  /** While it is away: kept until then. Unix milliseconds. */
  readonly keptUntilMs?: number;
  /** While it is away: another replica had it. */
  readonly isBrought?: true;
  /** The newest sessions that went on with each other, the last one last: it may not have heard of those that it was accepted for. */
  readonly sessionIds: readonly string[];
  readonly outbox: Outbox;
  readonly inbox: Inbox;
}

/** What goes to another replica. What the application has not taken does not: the peer sends it again. */
export type MovedPeer = Omit<PeerState, "session" | "keptUntilMs" | "isBrought">;

/** Where a peer goes on. */
export interface ResumePoint {
  readonly sessionId: string;
  /** The highest number that it has. */
  readonly received: number;
}

/** What a session is opened with. The token was verified in the same tick. */
export interface SessionOpening {
  readonly sessionId: string;
  readonly token: SessionToken;
  readonly resume?: ResumePoint;
}

export type PeerEvent =
  | ({ readonly kind: "opened" } & SessionOpening)
  /** Another token was shown for the session. */
  | { readonly kind: "renewed"; readonly sessionId: string; readonly token: SessionToken }
  /** The peer sends. */
  | { readonly kind: "heard"; readonly sessionId: string; readonly message: SessionMessage }
  /** The peer has everything up to this number. */
  | { readonly kind: "confirmed"; readonly sessionId: string; readonly seq: number }
  /** The connection is gone; `left`: its owner has closed it, and is not coming back; `code`: what he was told, if anything. */
  | { readonly kind: "lost"; readonly sessionId: string; readonly left: boolean; readonly code?: EndCode }
  /** The application sends. */
  | { readonly kind: "sent"; readonly message: Omit<SessionMessage, "seq"> }
  /** The application has everything of this lineage up to this number. */
  | { readonly kind: "taken"; readonly lineage: string; readonly seq: number }
  | { readonly kind: "revoked"; readonly revocation: SessionRevocation }
  /** The gateway stops after so long. */
  | { readonly kind: "draining"; readonly withinMs: number }
  /** For good, by whoever runs the gateway. */
  | { readonly kind: "ended"; readonly code: EndCode }
  /** Another replica opens a session of the peer, and waits for what is kept of it here. */
  | { readonly kind: "claimed" }
  /** Another replica has the peer from now on. */
  | { readonly kind: "moved" }
  /** What another replica had of it. */
  | { readonly kind: "brought"; readonly peer: MovedPeer }
  /** The clock may say that something is due. */
  | { readonly kind: "looked" };

/** What becomes of a message of the application: the peer has it; or nobody can say any more; or there is no room. */
export type SendOutcome = "delivered" | "gone" | "full";

/** Where a peer was that opens another session: with one here, away and kept here, or at another replica. */
export type TakenFrom = "session" | "away" | "replica";

/** What the peer is told when its session begins. */
export interface Acceptance {
  readonly generation: number;
  readonly deadlines: SessionDeadlines;
  /** False: both count from 1, and what it sent without a confirmation may or may not have arrived. */
  readonly isResumed: boolean;
  /** The highest of its numbers that is confirmed: it sends what is above once more. */
  readonly received: number;
  /** Absent: nothing was known of it. The peer is not told. */
  readonly takenFrom?: TakenFrom;
}

/** A message of a peer, as the application gets it. */
export interface SessionDelivery {
  readonly lineage: string;
  /** The one that waits in the inbox. */
  readonly message: SessionMessage;
  /** Of the token in force when it came, as JSON. */
  readonly claims: string;
  /** The application of another replica may have had it. */
  readonly isRedelivered: boolean;
}

/** What is to be done, in this order. */
export type PeerEffect =
  | { readonly kind: "accept"; readonly sessionId: string; readonly acceptance: Acceptance }
  | { readonly kind: "transmit"; readonly sessionId: string; readonly message: SessionMessage }
  | { readonly kind: "confirm"; readonly sessionId: string; readonly seq: number }
  | { readonly kind: "extend"; readonly sessionId: string; readonly deadlines: SessionDeadlines }
  /** Nothing that comes from this session counts any more. */
  | { readonly kind: "close"; readonly sessionId: string; readonly end: SessionEnd }
  /** To the application, which says `taken` once it has it. */
  | ({ readonly kind: "deliver" } & SessionDelivery)
  /** `moved`: another replica sees to it, if it is asked with the same id. */
  | { readonly kind: "answer"; readonly id: string; readonly outcome: SendOutcome | "moved" }
  | { readonly kind: "tell"; readonly news: SessionNews };

/** What the application hears of its peers. */
export type SessionNews =
  | { readonly kind: "opened" | "resumed"; readonly sessionId: string; readonly generation: number }
  /** Without a code: the connection was lost, or its owner closed it. */
  | { readonly kind: "closed"; readonly sessionId: string; readonly code?: EndCode };

export interface PeerStep {
  /** Absent: nothing of the peer is left. */
  readonly state?: PeerState;
  readonly effects: readonly PeerEffect[];
}

export interface SessionRules {
  /** So long after the end of its token a session is closed, in milliseconds. */
  readonly graceMs: number;
  /** So long a peer that is away is kept, with what waits for it, in milliseconds. */
  readonly keepMs: number;
  /** Messages that may be unconfirmed, in each direction. */
  readonly queueMessages: number;
  /** Their bytes, in each direction. */
  readonly queueBytes: number;
}

/** What an event is judged by. */
export interface PeerContext {
  readonly nowMs: number;
  /** From 0 to below 1, drawn anew for each event. */
  readonly chance: number;
  readonly rules: SessionRules;
}
