import type { Cancel, Clock } from "../../time/clock.ts";
import type { SessionMessage } from "../core/outbox.ts";
import {
  type ClaimAnswer,
  type ClaimOrder,
  type ExchangeEffect,
  type ExchangeEvent,
  type PeerExchange,
  stepExchange,
} from "../core/peer-exchange.ts";
import type { MovedPeer, PeerKey, SendOutcome } from "../core/peer-state.ts";
import { peerName } from "../core/session-registry.ts";
import { packedAnswer, packedWord, readBusAnswer, readWord, type SendAnswer, topicOf } from "./bus-words.ts";
import type { BusReply, SessionBus } from "./session-bus.ts";

/** What other replicas ask of the sessions here. */
export interface ExchangeDesk {
  /** What is kept here of the peer. */
  held(peer: PeerKey): { readonly openedAtMs: number; readonly isTaken: boolean } | undefined;
  /** Its session here is over, and told so. */
  supersede(peer: PeerKey): void;
  /** Nothing of the peer is kept here any more; what was. */
  move(peer: PeerKey): MovedPeer | undefined;
  /** Kept here from now on, without a session. */
  bring(peer: PeerKey, moved: MovedPeer): void;
  send(peer: PeerKey, message: Omit<SessionMessage, "seq">): Promise<SendOutcome | "moved">;
  remove(peer: PeerKey): void;
}

export interface PeerExchangesOptions {
  readonly bus: SessionBus;
  readonly desk: ExchangeDesk;
  readonly clock: Clock;
  /** Of this replica, unlike any other's. */
  readonly replicaId: string;
}

/** A hello that waits for what other replicas have of its peer. */
export interface WaitingHello {
  /** Goes on; with what was kept elsewhere there is already something here. */
  admit(): void;
  /** The peer is elsewhere, and newer there. */
  refuse(): void;
}

/** Whoever asks for a peer waits for so long, in milliseconds: longer than {@link takingMs}. */
const claimMs = 2000;
/** The application has so long to take what it has heard, before it goes to another one. */
const takingMs = 1000;
/** Whoever sends is told after so long that the peer has not confirmed it yet. */
export const pendingMs = 3000;
/** Of one peer, while its hello waits. */
const mostEarly = 64;

interface ExchangeEntry {
  readonly peer: PeerKey;
  readonly unlisten: Cancel;
  readonly replies: Map<string, BusReply>;
  exchange?: PeerExchange;
  hello?: WaitingHello;
  /** Ends what is waited for: an answer, or the application. */
  endWait?: Cancel;
  early: { readonly message: Omit<SessionMessage, "seq">; readonly reply: BusReply }[];
}

/** The peers of this replica on the bus: each that is here, or is being asked for, listens to its topic. */
export class PeerExchanges {
  readonly #options: PeerExchangesOptions;
  readonly #entries = new Map<string, ExchangeEntry>();
  #claims = 0;

  constructor(options: PeerExchangesOptions) {
    this.#options = options;
  }

  /** Peers that this replica listens for. */
  get peers(): readonly PeerKey[] {
    return [...this.#entries.values()].map(({ peer }) => peer);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Something of the peer is kept from now on, or nothing any more. */
  noted(peer: PeerKey, isKnown: boolean): void {
    if (isKnown) this.#entryOf(peer);
    else this.#tidy(peer);
  }

  /** A peer says hello of which nothing is kept here: others are asked first. */
  hello(peer: PeerKey, hello: WaitingHello, openedAtMs: number): void {
    const entry = this.#entryOf(peer);
    const before = entry.hello;
    entry.hello = hello;
    before?.refuse();
    this.#step(entry, { kind: "hello", order: this.#orderAt(openedAtMs) });
  }

  /** A peer says hello of which something is kept here. */
  returned(peer: PeerKey): void {
    const entry = this.#entries.get(peerName(peer));
    if (entry?.exchange?.kind === "leaving") this.#step(entry, { kind: "returned" });
  }

  /** The application has taken something. */
  taken(peer: PeerKey): void {
    const entry = this.#entries.get(peerName(peer));
    if (entry?.exchange?.kind !== "leaving" || this.#options.desk.held(peer)?.isTaken === false) return;
    this.#step(entry, { kind: "settled" });
  }

  /** A hello of the peer waits here, so what is for it can wait as well. */
  isClaiming(peer: PeerKey): boolean {
    return this.#entries.get(peerName(peer))?.exchange?.kind === "claiming";
  }

  /** Says to the others that the peer is here; whoever has been later says so, and then it is not. */
  stand(peer: PeerKey): void {
    const { bus, clock, desk } = this.#options;
    const held = desk.held(peer);
    if (held === undefined) return;
    const order = this.#orderAt(held.openedAtMs);
    const stop = bus.ask(topicOf(peer), packedWord({ kind: "claim", claim: { kind: "standing", order } }), (bytes) => {
      const answer = bytes && readBusAnswer(bytes);
      const entry = this.#entries.get(peerName(peer));
      if (answer?.kind === "newer" && entry) this.#step(entry, { kind: "overruled", order });
      if (answer === undefined) end();
    });
    const forget = clock.after(claimMs, () => stop());
    const end = (): void => {
      forget();
      stop();
    };
  }

  /** Hellos that still wait are gone on with as they are. */
  close(): void {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const { unlisten, endWait, hello } of entries) {
      endWait?.();
      unlisten();
      hello?.admit();
    }
  }

  #orderAt(openedAtMs: number): ClaimOrder {
    return { openedAtMs, replicaId: this.#options.replicaId };
  }

  #entryOf(peer: PeerKey): ExchangeEntry {
    const key = peerName(peer);
    const known = this.#entries.get(key);
    if (known) return known;
    const unlisten = this.#options.bus.listen(topicOf(peer), (word, reply) => this.#hear(entry, word, reply));
    const entry: ExchangeEntry = { peer, unlisten, replies: new Map(), early: [] };
    this.#entries.set(key, entry);
    return entry;
  }

  /** Nothing is listened to for a peer of whom there is nothing here. */
  #tidy(peer: PeerKey): void {
    const entry = this.#entries.get(peerName(peer));
    if (entry === undefined || entry.exchange !== undefined || entry.hello !== undefined) return;
    if (this.#options.desk.held(peer) !== undefined) return;
    this.#entries.delete(peerName(peer));
    entry.unlisten();
  }

  #hear(entry: ExchangeEntry, bytes: Uint8Array, reply: BusReply): void {
    const word = readWord(bytes);
    const { peer } = entry;
    switch (word?.kind) {
      case "claim": {
        const id = `c${++this.#claims}`;
        entry.replies.set(id, reply);
        this.#step(entry, { kind: "claimed", claim: { id, ...word.claim } });
        return;
      }
      case "send":
        if (this.isClaiming(peer)) {
          if (entry.early.length < mostEarly) entry.early.push({ message: word.message, reply });
        } else this.#sendFor(entry, word.message, reply);
        return;
      case "remove":
        this.#options.desk.remove(peer);
        return;
      case undefined:
        return;
      default:
        word satisfies never;
    }
  }

  /** Answered in time, whatever the peer does. Where nothing is kept of it somebody else answers, or nobody. */
  #sendFor({ peer }: ExchangeEntry, message: Omit<SessionMessage, "seq">, reply: BusReply): void {
    const { desk, clock } = this.#options;
    if (desk.held(peer) === undefined) return;
    let isAnswered = false;
    const answer = (outcome: SendAnswer): void => {
      if (isAnswered) return;
      isAnswered = true;
      forget();
      reply(packedAnswer({ kind: "outcome", outcome }));
    };
    const forget = clock.after(pendingMs, () => answer("pending"));
    void desk.send(peer, message).then(answer);
  }

  #step(entry: ExchangeEntry, event: ExchangeEvent): void {
    const held = this.#options.desk.held(entry.peer);
    const before = entry.exchange;
    const { exchange, effects } = stepExchange(
      before,
      held && { order: this.#orderAt(held.openedAtMs), isTaken: held.isTaken },
      event,
    );
    if (exchange) entry.exchange = exchange;
    else delete entry.exchange;
    if (exchange?.kind !== before?.kind) this.#wait(entry);
    for (const effect of effects) this.#perform(entry, effect);
    if (before?.kind === "claiming" && exchange === undefined) {
      for (const { message, reply } of entry.early.splice(0)) {
        if (this.#options.desk.held(entry.peer)) this.#sendFor(entry, message, reply);
        else reply(packedAnswer({ kind: "outcome", outcome: "moved" }));
      }
    }
    forgetReplies(entry);
    this.#tidy(entry.peer);
  }

  /** The wait that was is over; what is under way now has its time. */
  #wait(entry: ExchangeEntry): void {
    const { clock } = this.#options;
    entry.endWait?.();
    delete entry.endWait;
    if (entry.exchange?.kind !== "leaving") return;
    entry.endWait = clock.after(takingMs, () => this.#step(entry, { kind: "settled" }));
  }

  #perform(entry: ExchangeEntry, effect: ExchangeEffect): void {
    const { desk } = this.#options;
    const { peer, hello } = entry;
    switch (effect.kind) {
      case "claim":
        this.#claim(entry, effect.order);
        return;
      case "answer":
        this.#answer(entry, effect.to.id, effect.answer);
        return;
      case "admit":
        delete entry.hello;
        if (effect.peer) desk.bring(peer, effect.peer);
        hello?.admit();
        return;
      case "refuse":
        delete entry.hello;
        hello?.refuse();
        return;
      case "supersede":
        desk.supersede(peer);
        return;
      case "handOver": {
        const moved = desk.move(peer);
        this.#answer(entry, effect.to.id, { kind: "yours", ...(moved && { peer: moved }) });
        return;
      }
      case "letGo":
        desk.move(peer);
        return;
      default:
        effect satisfies never;
    }
  }

  #claim(entry: ExchangeEntry, order: ClaimOrder): void {
    const { bus, clock } = this.#options;
    const word = packedWord({ kind: "claim", claim: { kind: "hello", order } });
    const end = (answer?: ClaimAnswer): void => this.#step(entry, { kind: "answered", ...(answer && { answer }) });
    const stop = bus.ask(topicOf(entry.peer), word, (bytes) => {
      const answer = bytes && readBusAnswer(bytes);
      if (bytes === undefined) end();
      else if (answer !== undefined && answer.kind !== "outcome") end(answer);
    });
    const forget = clock.after(claimMs, () => end());
    entry.endWait = () => {
      forget();
      stop();
    };
  }

  #answer({ replies }: ExchangeEntry, id: string, answer: ClaimAnswer): void {
    const reply = replies.get(id);
    replies.delete(id);
    reply?.(packedAnswer(answer));
  }
}

/** But to whom something is still owed. */
function forgetReplies({ exchange, replies }: ExchangeEntry): void {
  const owed = exchange?.kind === "leaving" ? exchange.to : exchange?.passesTo;
  for (const id of replies.keys()) if (id !== owed?.id) replies.delete(id);
}
