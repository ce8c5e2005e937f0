import type { SessionMessage } from "../../sessions/core/outbox.ts";

export type UnsentMessage = Omit<SessionMessage, "seq">;

/** What the gateway says when a session begins. */
export interface OutgoingTerms {
  /** Whether the messages count on. */
  readonly isResumed: boolean;
  /** The highest number that the application has. */
  readonly received: number;
  readonly queueMessages: number;
  readonly queueBytes: number;
}

/** What has become of messages when a session begins; ids in the order in which they were sent. */
export interface OutgoingAfterBegin {
  /** The application has them. */
  readonly confirmed: readonly string[];
  /** They may have arrived or not: nobody can say any more. */
  readonly doubtful: readonly string[];
  /** To be sent once more. */
  readonly again: readonly SessionMessage[];
}

/**
 * What the application sends: in its order, so much at a time as the gateway takes, and kept until it is confirmed. A message has its number
 * from when it is sent first.
 */
export class OutgoingMessages {
  #queued: UnsentMessage[] = [];
  #unconfirmed: SessionMessage[] = [];
  #lastSeq = 0;
  #unconfirmedBytes = 0;
  #queuedBytes = 0;
  #terms: Pick<OutgoingTerms, "queueMessages" | "queueBytes"> = { queueMessages: 0, queueBytes: 0 };

  /** What waits for its turn, and what was sent without a confirmation. */
  get size(): { readonly queued: number; readonly queuedBytes: number; readonly unconfirmed: number } {
    return { queued: this.#queued.length, queuedBytes: this.#queuedBytes, unconfirmed: this.#unconfirmed.length };
  }

  add(message: UnsentMessage): void {
    this.#queued.push(message);
    this.#queuedBytes += message.payload.byteLength;
  }

  /** The next one that may be sent now, with its number. */
  next(): SessionMessage | undefined {
    const [first] = this.#queued;
    if (first === undefined || !this.#hasRoom(first)) return undefined;
    this.#queued.shift();
    this.#queuedBytes -= first.payload.byteLength;
    const message = { seq: ++this.#lastSeq, ...first };
    this.#unconfirmed.push(message);
    this.#unconfirmedBytes += first.payload.byteLength;
    return message;
  }

  /** One that the gateway will never have room for, which is taken out; undefined where there is none. */
  oversized(): string | undefined {
    const [first] = this.#queued;
    if (first === undefined || this.#unconfirmed.length > 0 || this.#hasRoom(first)) return undefined;
    this.#queued.shift();
    this.#queuedBytes -= first.payload.byteLength;
    return first.id;
  }

  /** The application at the other side has everything up to this number. The ids of what it had not before. */
  confirm(seq: number): readonly string[] {
    const open = this.#unconfirmed.findIndex((message) => message.seq > seq);
    const done = this.#unconfirmed.splice(0, open === -1 ? this.#unconfirmed.length : open);
    for (const { payload } of done) this.#unconfirmedBytes -= payload.byteLength;
    return done.map(({ id }) => id);
  }

  /** A session was accepted. */
  begin({ isResumed, received, queueMessages, queueBytes }: OutgoingTerms): OutgoingAfterBegin {
    this.#terms = { queueMessages, queueBytes };
    if (isResumed) return { confirmed: this.confirm(received), doubtful: [], again: [...this.#unconfirmed] };
    const doubtful = this.confirm(this.#lastSeq);
    this.#lastSeq = 0;
    return { confirmed: [], doubtful, again: [] };
  }

  /** Nothing is sent any more. */
  end(): { readonly doubtful: readonly string[]; readonly unsent: readonly string[] } {
    const unsent = this.#queued.splice(0).map(({ id }) => id);
    this.#queuedBytes = 0;
    return { doubtful: this.confirm(this.#lastSeq), unsent };
  }

  #hasRoom({ payload }: UnsentMessage): boolean {
    const { queueMessages, queueBytes } = this.#terms;
    return this.#unconfirmed.length < queueMessages && this.#unconfirmedBytes + payload.byteLength <= queueBytes;
  }
}
