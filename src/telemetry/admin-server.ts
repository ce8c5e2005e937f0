import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Registry } from "prom-client";
import type { Checks } from "./health.ts";

/** What a client may cost. */
export interface AdminLimits {
  /** Until the header of a request has come, also the first of a connection; more is 408. @default 5000 */
  readonly headerMs?: number;
  /** Open at the same time; one more closes the one that was quiet for longest. @default 64 */
  readonly connections?: number;
  /** How often slow requests are looked for. @default 1000 */
  readonly checkMs?: number;
}

export interface AdminServerOptions {
  /** @default all addresses */
  readonly host?: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly live: Checks;
  readonly ready: Checks;
  readonly registry: Registry;
  readonly limits?: AdminLimits;
}

export interface AdminServer {
  readonly port: number;
  /** Takes no new connection, and ends those that there are: an answer that is cut short is asked for again elsewhere. */
  close(): Promise<void>;
}

/** Longer than the idle time of those who scrape, so that they never write into a closing connection. */
const idleMs = 90_000;

/**
 * `/livez`, `/readyz` and `/metrics` on a port for the cluster's inside: no TLS, no secrets.
 *
 * @throws Error of node:net when the port can't be had
 */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const { headerMs = 5000, connections = 64, checkMs = 1000 } = options.limits ?? {};
  const server = createServer(
    {
      headersTimeout: headerMs,
      requestTimeout: 10_000,
      connectionsCheckingInterval: checkMs,
      keepAliveTimeout: idleMs,
    },
    (request, response) => {
      // A client that went away is nobody's fault
      response.on("error", () => undefined);
      answer(options, request, response).catch(() => {
        if (!response.headersSent) response.writeHead(500);
        response.end();
      });
    },
  );
  bound(server, connections);
  // Of a client that asks and does not take the answers
  server.setTimeout(idleMs + 10_000);
  server.listen({ port: options.port, ...(options.host !== undefined && { host: options.host }) });
  await once(server, "listening");
  return { port: portOf(server), close: () => close(server) };
}

/**
 * Memory has its bound, and the kubelet is heard all the same: were new connections refused, whoever holds so many would have
 * the pod restarted.
 */
function bound(server: Server, connections: number): void {
  server.maxConnections = connections;
  /** The one that was quiet for longest first. */
  const open = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    // One place is always free for the next
    const [quiet] = open;
    if (open.size >= connections && quiet) {
      open.delete(quiet);
      quiet.destroy();
    }
  });
  server.on("request", ({ socket }: IncomingMessage) => {
    if (open.delete(socket)) open.add(socket);
  });
}

async function answer(options: AdminServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const isRead = request.method === "GET" || request.method === "HEAD";
  const path = (request.url ?? "").replace(/\?.*$/s, "");
  const found = isRead ? await page(options, path) : { status: 405, text: "" };
  response.writeHead(found?.status ?? 404, {
    "content-type": found?.type ?? "text/plain; charset=utf-8",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(request.method === "HEAD" ? undefined : (found?.text ?? ""));
}

interface Page {
  readonly status: number;
  readonly text: string;
  readonly type?: string;
}

async function page({ live, ready, registry }: AdminServerOptions, path: string): Promise<Page | undefined> {
  if (path === "/metrics") return { status: 200, text: await registry.metrics(), type: registry.contentType };
  const checks = path === "/livez" ? live : path === "/readyz" ? ready : undefined;
  if (checks === undefined) return undefined;
  const { isWell, text } = checks.judge(path.slice(1));
  return { status: isWell ? 200 : 503, text };
}

function portOf(server: Server): number {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- a string for pipes only
  return (server.address() as AddressInfo).port;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  // Not the idle ones alone: a connection that never said a word would hold up the end
  server.closeAllConnections();
  await closed;
}
