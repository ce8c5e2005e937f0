import { clockWaitMs } from "../deadline/clock-look.ts";
import type { Cancel, Clock } from "../time/clock.ts";
import type { PeerKey, PeerState, SendOutcome, SessionDelivery, SessionNews } from "./core/peer-state.ts";
import type { SessionMessage } from "./core/outbox.ts";
import { final, type SessionEnd } from "./core/session-end.ts";
import {
  type RegistryEffect,
  type RegistryEffects,
  type RegistryRules,
  SessionRegistry,
} from "./core/session-registry.ts";
import type { SessionRevocation } from "./core/session-token.ts";
import { type BearerJudge, judgeBearer } from "./judge-bearer.ts";
import { acceptedFrame, type RenewedFrame, renewedFrame } from "./protocol/session-frames.ts";
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
  readonly #connections = new Map<string, SessionConnection>();
  readonly #desk: ConnectionDesk;
  readonly #observer: SessionObserver;
  readonly #senders = new WaitingSenders();
  /** What is still to be done: an effect may cause others, which come after those that were there before. */
  readonly #effects: RegistryEffect[] = [];
  #isActing = false;
  #timer: { readonly atMs: number; readonly cancel: Cancel } | undefined;

  constructor(options: SessionServiceOptions) {
    this.#options = options;
    this.#observer = options.observer ?? unobserved;
    this.#registry = new SessionRegistry(options.rules, options.chance);
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

  /** A client has connected, and shown this token. Where it is no good the pipe is closed at once. */
  connect(token: string, pipe: SessionPipe): SessionInput {
    const connection = new SessionConnection(this.#desk, token, pipe);
    const judged = judgeBearer(this.#options, token, this.#nowMs());
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
  send(peer: PeerKey, message: Omit<SessionMessage, "seq">): Promise<SendOutcome> {
    const answered = this.#senders.wait(peer, message.id);
    this.#act(this.#registry.send(peer, message, this.#nowMs()));
    return answered;
  }

  /** The application has what the peer sent, up to this number. */
  taken(peer: PeerKey, upTo: { readonly lineage: string; readonly seq: number }): void {
    this.#act(this.#registry.taken(peer, upTo, this.#nowMs()));
  }

  /** Every session that it concerns is told before this returns. */
  revoke(revocation: SessionRevocation): void {
    this.#act(this.#registry.revoke(revocation, this.#nowMs()));
  }

  remove(peer: PeerKey): void {
    this.#act(this.#registry.remove(peer, this.#nowMs()));
  }

  /** No session begins any more; those that are open end at moments of chance within so long. */
  drain(withinMs: number): void {
    this.#act(this.#registry.drain(withinMs, this.#nowMs()));
  }

  /** Everything ends now. */
  close(): void {
    this.#act(this.#registry.end(this.#nowMs()));
  }

  #nowMs(): number {
    return this.#options.clock.nowMs();
  }

  /** The token is judged once more when the hello comes: it may have been revoked since. */
  #newDesk(): ConnectionDesk {
    const { clock, timings, newId } = this.#options;
    return {
      ...{ clock, observer: this.#observer, watches: connectionWatches(clock, timings) },
      begin: (connection, { token, instanceId, resume }) => {
        const judged = judgeBearer(this.#options, token, this.#nowMs());
        if ("code" in judged) {
          connection.end(judged);
          return;
        }
        const sessionId = newId();
        this.#connections.set(sessionId, connection);
        const peer = { subject: judged.subject, instanceId };
        const opening = { sessionId, token: judged, ...(resume && { resume }) };
        this.#act(this.#registry.open(peer, opening, this.#nowMs()));
      },
      from: (event) => {
        if (event.kind === "lost") this.#connections.delete(event.sessionId);
        this.#act(this.#registry.from(event, this.#nowMs()));
      },
    };
  }

  #act(effects: RegistryEffects): void {
    // There may be more of them than a call takes arguments
    for (const effect of effects) this.#effects.push(effect);
    if (this.#isActing) return;
    this.#isActing = true;
    // Also those that come meanwhile
    for (const effect of this.#effects) this.#perform(effect);
    this.#effects.length = 0;
    this.#isActing = false;
    this.#arm();
  }

  #perform({ peer, effect }: RegistryEffect): void {
    const { application, rules, timings } = this.#options;
    const connection = "sessionId" in effect ? this.#connections.get(effect.sessionId) : undefined;
    switch (effect.kind) {
      case "accept":
        connection?.opened(effect.sessionId, effect.acceptance);
        connection?.send({ accepted: acceptedFrame(effect, { ...rules, ...timings }, this.#nowMs()) });
        return;
      case "transmit":
        connection?.send({ message: effect.message });
        return;
      case "confirm":
        connection?.send({ received: { seq: effect.seq } });
        return;
      case "extend":
        connection?.extended(effect.deadlines);
        connection?.send({ renewed: renewedFrame(effect.deadlines, rules, this.#nowMs()) });
        return;
      case "close":
        this.#connections.delete(effect.sessionId);
        connection?.end(effect.end);
        return;
      case "deliver":
        this.#observer.delivered();
        application.deliver(peer, effect);
        return;
      case "answer":
        this.#observer.answered(effect.outcome);
        this.#senders.answer(peer, effect.id, effect.outcome);
        return;
      case "tell":
        application.tell(peer, effect.news);
        return;
      default:
        effect satisfies never;
    }
  }

  /** One timer for all, that sees a clock that was set in time. */
  #arm(): void {
    const { clock } = this.#options;
    const atMs = this.#registry.wakeAtMs;
    if (atMs < Infinity && atMs >= (this.#timer?.atMs ?? Infinity)) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (atMs === Infinity) return;
    const cancel = clock.after(clockWaitMs(atMs, clock.nowMs()), () => {
      this.#timer = undefined;
      this.#act(this.#registry.look(clock.nowMs()));
    });
    this.#timer = { atMs, cancel };
  }
}
