import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  connect,
  credsAuthenticator,
  type Msg,
  type NatsConnection,
  type NodeConnectionOptions,
  type Subscription,
} from "@nats-io/transport-node";
import type { Cancel, Clock } from "../../../time/clock.ts";
import type { BusOptions } from "../../sessions-options.ts";
import type { BusReply, SessionBus } from "../session-bus.ts";
import { busUnusable } from "../bus-place.ts";
import { answerInPieces, PieceReader } from "./pieces.ts";

export interface NatsBusOptions extends BusOptions {
  readonly clock: Pick<Clock, "after">;
  /** @default nobody hears */
  readonly observer?: BusObserver;
}

interface BusObserver {
  /** The bus is there, or away: also when it has not been there for five seconds after the start. */
  changed(isConnected: boolean): void;
  /** Why there is no connection, or what a server refuses. The same again is not said again before there was one. */
  failed(why: Error): void;
}

export interface NatsBus extends SessionBus {
  close(): Promise<void>;
}

/** A server that does not answer is away after two of them, in milliseconds. */
const pingMs = 5000;
const retryMs = { wait: 250, jitter: 250, failed: 1000 };
/** So long the first connection may take before it is said that there is none, in milliseconds. */
const firstMs = 5000;
/** Least room of a server for one message: that of a peer is 64 KiB at most. */
const leastPayload = 131_072;

/**
 * The bus over NATS. Connects by itself, now and whenever it has to: until then it is away, which is no error.
 *
 * @param options - That have passed `checkBus`
 */
export const natsBus = (options: NatsBusOptions): NatsBus => new ConnectedBus(options);

/** What the file holds, or held: it may be about to be replaced. */
function lastRead(file: string): () => Uint8Array {
  let last: Uint8Array = new Uint8Array();
  return () => {
    try {
      last = readFileSync(file);
    } catch {
      // The one before
    }
    return last;
  };
}

interface TopicListener {
  readonly hear: (word: Uint8Array, answer: BusReply) => void;
  subscription?: Subscription;
}

class ConnectedBus implements NatsBus {
  readonly #options: NatsBusOptions;
  readonly #listeners = new Map<string, Set<TopicListener>>();
  readonly #questions = new Map<
    string,
    { readonly hear: (answer: Uint8Array | undefined) => void; reader: PieceReader }
  >();
  readonly #reconnected = new Set<() => void>();
  /** Answers to this replica come there: under names that nobody guesses. */
  readonly #answers: string;
  #asked = 0;
  #connection: NatsConnection | undefined;
  #isConnected = false;
  #isClosed = false;
  #lastFailure: string | undefined;
  readonly #stopWaiting: Cancel;
  #stopPause: Cancel | undefined;
  #connecting: Promise<void>;

  constructor(options: NatsBusOptions) {
    this.#options = options;
    this.#stopWaiting = options.clock.after(firstMs, () => options.observer?.changed(false));
    this.#answers = `${options.prefix}.answers.${randomBytes(16).toString("hex")}`;
    this.#connecting = this.#connect();
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  onReconnected(listener: () => void): () => void {
    this.#reconnected.add(listener);
    return () => this.#reconnected.delete(listener);
  }

  listen(topic: string, hear: TopicListener["hear"]): () => void {
    const listener: TopicListener = { hear };
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners.add(listener));
    this.#subscribe(topic, listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(topic);
      listener.subscription?.unsubscribe();
    };
  }

  ask(topic: string, word: Uint8Array, hear: (answer: Uint8Array | undefined) => void): () => void {
    const id = String(++this.#asked);
    this.#questions.set(id, { hear, reader: new PieceReader() });
    const isSent = this.#publish(`${this.#options.prefix}.peers.${topic}`, word, `${this.#answers}.${id}`);
    if (!isSent) queueMicrotask(() => this.#questions.get(id)?.hear(undefined));
    return () => this.#questions.delete(id);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopWaiting();
    this.#stopPause?.();
    const wasConnected = this.#isConnected;
    this.#isConnected = false;
    try {
      // What was said last still goes
      await (wasConnected ? this.#connection?.drain() : (this.#connection?.close() ?? this.#connecting));
    } catch {
      // It was lost meanwhile
    }
  }

  /** Again, should the library give up, as it does where the first connection comes to nothing. */
  async #connect(): Promise<void> {
    try {
      await this.#serve(await connect(this.#connectionOptions()));
    } catch (error) {
      if (!this.#isClosed) this.#again(error);
    }
  }

  #connectionOptions(): NodeConnectionOptions {
    const { servers, credentialsFile, caFile } = this.#options;
    const isTls = caFile !== undefined || servers.some((server) => server.startsWith("tls:"));
    return {
      servers: [...servers],
      name: "keyturn",
      noEcho: true,
      ignoreAuthErrorAbort: true,
      maxReconnectAttempts: -1,
      reconnectDelayHandler: () => retryMs.wait + Math.random() * retryMs.jitter,
      pingInterval: pingMs,
      maxPingOut: 2,
      ...(isTls && { tls: caFile === undefined ? {} : { caFile } }),
      ...(credentialsFile !== undefined && { authenticator: credsAuthenticator(lastRead(credentialsFile)) }),
    };
  }

  async #serve(connection: NatsConnection): Promise<void> {
    if (this.#isClosed) {
      await connection.close();
      return;
    }
    this.#connection = connection;
    connection.subscribe(`${this.#answers}.*`, {
      callback: (error, message) => {
        if (!error) this.#answered(message);
      },
    });
    for (const [topic, listeners] of this.#listeners) for (const one of listeners) this.#subscribe(topic, one);
    void this.#watch(connection);
    await this.#begin(connection);
  }

  async #watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === "disconnect") this.#change(false);
      if (status.type === "reconnect") void this.#begin(connection);
      if (status.type === "error") this.#failed(status.error);
    }
    // The library has given up, as where credentials can't be read when it comes back
    this.#change(false);
    const why = await connection.closed();
    if (!this.#isClosed) this.#again(why);
  }

  #again(why: unknown): void {
    this.#failed(why instanceof Error ? why : new Error("unknown"));
    this.#stopPause = this.#options.clock.after(retryMs.failed, () => {
      this.#connecting = this.#connect();
    });
  }

  /** The server has heard of all that is listened to once it has answered. */
  async #begin(connection: NatsConnection): Promise<void> {
    try {
      await connection.flush();
    } catch {
      // Away again
      return;
    }
    if ((connection.info?.max_payload ?? 0) < leastPayload) {
      this.#failed(busUnusable(`server: max_payload must be ${leastPayload} or more`));
      return;
    }
    this.#change(true);
    for (const listener of this.#reconnected) listener();
  }

  #failed(why: Error): void {
    if (why.message === this.#lastFailure) return;
    this.#lastFailure = why.message;
    this.#options.observer?.failed(why);
  }

  #change(isConnected: boolean): void {
    if (isConnected) this.#lastFailure = undefined;
    if (this.#isClosed || this.#isConnected === isConnected) return;
    this.#isConnected = isConnected;
    this.#stopWaiting();
    this.#options.observer?.changed(isConnected);
  }

  #subscribe(topic: string, listener: TopicListener): void {
    const connection = this.#connection;
    if (connection === undefined || this.#isClosed || connection.isClosed()) return;
    const subject = `${this.#options.prefix}.peers.${topic}`;
    listener.subscription = connection.subscribe(subject, {
      callback: (error, { data, reply }) => {
        if (error) return;
        const limit = (connection.info?.max_payload ?? leastPayload) - 1024;
        listener.hear(data, (answer) => {
          if (reply === undefined) return;
          for (const piece of answerInPieces(answer, limit)) this.#publish(reply, piece);
        });
      },
    });
  }

  #answered({ subject, data, headers }: Msg): void {
    const question = this.#questions.get(subject.slice(subject.lastIndexOf(".") + 1));
    if (question === undefined) return;
    // "No Responders": nobody listens to that subject
    if (headers?.code === 503 && data.byteLength === 0) question.hear(undefined);
    else {
      const whole = question.reader.read(data);
      if (whole) question.hear(whole);
    }
  }

  /** False when the bus is away: what was to be said then must not come late. */
  #publish(subject: string, data: Uint8Array, reply?: string): boolean {
    const connection = this.#connection;
    if (connection === undefined || !this.#isConnected || connection.isClosed()) return false;
    connection.publish(subject, data, reply === undefined ? {} : { reply });
    return true;
  }
}
