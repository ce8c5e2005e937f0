import type { ResumePoint } from "../../sessions/core/peer-state.ts";
import type { AcceptedFrame, ServerFrame } from "../../sessions/protocol/session-frames.ts";
import type { ConnectionEnd } from "../session-core/client-state.ts";
import { IncomingMessages } from "../session-core/incoming-messages.ts";
import { OutgoingMessages, type UnsentMessage } from "../session-core/outgoing-messages.ts";
import { Deliveries } from "./deliveries.ts";
import { inDoubt, notSent, queueFull, Sends, tooLarge } from "./sends.ts";
import type { SessionLink } from "./session-link.ts";

/** So much may wait for its turn: more than that is refused. */
interface WaitingBounds {
  readonly messages: number;
  readonly bytes: number;
}

/** The messages both ways, through all sessions of a client. */
export class Conversation {
  readonly deliveries = new Deliveries((id) => this.#taken(id));
  readonly #incoming = new IncomingMessages();
  readonly #outgoing = new OutgoingMessages();
  readonly #sends = new Sends();
  readonly #bounds: WaitingBounds;
  readonly #onGap: () => void;
  #link: SessionLink | undefined;
  #sessionId: string | undefined;
  #end: ConnectionEnd | undefined;
  #emptied: PromiseWithResolvers<void> = Promise.withResolvers();

  /** @param onGap - A message is missing: the connection can't be trusted */
  constructor(bounds: WaitingBounds, onGap: () => void) {
    this.#bounds = bounds;
    this.#onGap = onGap;
  }

  /** Where the next session is to go on; undefined before the first. */
  get resume(): ResumePoint | undefined {
    return this.#sessionId === undefined
      ? undefined
      : { sessionId: this.#sessionId, received: this.#incoming.takenSeq };
  }

  /** Resolves when all that was sent is confirmed, or known not to be. */
  async emptied(): Promise<void> {
    while (this.#sends.size > 0) await this.#emptied.promise;
  }

  /** Resolves when the application at the other side has it. */
  send(message: UnsentMessage): Promise<void> {
    const { id, payload } = message;
    if (this.#end) return Promise.reject(notSent(this.#end)(id));
    const same = this.#sends.find(id);
    if (same) return same;
    const { queued, queuedBytes } = this.#outgoing.size;
    const { messages, bytes } = this.#bounds;
    if (queued >= messages || queuedBytes + payload.byteLength > bytes) return Promise.reject(queueFull(id));
    const sent = this.#sends.add(id);
    this.#outgoing.add(message);
    this.#flush();
    return sent;
  }

  /** A session was accepted on this link; nothing goes over the one before any more. */
  begin(accepted: AcceptedFrame, link: SessionLink): void {
    const { sessionId, resumed: isResumed, received, queueMessages, queueBytes } = accepted;
    this.#link = link;
    this.#sessionId = sessionId;
    this.#incoming.begin({ isResumed, queueMessages });
    // What was confirmed over the session before may not have arrived there
    this.#confirm();
    const { confirmed, doubtful, again } = this.#outgoing.begin({ isResumed, received, queueMessages, queueBytes });
    for (const message of again) link.say({ message });
    this.#sends.confirm(confirmed);
    this.#sends.reject(doubtful, inDoubt);
    this.#flush();
  }

  /** The link is no good any more: what is sent waits for the next one. */
  pause(): void {
    this.#link = undefined;
  }

  heard(frame: ServerFrame): void {
    if ("message" in frame) {
      const heard = this.#incoming.heard(frame.message);
      if (heard === "new") this.deliveries.push(frame.message);
      else if (heard === "again") this.#confirm();
      else this.#onGap();
    } else if ("received" in frame) {
      this.#sends.confirm(this.#outgoing.confirm(frame.received.seq));
      this.#flush();
    }
  }

  /** Nothing goes any more, either way: whoever waits is told. */
  end(end: ConnectionEnd): void {
    this.#end = end;
    this.#link = undefined;
    const { doubtful, unsent } = this.#outgoing.end();
    this.#sends.reject(doubtful, inDoubt);
    this.#sends.reject(unsent, notSent(end));
    this.deliveries.end();
    this.#look();
  }

  #taken(id: string): void {
    if (this.#incoming.take(id)) this.#confirm();
  }

  #confirm(): void {
    const { takenSeq } = this.#incoming;
    if (takenSeq > 0) this.#link?.say({ received: { seq: takenSeq } });
  }

  #flush(): void {
    const link = this.#link;
    if (link) {
      for (let next = this.#outgoing.next(); next !== undefined; next = this.#outgoing.next())
        link.say({ message: next });
      for (let id = this.#outgoing.oversized(); id !== undefined; id = this.#outgoing.oversized())
        this.#sends.reject([id], tooLarge);
    }
    this.#look();
  }

  #look(): void {
    if (this.#sends.size > 0) return;
    this.#emptied.resolve();
    this.#emptied = Promise.withResolvers();
  }
}
