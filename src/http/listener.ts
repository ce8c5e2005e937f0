import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Address, bind, portOf } from "./address.ts";
import type { Certificate } from "./certificate.ts";
import { Answering } from "./answering.ts";
import { answerUnreadable, type UnreadableAnswer } from "./unreadable.ts";
import { Connections, type ConnectionsLimit } from "./connections.ts";

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

type TakeOver = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** What a client may cost. All in bytes, milliseconds or numbers. */
export interface Limits {
  /** Of all header lines of a request; more is 431. @default 32768: a token of 16 KiB with room for the rest */
  readonly headerBytes?: number;
  /** Until the header of a request has come, also the first of a connection; more is 408. @default 5000 */
  readonly headerMs?: number;
  /** Until all of a request has come; more is 408. 0: it may take as long as it likes. @default 10000 */
  readonly requestMs?: number;
  /** A connection without a request is closed after this; longer than any proxy keeps one. @default 90000 */
  readonly idleMs?: number;
  /** So long a client may take no byte of an answer, and an answer say none. 0: without end. @default idleMs + requestMs */
  readonly silentMs?: number;
  /** Open at the same time. @default 4096 */
  readonly connections?: number;
  /** @default refuse */
  readonly whenFull?: ConnectionsLimit["whenFull"];
  /** How often slow requests are looked for. @default 1000 */
  readonly checkMs?: number;
}

/** What listens on an address, and ends in good order. */
export interface Listener {
  /** Of TCP; 0 for a Unix socket. */
  readonly port: number;
  /**
   * Takes no new connection, lets what was begun come to its end, and cuts off what is left after so long. Resolves when no
   * connection is left.
   */
  drain(withinMs: number): Promise<void>;
}

/** What answers on a port. */
export interface Face {
  readonly handler: Handler;
  /**
   * Takes over the connection of a request for another protocol (RFC 9110 §7.8), from then on without limits of time.
   *
   * @default such a request is answered as any other
   */
  readonly upgrade?: TakeOver;
  /** Of which requests for another protocol it takes the connection over. @default all */
  readonly isUpgrade?: (request: IncomingMessage) => boolean;
  /** As `upgrade`, for CONNECT (RFC 9110 §9.3.6). @default the connection is closed */
  readonly connect?: TakeOver;
  /** The handler answers `Expect: 100-continue` itself (RFC 9110 §10.1.1). @default it is answered at once */
  readonly continues?: boolean;
  /** It speaks HTTPS, with the newest of these. @default HTTP in clear text */
  readonly certificate?: Certificate;
  /** The body for a request that can't be read. @default none */
  readonly unreadable?: UnreadableAnswer;
  /** Told when the drain begins: what has no end of its own, an event stream or a WebSocket, is to come to one now. */
  readonly onDrain?: () => void;
}

/** Serves HTTP/1.1. @throws ChangeNeededError `AddressUnusable` */
export async function listen(address: Address, face: Face, limits: Limits = {}): Promise<Listener> {
  const all = withDefaults(limits);
  const answering = new Answering();
  let draining = false;
  const handler: Handler = (request, response) => {
    if (draining) response.shouldKeepAlive = false;
    face.handler(request, response);
    if (!response.writableEnded) answering.add(response);
  };
  const server = serverOf(all, handler, face);
  takingOver(server, face);
  if (face.unreadable) {
    const isAnswering = (to: Duplex): boolean => answering.all().some((one) => one.socket === to && one.headersSent);
    answerUnreadable(server, face.unreadable, isAnswering);
  }
  const connections = new Connections(server, {
    most: all.connections,
    whenFull: all.whenFull,
    isTls: face.certificate !== undefined,
  });
  if (all.whenFull === "endQuietest") {
    server.on("request", ({ socket }: IncomingMessage) => connections.heard(socket));
  }
  await bind(server, address);
  return {
    port: portOf(server),
    drain: async (withinMs) => {
      draining = true;
      for (const response of answering.all()) endAfter(response);
      connections.endSilent();
      const closed = connections.close(withinMs);
      face.onDrain?.();
      await closed;
    },
  };
}

/** Ends the connection after this answer; where its header is out already, without having said so. */
function endAfter(response: ServerResponse): void {
  response.shouldKeepAlive = false;
  const { socket, headersSent } = response;
  if (headersSent) response.on("finish", () => socket?.destroySoon());
}

const defaults: Omit<Required<Limits>, "silentMs"> = {
  headerBytes: 32_768,
  headerMs: 5000,
  requestMs: 10_000,
  idleMs: 90_000,
  connections: 4096,
  whenFull: "refuse",
  checkMs: 1000,
};

function withDefaults(limits: Limits): Required<Limits> {
  const all = { ...defaults, ...limits };
  return { silentMs: all.idleMs + all.requestMs, ...all };
}

function serverOf(limits: Required<Limits>, handler: Handler, { certificate, isUpgrade, continues }: Face): Server {
  const { headerBytes, headerMs, requestMs, idleMs, silentMs, checkMs } = limits;
  const options = {
    maxHeaderSize: headerBytes,
    headersTimeout: headerMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: checkMs,
    keepAliveTimeout: idleMs,
    // No stream, and no events of one, where no body is announced
    optimizeEmptyRequests: true,
    ...(isUpgrade && { shouldUpgradeCallback: isUpgrade }),
  };
  const listener: RequestListener = (request, response) => {
    // A client that went away is nobody's fault
    response.on("error", () => undefined);
    handler(request, response);
  };
  const server = certificate
    ? tlsServer(certificate, { ...options, handshakeTimeout: headerMs }, listener)
    : createServer(options, listener);
  if (continues === true) server.on("checkContinue", listener);
  // Of a client that asks and does not take the answers
  server.setTimeout(silentMs);
  return server;
}

/** New connections get the newest certificate; those that are open keep theirs. */
function tlsServer(certificate: Certificate, options: object, listener: RequestListener): Server {
  const server = createTlsServer({ minVersion: "TLSv1.2", ...certificate.current, ...options }, listener);
  certificate.follow((pair) => server.setSecureContext({ minVersion: "TLSv1.2", ...pair }));
  return server;
}

function takingOver(server: Server, { upgrade, connect }: Face): void {
  const unlimited =
    (take: TakeOver): TakeOver =>
    (request, socket, head) => {
      if (socket instanceof Socket) socket.setTimeout(0);
      take(request, socket, head);
    };
  if (upgrade) server.on("upgrade", unlimited(upgrade));
  if (connect) server.on("connect", unlimited(connect));
}
