import { once } from "node:events";
import { chmod, lstat, unlink } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Server as SocketServer, Socket } from "node:net";
import { errnoOf, unlessMissing } from "../files/fs-errors.ts";
import { ChangeNeededError } from "../errors/keyturn-error.ts";

/** Where to listen: a TCP port, 0 for any that is free, or a Unix socket. */
export type Address =
  | { readonly kind: "tcp"; readonly host?: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** What a client may cost. All in bytes, milliseconds or numbers. */
export interface Limits {
  /** Of all header lines of a request; more is 431. @default 32768: a token of 16 KiB with room for the rest */
  readonly headerBytes?: number;
  /** Until the header of a request has come; more is 408. @default 5000 */
  readonly headerMs?: number;
  /** Until all of a request has come; more is 408. @default 10000 */
  readonly requestMs?: number;
  /** A connection without a request is closed after this; longer than any proxy keeps one. @default 90000 */
  readonly idleMs?: number;
  /** Open at the same time; more are closed unheard. @default 4096 */
  readonly connections?: number;
  /** How often slow requests are looked for. @default 1000 */
  readonly checkMs?: number;
}

export interface Listener {
  /** Of TCP; 0 for a Unix socket. */
  readonly port: number;
  /**
   * Takes no new connection, answers what was begun, each with `Connection: close`, and ends what is left after so long.
   * Resolves when no connection is left.
   */
  drain(withinMs: number): Promise<void>;
}

/** @throws ChangeNeededError `AddressUnusable` */
export async function listen(address: Address, handler: Handler, limits: Limits = {}): Promise<Listener> {
  const all = { ...defaults, ...limits };
  const answering = new Set<ServerResponse>();
  let draining = false;
  const server = limited(all, (request, response) => {
    if (draining) response.shouldKeepAlive = false;
    handler(request, response);
    if (response.writableEnded) return;
    answering.add(response);
    response.on("close", () => answering.delete(response));
  });
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await bind(server, address);
  return {
    port: portOf(server),
    drain: async (withinMs) => {
      draining = true;
      for (const response of answering) response.shouldKeepAlive = false;
      // To Node a connection that has said nothing yet is not idle; proxies hold such ones ready
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
      await drained(server, sockets, withinMs);
    },
  };
}

const defaults: Required<Limits> = {
  headerBytes: 32_768,
  headerMs: 5000,
  requestMs: 10_000,
  idleMs: 90_000,
  connections: 4096,
  checkMs: 1000,
};

function limited(limits: Required<Limits>, handler: Handler): Server {
  const { headerBytes, headerMs, requestMs, idleMs, connections, checkMs } = limits;
  const server = createServer(
    {
      maxHeaderSize: headerBytes,
      headersTimeout: headerMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: checkMs,
      keepAliveTimeout: idleMs,
      // No stream, and no events of one, where no body is announced
      optimizeEmptyRequests: true,
    },
    (request, response) => {
      // A client that went away is nobody's fault
      response.on("error", () => undefined);
      handler(request, response);
    },
  );
  server.maxConnections = connections;
  // Of a client that asks and does not take the answers
  server.setTimeout(idleMs + requestMs);
  return server;
}

/** Resolves when it listens. @throws ChangeNeededError `AddressUnusable` */
export async function bind(server: SocketServer, address: Address): Promise<void> {
  try {
    if (address.kind === "unix") await removeSocket(address.path);
    server.listen(
      address.kind === "unix"
        ? { path: address.path }
        : { port: address.port, ...(address.host !== undefined && { host: address.host }) },
    );
    await once(server, "listening");
    // Who shares the directory and the group may come; nobody else
    if (address.kind === "unix") await chmod(address.path, 0o660);
  } catch (error) {
    const why = errnoOf(error) ?? (error instanceof Error ? error.message : "unknown");
    throw new ChangeNeededError("AddressUnusable", `Cannot listen on ${addressText(address)}: ${why}`);
  }
}

/** Of TCP; 0 for a Unix socket. */
export function portOf(server: SocketServer): number {
  const bound = server.address();
  return typeof bound === "object" && bound !== null ? bound.port : 0;
}

/** What a process that was killed has left; never anything else than a socket. */
async function removeSocket(path: string): Promise<void> {
  const found = await unlessMissing(lstat(path));
  if (found?.isSocket() === true) await unlessMissing(unlink(path));
}

export const addressText = (address: Address): string =>
  address.kind === "unix" ? `unix:${address.path}` : `${address.host ?? ""}:${address.port}`;

async function drained(server: Server, sockets: ReadonlySet<Socket>, withinMs: number): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeIdleConnections();
  const timer = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, withinMs);
  await closed;
  clearTimeout(timer);
}
