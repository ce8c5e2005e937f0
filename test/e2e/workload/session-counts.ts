/** A message of a client that the application beside a gateway has heard. */
export interface LedgerEntry {
  /** Of this word alone: one that comes again, since its answer got lost, counts once. */
  readonly word: string;
  /** Of the application. */
  readonly pod: string;
  readonly instance: string;
  readonly id: string;
  /** It may have been heard before, by this one or another. */
  readonly redelivered: boolean;
}

/** How a client with a session fares. Messages are numbered from 1, and each is answered with an echo. */
export interface SessionReport {
  readonly instance: string;
  readonly transport: string;
  readonly sent: number;
  /** The gateways have said of all messages up to this one that the application has them. */
  readonly confirmed: number;
  /** All echoes up to this one have come. */
  readonly echoed: number;
  /** Echoes that came a second time. */
  readonly twice: readonly string[];
  /** Messages of which nobody could say whether they had arrived. */
  readonly inDoubt: readonly string[];
  /** Sessions that were opened. */
  readonly sessions: number;
  /** Codes with which connections ended that were not given up by the client itself. */
  readonly ends: readonly string[];
  /** Of the newest token: the grant's id, and which key signed it. */
  readonly grant: string;
  readonly kid: string;
  /** It is over, and why; empty: it goes on. */
  readonly ended: string;
}

/** What came of all sessions so far. */
export interface SessionCounts {
  readonly clients: readonly SessionReport[];
  /** Messages that the applications have heard, in all and by their pod. */
  readonly heard: number;
  readonly heardByPod: Readonly<Record<string, number>>;
  /** Of these, marked as possibly heard before. */
  readonly redelivered: number;
  /** Messages that were heard twice without a mark, and of which their senders were not told that they are in doubt: those may send them again. */
  readonly twice: readonly string[];
  /** Messages that were confirmed, and heard by nobody. */
  readonly lost: readonly string[];
}
