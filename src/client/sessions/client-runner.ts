import { clockWaitMs } from "../../deadline/clock-look.ts";
import type { Chance } from "../../time/backoff.ts";
import type { Cancel, Clock } from "../../time/clock.ts";
import { PassedTime } from "../../time/passed-time.ts";
import type { ServerFrame } from "../../sessions/protocol/session-frames.ts";
import {
  type ClientEffect,
  type ClientEvent,
  type ClientState,
  type ConnectionEnd,
  newClient,
  type SessionState,
} from "../session-core/client-state.ts";
import { noOtherEnd, ownEnd } from "../session-core/connection-end.ts";
import { clientWakeAtMs, stepClient } from "../session-core/step-client.ts";
import type { RenewedTerms } from "./client-words.ts";
import type { Conversation } from "./conversation.ts";
import type { LinkMaker, SessionLink } from "./session-link.ts";

/** Where the token of a session comes from: a `TokenKeeper`, or whatever has these. */
export interface SessionTokens {
  /** The newest token. */
  get(): Promise<string>;
  /** The gateway has refused this token, or it ends: another one, where there is one. @default then {@link get} alone is asked, later */
  refused?(accessToken: string): Promise<string | undefined>;
}

export interface RunnerParts {
  readonly instanceId: string;
  readonly tokens: SessionTokens;
  readonly connect: LinkMaker;
  readonly renewal: ClientState["renewal"];
  readonly clock: Clock;
  readonly chance: Chance;
  readonly conversation: Conversation;
  readonly tell: (state: SessionState) => void;
}

/** A gateway has so long to close what it was told to, in milliseconds. */
const closingMs = 5000;

/** Runs the state machine of one client: does its effects, and brings it what comes of them. */
export class ClientRunner {
  readonly #parts: RunnerParts;
  readonly #time: PassedTime;
  readonly #links = new Map<number, SessionLink>();
  /** Until those are cut that the gateway is to close. */
  readonly #retiring = new Map<number, Cancel>();
  readonly #events: ClientEvent[] = [];
  #isStepping = false;
  #state: ClientState;
  #timer: { readonly atMs: number; readonly cancel: Cancel } | undefined;
  /** Resolves when what was left in good order is over. */
  #farewell: Promise<unknown> = Promise.resolve();

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    this.#time = new PassedTime(parts.clock);
    this.#state = newClient(parts.renewal);
  }

  start(): void {
    this.#handle({ kind: "looked" });
  }

  /** In good order, where there is a connection. Resolves when that is over. */
  async leave(): Promise<void> {
    this.#handle({ kind: "left" });
    await this.#farewell;
  }

  /** The link that counts is broken: what comes over it makes no sense. */
  distrust(end: ConnectionEnd): void {
    const connection = this.#current;
    if (connection === undefined) return;
    this.#cut(connection);
    this.#handle({ kind: "lost", connection, end });
  }

  get #current(): number | undefined {
    const { phase } = this.#state;
    return phase.kind === "open" ? phase.session.connection : undefined;
  }

  /** One after the other: an effect may cause another event. */
  #handle(event: ClientEvent): void {
    this.#events.push(event);
    if (this.#isStepping) return;
    this.#isStepping = true;
    for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
      const at = { nowMs: this.#time.nowMs(), chance: this.#parts.chance() };
      const { state, effects } = stepClient(this.#state, next, at);
      this.#state = state;
      if (this.#current === undefined) this.#parts.conversation.pause();
      for (const effect of effects) this.#perform(effect);
    }
    this.#isStepping = false;
    this.#arm();
  }

  #perform(effect: ClientEffect): void {
    switch (effect.kind) {
      case "ask":
        void this.#ask(effect);
        return;
      case "connect":
        this.#connect(effect);
        return;
      case "beat":
        this.#links.get(effect.connection)?.say({ heartbeat: {} });
        return;
      case "renew":
        void this.#renew(effect);
        return;
      case "cut":
        this.#cut(effect.connection);
        return;
      case "retire":
        this.#retire(effect.connection);
        return;
      case "leave":
        this.#farewell = Promise.all([this.#farewell, this.#sayFarewell(effect.connection)]);
        return;
      case "tell":
        this.#parts.tell(effect.news);
        return;
      default:
        effect satisfies never;
    }
  }

  async #ask({ number, refused }: Extract<ClientEffect, { kind: "ask" }>): Promise<void> {
    const { tokens } = this.#parts;
    try {
      const first = await tokens.get();
      const token = first === refused ? await tokens.refused?.(first) : first;
      if (token === undefined || token === refused) this.#handle({ kind: "notGiven", number, end: noOtherEnd });
      else this.#handle({ kind: "given", number, token });
    } catch (error) {
      this.#handle({ kind: "notGiven", number, end: endOfKeeper(error) });
    }
  }

  #connect({ connection, token }: Extract<ClientEffect, { kind: "connect" }>): void {
    const { connect, conversation, instanceId } = this.#parts;
    const link = connect(token, {
      heard: (frame) => this.#heard(connection, frame),
      lost: (end) => {
        this.#forget(connection);
        this.#handle({ kind: "lost", connection, end });
      },
    });
    this.#links.set(connection, link);
    const { resume } = conversation;
    link.say({ hello: { instanceId, ...(resume && { resume }) } });
  }

  async #renew({ number, session, token }: Extract<ClientEffect, { kind: "renew" }>): Promise<void> {
    const { connection, sessionId } = session;
    const terms = await this.#links.get(connection)?.renew(sessionId, token);
    if (terms) this.#handle({ kind: "renewed", connection, terms: termsOf(terms), token });
    else this.#handle({ kind: "notRenewed", number });
  }

  #heard(connection: number, frame: ServerFrame | undefined): void {
    if (frame !== undefined && "accepted" in frame) {
      const before = this.#current;
      const { sessionId, heartbeatIntervalMs } = frame.accepted;
      const terms = termsOf(frame.accepted);
      this.#handle({
        kind: "accepted",
        connection,
        sessionId,
        heartbeatMs: Math.max(1000, heartbeatIntervalMs),
        terms,
      });
      const link = this.#links.get(connection);
      if (link && before !== connection && this.#current === connection)
        this.#parts.conversation.begin(frame.accepted, link);
    } else if (frame !== undefined && "closing" in frame) {
      const { code, reason, retry, afterMs } = frame.closing;
      this.#retire(connection);
      this.#handle({ kind: "lost", connection, end: { code, reason, isRetryable: retry, afterMs } });
    } else if (connection === this.#current) {
      this.#handle({ kind: "heard", connection });
      if (frame !== undefined && "renewed" in frame)
        this.#handle({ kind: "renewed", connection, terms: termsOf(frame.renewed) });
      else if (frame !== undefined) this.#parts.conversation.heard(frame);
    }
  }

  #cut(connection: number): void {
    this.#links.get(connection)?.cut();
    this.#forget(connection);
  }

  /** The gateway closes it; if it does not, we do. */
  #retire(connection: number): void {
    if (!this.#links.has(connection) || this.#retiring.has(connection)) return;
    this.#retiring.set(
      connection,
      this.#parts.clock.after(closingMs, () => this.#cut(connection)),
    );
  }

  #forget(connection: number): void {
    this.#links.delete(connection);
    this.#retiring.get(connection)?.();
    this.#retiring.delete(connection);
  }

  async #sayFarewell(connection: number): Promise<void> {
    const link = this.#links.get(connection);
    if (link === undefined) return;
    const late: PromiseWithResolvers<void> = Promise.withResolvers();
    const cancel = this.#parts.clock.after(closingMs, () => {
      link.cut();
      late.resolve();
    });
    // Not every WebSocket ends while the other side does not answer
    await Promise.race([link.leave(), late.promise]);
    cancel();
    this.#forget(connection);
  }

  /** One timer, that also sees a machine that slept. */
  #arm(): void {
    const { clock } = this.#parts;
    const atMs = clientWakeAtMs(this.#state);
    if (atMs < Infinity && atMs >= (this.#timer?.atMs ?? Infinity)) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (atMs === Infinity) return;
    const cancel = clock.after(clockWaitMs(atMs, this.#time.nowMs()), () => {
      this.#timer = undefined;
      this.#handle({ kind: "looked" });
    });
    this.#timer = { atMs, cancel };
  }
}

/** By the gateway's own clock; 0 is none. */
const termsOf = ({ serverNowUnixMs, sessionExpiresAtUnixMs, reconnectBeforeUnixMs }: RenewedTerms) => ({
  ...(sessionExpiresAtUnixMs > 0 && { expiresInMs: Math.max(0, sessionExpiresAtUnixMs - serverNowUnixMs) }),
  ...(reconnectBeforeUnixMs > 0 && { reconnectInMs: Math.max(0, reconnectBeforeUnixMs - serverNowUnixMs) }),
});

/** What a foreign keeper says may quote a token: its code alone is told. */
function endOfKeeper(error: unknown): ConnectionEnd {
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "NoToken";
  return ownEnd(code, "The keeper gives no token");
}
