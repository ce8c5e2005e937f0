import type { Clock } from "../time/clock.ts";
import type { PeerKey, PeerState, ResumePoint, SendOutcome, SessionDelivery, SessionNews } from "./core/peer-state.ts";
import type { SessionMessage } from "./core/outbox.ts";
import { final, retryable, retryableLater, type SessionEnd } from "./core/session-end.ts";
import {
  type RegistryEffect,
  type RegistryEffects,
  type RegistryRules,
  SessionRegistry,
} from "./core/session-registry.ts";
import type { SessionRevocation, SessionToken } from "./core/session-token.ts";
import type { ExchangeDesk } from "./bus/peer-exchanges.ts";
import { Replica } from "./bus/replica.ts";
import type { SessionBus } from "./bus/session-bus.ts";
import { EffectLoop } from "./effect-loop.ts";
import { type BearerJudge, judgeBearer } from "./judge-bearer.ts";
import { OpenConnections } from "./open-connections.ts";
import { type RenewedFrame, renewedFrame } from "./protocol/session-frames.ts";
import {
  type ConnectionDesk,
  connectionWatches,
  SessionConnection,
  type SessionInput,
  type SessionPipe,
  type SessionTimings,
} from "./session-connection.ts";
import { type SessionObserver, unobserved } from "./session-observer.ts";
import { WaitingSenders } from "./waiting-senders.ts";

/** Who hears what peers send, and of peers that come and go. */
export interface SessionApplication {
  /** To be answered with {@link SessionService.taken}, once it can't get lost any more. */
  deliver(peer: PeerKey, delivery: SessionDelivery): void;
  tell(peer: PeerKey, news: SessionNews): void;
}

export interface SessionServiceOptions extends BearerJudge {
  readonly application: SessionApplication;
  /** @default nobody hears */
  readonly observer?: SessionObserver;
  /** The way to other replicas, and what they call this one. @default there are no others */
  readonly replica?: { readonly bus: SessionBus; readonly id: string };
  readonly rules: RegistryRules;
  readonly timings: SessionTimings;
  readonly clock: Clock;
  /** A fresh id of a session at each call, that nobody can guess. */
  readonly newId: () => string;
}

/** What became of a renewal in place. */
export type RenewalAnswer =
  | { readonly kind: "renewed"; readonly frame: RenewedFrame }
  | { readonly kind: "refused"; readonly end: SessionEnd }
  /** The session is over, or the token ends sooner than the one in force. */
  | { readonly kind: "tooLate" };

/** All sessions of a gateway, over whatever transport: the pure core, with a clock, a verifier and connections. */
export class SessionService {
  readonly #options: SessionServiceOptions;
  readonly #registry: SessionRegistry;
  readonly #connections: OpenConnections;
  readonly #desk: ConnectionDesk;
  readonly #observer: SessionObserver;
  readonly #senders = new WaitingSenders();
  /** Absent where there are no others: then nothing waits for anybody. */
  readonly #replica: Replica | undefined;
  #emptied: PromiseWithResolvers<void> | undefined;
  readonly #loop: EffectLoop;

  constructor(options: SessionServiceOptions) {
    this.#options = options;
    this.#observer = options.observer ?? unobserved;
    const { rules, chance, clock, replica } = options;
    this.#connections = new OpenConnections(options);
    this.#registry = new SessionRegistry(rules, chance, (peer, isKnown) => this.#noted(peer, isKnown));
    this.#loop = new EffectLoop({ clock, registry: this.#registry, perform: (effect) => this.#perform(effect) });
    this.#replica =
      replica && new Replica({ bus: replica.bus, replicaId: replica.id, clock, desk: this.#exchangeDesk() });
    this.#desk = this.#newDesk();
  }

  get size(): SessionRegistry["size"] {
    return this.#registry.size;
  }

  /** All that are known, also those that are away. */
  peers(): Iterable<PeerKey> {
    return this.#registry.peers();
  }

  /** What is known of a peer. */
  find(peer: PeerKey): PeerState | undefined {
    return this.#registry.find(peer);
  }

  /** What may wait of one peer. */
  get rules(): RegistryRules {
    return this.#options.rules;
  }

  /** A client has connected, and shown this token. Where it is no good, or one too many, the pipe is closed at once. */
  connect(token: string, pipe: SessionPipe): SessionInput {
    const { chance, rules } = this.#options;
    // Each session has one, and while it is superseded two. A transport may carry any number over one connection of its own
    const isFull = this.#desk.connections.size >= 2 * rules.peers;
    const connection = new SessionConnection(this.#desk, token, pipe);
    const judged = isFull ? retryableLater("TooMany", chance()) : judgeBearer(this.#options, token, this.#nowMs());
    if ("code" in judged) connection.end(judged);
    return connection;
  }

  /** Another token for an open session. */
  renew(sessionId: string, token: string): RenewalAnswer {
    const judged = judgeBearer(this.#options, token, this.#nowMs());
    if ("code" in judged) return { kind: "refused", end: judged };
    const nowMs = this.#nowMs();
    const effects = this.#registry.renew(sessionId, judged, nowMs);
    if (effects === undefined) return { kind: "refused", end: final("Forbidden") };
    const extended = effects.map(({ effect }) => effect).find(({ kind }) => kind === "extend");
    this.#act(effects);
    if (extended?.kind !== "extend") return { kind: "tooLate" };
    return { kind: "renewed", frame: renewedFrame(extended.deadlines, this.#options.rules, nowMs) };
  }

  /** Resolves once the peer has it, or nobody can say any more, or at once where there is no room. */
  async send(peer: PeerKey, message: Omit<SessionMessage, "seq">): Promise<SendOutcome> {
    const isElsewhere = this.#replica !== undefined && this.#registry.find(peer) === undefined;
    const outcome = isElsewhere ? "moved" : await this.#sendHere(peer, message);
    if (outcome !== "moved") return outcome;
    return this.#replica?.send(peer, message) ?? "gone";
  }

  #sendHere(peer: PeerKey, message: Omit<SessionMessage, "seq">): Promise<SendOutcome | "moved"> {
    const answered = this.#senders.wait(peer, message.id);
    this.#act(this.#registry.send(peer, message, this.#nowMs()));
    return answered;
  }

  /** The application has what the peer sent, up to this number. */
  taken(peer: PeerKey, upTo: { readonly lineage: string; readonly seq: number }): void {
    this.#act(this.#registry.taken(peer, upTo, this.#nowMs()));
    this.#replica?.taken(peer);
  }

  /** Every session that it concerns is told before this returns. */
  revoke(revocation: SessionRevocation): void {
    this.#act(this.#registry.revoke(revocation, this.#nowMs()));
  }

  /** The peer is forgotten, at whichever replica it is. */
  remove(peer: PeerKey): void {
    this.#act(this.#registry.remove(peer, this.#nowMs()));
    this.#replica?.remove(peer);
  }

  /** No session begins any more; those that are open end at moments of chance within so long. */
  drain(withinMs: number): void {
    this.#act(this.#registry.drain(withinMs, this.#nowMs()));
  }

  /** Resolves when nothing is kept of any peer. */
  emptied(): Promise<void> {
    if (this.#registry.size.peers > 0) this.#emptied ??= Promise.withResolvers();
    return this.#emptied?.promise ?? Promise.resolve();
  }

  #noted(peer: PeerKey, isKnown: boolean): void {
    this.#replica?.noted(peer, isKnown);
    if (isKnown || this.#registry.size.peers > 0) return;
    this.#emptied?.resolve();
    this.#emptied = undefined;
  }

  /** Everything ends now. */
  close(): void {
    this.#act(this.#registry.end(this.#nowMs()));
    this.#replica?.close();
  }

  #nowMs(): number {
    return this.#options.clock.nowMs();
  }

  /** The token is judged once more when the hello comes: it may have been revoked since. */
  #newDesk(): ConnectionDesk {
    const { clock, timings } = this.#options;
    return {
      ...{ clock, observer: this.#observer, watches: connectionWatches(clock, timings), connections: new Set() },
      begin: (connection, hello) => {
        const { token } = hello;
        const judged = judgeBearer(this.#options, token, this.#nowMs());
        if ("code" in judged) {
          connection.end(judged);
          return;
        }
        const peer = { subject: judged.subject, instanceId: hello.instanceId };
        // Whom it refuses it takes from no other replica
        if (this.#replica === undefined || this.#registry.refusal(peer, hello.resume)) {
          this.#open(peer, judged, { connection, hello });
          return;
        }
        this.#replica.hello(peer, {
          admit: () => {
            // Revoked, or over, since
            const now = judgeBearer(this.#options, token, this.#nowMs());
            if ("code" in now) connection.end(now);
            else if (!connection.isOver) this.#open(peer, now, { connection, hello });
          },
          refuse: () => connection.end(retryable("Superseded")),
        });
      },
      from: (event) => {
        if (event.kind === "lost") this.#connections.lost(event.sessionId);
        this.#act(this.#registry.from(event, this.#nowMs()));
      },
    };
  }

  #open(peer: PeerKey, token: SessionToken, { connection, hello: { resume } }: Saying): void {
    const sessionId = this.#options.newId();
    this.#connections.begin(sessionId, connection);
    this.#act(this.#registry.open(peer, { sessionId, token, ...(resume && { resume }) }, this.#nowMs()));
  }

  /** What other replicas may do to the peers here. */
  #exchangeDesk(): ExchangeDesk {
    return {
      held: (peer) => {
        const state = this.#registry.find(peer);
        return state && { openedAtMs: state.openedAtMs, isTaken: state.inbox.waiting.length === 0 };
      },
      supersede: (peer) => this.#act(this.#registry.claimed(peer, this.#nowMs())),
      move: (peer) => {
        const { moved, effects } = this.#registry.move(peer, this.#nowMs());
        this.#act(effects);
        if (moved) this.#observer.moved();
        return moved;
      },
      bring: (peer, moved) => this.#act(this.#registry.bring(peer, moved, this.#nowMs())),
      send: (peer, message) => this.#sendHere(peer, message),
      remove: (peer) => this.#act(this.#registry.remove(peer, this.#nowMs())),
    };
  }

  #act(effects: RegistryEffects): void {
    this.#loop.act(effects);
  }

  #perform({ peer, effect }: RegistryEffect): void {
    if ("sessionId" in effect) {
      this.#connections.perform(effect);
      return;
    }
    const { application } = this.#options;
    switch (effect.kind) {
      case "deliver":
        this.#observer.delivered();
        application.deliver(peer, effect);
        return;
      case "answer":
        if (effect.outcome !== "moved") this.#observer.answered(effect.outcome);
        this.#senders.answer(peer, effect.id, effect.outcome);
        return;
      case "tell":
        application.tell(peer, effect.news);
        return;
      default:
        effect satisfies never;
    }
  }
}

/** Whoever says it, and what. */
interface Saying {
  readonly connection: SessionConnection;
  readonly hello: { readonly resume?: ResumePoint };
}
