/** A message of a session, either way. */
export interface SessionMessage {
  /** Counts from 1 in each direction, without a gap, through all sessions that go on with each other. */
  readonly seq: number;
  /** Chosen by the sender: two with one id are one message. */
  readonly id: string;
  readonly payload: Uint8Array;
}

/** What was sent to a peer and not confirmed, and what is remembered of the rest. */
export interface Outbox {
  /** In order, numbered without a gap up to `lastSeq`. */
  readonly waiting: readonly SessionMessage[];
  readonly lastSeq: number;
  /** Ids of those that were confirmed last: whoever sends one of them again is told so, and nothing is sent. */
  readonly confirmedIds: readonly string[];
}

export const emptyOutbox: Outbox = { waiting: [], lastSeq: 0, confirmedIds: [] };

/** More than a sender that asks again after a broken connection has under way; where more may be unconfirmed, as many. */
const leastRememberedIds = 64;

/** What becomes of a message with this id is settled without another one. */
export const isKnown = ({ waiting, confirmedIds }: Outbox, id: string): boolean =>
  waiting.some((one) => one.id === id) || confirmedIds.includes(id);

/** One more at the end, and the message as it is sent. */
export function withMessage(outbox: Outbox, { id, payload }: Omit<SessionMessage, "seq">): [Outbox, SessionMessage] {
  const message = { seq: outbox.lastSeq + 1, id, payload };
  return [{ ...outbox, waiting: [...outbox.waiting, message], lastSeq: message.seq }, message];
}

/** Without those up to this number, which the peer has; and their ids. At most `lastSeq`. */
export function confirmedUpTo(
  outbox: Outbox,
  seq: number,
  { queueMessages }: { readonly queueMessages: number },
): [Outbox, readonly string[]] {
  const done = outbox.waiting.filter((message) => message.seq <= seq).map(({ id }) => id);
  if (done.length === 0) return [outbox, done];
  const waiting = outbox.waiting.slice(done.length);
  const confirmedIds = [...outbox.confirmedIds, ...done].slice(-Math.max(leastRememberedIds, queueMessages));
  return [{ ...outbox, waiting, confirmedIds }, done];
}

/** Numbered from 1: for a peer that goes on with nothing. */
export const renumbered = (outbox: Outbox): Outbox => ({
  ...outbox,
  waiting: outbox.waiting.map((message, index) => ({ ...message, seq: index + 1 })),
  lastSeq: outbox.waiting.length,
});

/** How much lies in a queue, in bytes. */
export const bytesIn = (messages: readonly SessionMessage[]): number =>
  messages.reduce((sum, { payload }) => sum + payload.byteLength, 0);
