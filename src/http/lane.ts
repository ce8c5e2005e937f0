import { type Server, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { HeaderList } from "./answer.ts";
import { type PlainRequest, plainRequest } from "./plain-request.ts";

export interface EmptyAnswer {
  readonly status: number;
  readonly headers: HeaderList;
}

/** Answers at once, without a body; undefined: node:http is to have the request. */
export type PlainHandler = (request: PlainRequest) => EmptyAnswer | undefined;

export interface LaneLimits {
  readonly headerBytes: number;
  readonly headerMs: number;
  /** What a client is told; the connection stays open a second longer, so that no request meets its end. */
  readonly idleMs: number;
}

const graceMs = 1000;

/**
 * A short way past node:http for the request that proxies send thousands of times a second: as long as each comes whole,
 * alone and plain, the answer is written straight to its connection. With the first byte that is anything else the connection
 * goes over to node:http, for good and with that byte; so nothing here parses, waits for more, or judges what is wrong.
 */
export class Lane {
  readonly #handler: PlainHandler;
  readonly #limits: LaneLimits;
  readonly #toNode: (socket: Socket) => void;
  readonly #sockets = new Set<Socket>();
  readonly #ending: string;
  #date = { second: Number.NaN, text: "" };

  /** Before the server has its first connection. */
  constructor(server: Server, handler: PlainHandler, limits: LaneLimits) {
    this.#handler = handler;
    this.#limits = limits;
    const listeners = server.listeners("connection");
    this.#toNode = (socket) => {
      for (const listener of listeners) Reflect.apply(listener, server, [socket]);
    };
    this.#ending = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(limits.idleMs / 1000)}\r\n\r\n`;
    server.removeAllListeners("connection");
    server.on("connection", (socket: Socket) => this.#take(socket));
  }

  /** Ends the connections that are here, each after what was written; nothing more is heard of them. */
  close(): void {
    for (const socket of this.#sockets) socket.removeAllListeners("data").destroySoon();
  }

  #take(socket: Socket): void {
    const { headerMs, idleMs } = this.#limits;
    this.#sockets.add(socket);
    let hasAsked = false;
    const onData = (bytes: Buffer): void => {
      if (!hasAsked) socket.setTimeout(idleMs + graceMs);
      hasAsked = true;
      const answer = this.#answerTo(socket, bytes);
      if (answer === undefined) handOver(bytes);
      else socket.write(answer, "latin1");
    };
    const onEnd = (): void => void socket.end();
    const onTimeout = (): void => void socket.destroy();
    // A client that went away is nobody's fault
    const onError = (): void => undefined;
    const onClose = (): void => void this.#sockets.delete(socket);
    const handOver = (bytes: Buffer): void => {
      socket
        .off("data", onData)
        .off("end", onEnd)
        .off("timeout", onTimeout)
        .off("error", onError)
        .off("close", onClose);
      this.#sockets.delete(socket);
      socket.setTimeout(0);
      socket.pause();
      socket.unshift(bytes);
      this.#toNode(socket);
      socket.resume();
    };
    // Who has not asked yet has no longer than a header may take
    socket.setTimeout(headerMs);
    socket.on("data", onData).on("end", onEnd).on("timeout", onTimeout).on("error", onError).on("close", onClose);
  }

  #answerTo(socket: Socket, bytes: Buffer): string | undefined {
    // node:http stops to listen to who does not take its answers; and its limit is its own to measure
    if (socket.writableNeedDrain || bytes.length > this.#limits.headerBytes / 2) return undefined;
    const request = plainRequest(bytes);
    const answer = request && this.#handler(request);
    return answer && this.#textOf(answer);
  }

  #textOf({ status, headers }: EmptyAnswer): string {
    let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
    for (let index = 0; index + 1 < headers.length; index += 2) text += `${headers[index]}: ${headers[index + 1]}\r\n`;
    return `${text}content-length: 0\r\nDate: ${this.#now()}\r\n${this.#ending}`;
  }

  /** RFC 9110 §5.6.7. */
  #now(): string {
    const nowMs = Date.now();
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#date.second) this.#date = { second, text: new Date(nowMs).toUTCString() };
    return this.#date.text;
  }
}
