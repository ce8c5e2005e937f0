import type { SessionMessage } from "../core/outbox.ts";
import type { OpenSession, PeerKey, PeerState, SessionNews } from "../core/peer-state.ts";
import type { EndCode } from "../core/session-end.ts";
import type { SessionService } from "../session-service.ts";
import type { ApplicationFrame, DeliveryFrame, HubEndCode, HubFrame, OpenedFrame, SentFrame } from "./hub-frames.ts";

/** What the application beside the gateway may ask of its sessions. */
export type HubSessions = Pick<SessionService, "send" | "taken" | "remove" | "peers" | "find" | "size">;

/** The way to an application. */
export interface HubPipe {
  /** @returns Whether there is room for more; where not, {@link Attachment.drained} is to say when */
  write(frame: HubFrame): boolean;
  /** What the application says is left with it until `resume`. */
  pause(): void;
  resume(): void;
  /** Says why, and ends it. */
  close(code: HubEndCode): void;
}

/** What is remembered of a message that waits for the application. */
export interface Arrival {
  /** Of the token that was in force when it came, as JSON. */
  readonly claims: string;
  /** The number of the attachment that it was written to last, 0 for one elsewhere; absent for one that nobody has had. */
  readonly shownTo?: number;
}

/** What an attachment asks of the hub that it is of. */
export interface AttachmentDesk {
  readonly sessions: HubSessions;
  /** By the messages themselves, as they wait in the inboxes: what is gone there is forgotten here. */
  readonly arrivals: WeakMap<SessionMessage, Arrival>;
  send(peer: PeerKey, message: Omit<SessionMessage, "seq">): void;
  /** It is over. */
  left(attachment: Attachment): void;
  /** A message was written once more. */
  redelivered(): void;
}

/** What the application was told of a peer: that this session is open, and not yet that it ended. */
interface ToldSession {
  readonly sessionId: string;
  readonly ended?: { readonly code?: EndCode };
}

/** Answers that may wait for an application that does not read, before nothing more is read from it. */
const mostAnswers = 1024;

/**
 * One application. It is written to as fast as it reads, and nothing is piled up for it: what it is to hear of a peer is looked up in the
 * sessions when there is room. So it hears how things are, not all that they were meanwhile; messages wait with their peers.
 */
export class Attachment {
  readonly #desk: AttachmentDesk;
  readonly #pipe: HubPipe;
  readonly #number: number;
  /** Peers of whom there may be something to say, in their turn. Without a peer: that it has heard of all that were there. */
  readonly #due = new Map<string, PeerKey | undefined>();
  readonly #told = new Map<string, ToldSession>();
  readonly #answers: SentFrame[] = [];
  #news: Generator<HubFrame, void>;
  #hasRoom = true;
  #isPaused = false;
  #isOver = false;

  /** @param number - Another one for each */
  constructor(desk: AttachmentDesk, pipe: HubPipe, number: number) {
    this.#desk = desk;
    this.#pipe = pipe;
    this.#number = number;
    this.#news = this.#tellAll();
  }

  /** How much is kept of all that there may be to say. */
  get remembered(): number {
    return this.#due.size + this.#told.size + this.#answers.length;
  }

  /** Tells who is there, and then what happens. */
  begin(): void {
    for (const peer of this.#desk.sessions.peers()) this.#due.set(keyOf(peer), peer);
    this.#due.set(keyOfAll, undefined);
    this.#write();
  }

  heard(frame: ApplicationFrame | undefined): void {
    if (this.#isOver) return;
    switch (frame?.kind) {
      case undefined:
        this.end("BadMessage");
        return;
      case "taken":
        this.#desk.sessions.taken(frame.peer, frame);
        return;
      case "send":
        this.#desk.send(frame.peer, frame.message);
        return;
      case "unfit":
        this.answer({ peer: frame.peer, id: frame.id, outcome: "refused" });
        return;
      case "remove":
        this.#desk.sessions.remove(frame.peer);
        return;
      default:
        frame satisfies never;
    }
  }

  /** There is room again. */
  drained(): void {
    this.#hasRoom = true;
    this.#write();
  }

  /** The connection is gone, or the application has closed it. */
  lost(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#due.clear();
    this.#told.clear();
    this.#answers.length = 0;
    this.#desk.left(this);
  }

  end(code: HubEndCode): void {
    if (this.#isOver) return;
    this.lost();
    this.#pipe.close(code);
  }

  /** There is something to say of this peer. */
  look(peer: PeerKey): void {
    this.#due.set(keyOf(peer), peer);
    this.#forgetGone();
    this.#write();
  }

  hear(peer: PeerKey, news: SessionNews): void {
    const key = keyOf(peer);
    const told = this.#told.get(key);
    // It may be the end of a newer one, which was never told of
    if (news.kind === "closed" && told && this.#desk.sessions.find(peer)?.session?.id !== told.sessionId) {
      this.#told.set(key, { ...told, ended: news.code === undefined ? {} : { code: news.code } });
    }
    this.look(peer);
  }

  answer(answer: SentFrame): void {
    if (this.#isOver) return;
    this.#answers.push(answer);
    this.#write();
    if (this.#answers.length < mostAnswers || this.#isPaused) return;
    this.#isPaused = true;
    this.#pipe.pause();
  }

  #write(): void {
    while (this.#hasRoom && !this.#isOver) {
      const frame = this.#next();
      if (frame === undefined) return;
      this.#hasRoom = this.#pipe.write(frame);
    }
  }

  #next(): HubFrame | undefined {
    const answer = this.#answers.shift();
    if (this.#isPaused && this.#answers.length < mostAnswers / 2) {
      this.#isPaused = false;
      this.#pipe.resume();
    }
    if (answer) return { sent: answer };
    if (this.#due.size === 0) return undefined;
    const { value, done } = this.#news.next();
    if (done !== true) return value;
    this.#news = this.#tellAll();
    return this.#news.next().value ?? undefined;
  }

  /** A frame of each peer in turn, also of those that become due meanwhile. */
  *#tellAll(): Generator<HubFrame, void> {
    for (const [key, peer] of this.#due) {
      this.#due.delete(key);
      const frame = peer === undefined ? { ready: {} } : this.#frameOf(key, peer);
      if (frame === undefined) continue;
      if (peer !== undefined) this.#due.set(key, peer);
      yield frame;
    }
  }

  /** What is to be said next of a peer: that its session is open, what it has sent, that it is closed. */
  #frameOf(key: string, peer: PeerKey): HubFrame | undefined {
    const state = this.#desk.sessions.find(peer);
    const told = this.#told.get(key);
    if (state?.session !== undefined && state.session.id !== told?.sessionId) {
      this.#told.set(key, { sessionId: state.session.id });
      return { opened: openedFrame(peer, state, state.session) };
    }
    const delivery = state && this.#deliveryOf(peer, state.inbox);
    if (delivery !== undefined) return { delivery };
    if (told?.ended === undefined) return undefined;
    this.#told.delete(key);
    return { closed: { peer, sessionId: told.sessionId, code: told.ended.code ?? "" } };
  }

  /** The first that was not written here. One that has not arrived at the hub yet is about to. */
  #deliveryOf(peer: PeerKey, { lineage, waiting }: PeerState["inbox"]): DeliveryFrame | undefined {
    const { arrivals } = this.#desk;
    const message = this.#firstNew(waiting);
    const arrival = message && arrivals.get(message);
    if (message === undefined || arrival === undefined) return undefined;
    const { claims: claimsJson, shownTo } = arrival;
    arrivals.set(message, { ...arrival, shownTo: this.#number });
    const redelivered = shownTo !== undefined;
    if (redelivered) this.#desk.redelivered();
    return { peer, lineage, ...message, redelivered, claimsJson };
  }

  /** Those that were written here come first. */
  #firstNew(waiting: readonly SessionMessage[]): SessionMessage | undefined {
    let [from, to] = [0, waiting.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      const one = waiting[middle];
      if (one && this.#desk.arrivals.get(one)?.shownTo === this.#number) from = middle + 1;
      else to = middle;
    }
    return waiting[from];
  }

  /** Peers that came and went unsaid: not more of them are kept than there are others. */
  #forgetGone(): void {
    const { sessions } = this.#desk;
    if (this.#due.size <= 2 * (sessions.size.peers + this.#told.size) + 64) return;
    for (const [key, peer] of this.#due) {
      if (peer !== undefined && !this.#told.has(key) && sessions.find(peer) === undefined) this.#due.delete(key);
    }
  }
}

const openedFrame = (
  peer: PeerKey,
  { generation, inbox: { lineage } }: PeerState,
  { id, token }: OpenSession,
): OpenedFrame => ({
  ...{ peer, sessionId: id, generation, resumed: lineage !== id, lineage },
  ...{ claimsJson: token.claims, kid: token.kid },
});

const keyOf = ({ subject, instanceId }: PeerKey): string => JSON.stringify([subject, instanceId]);

/** Of nobody. */
const keyOfAll = "";
