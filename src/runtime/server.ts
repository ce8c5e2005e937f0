import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";
import type { Checks } from "./health.ts";

export interface AdminServerOptions {
  /** @default all addresses */
  readonly host?: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly live: Checks;
  readonly ready: Checks;
  readonly registry: Registry;
}

export interface AdminServer {
  readonly port: number;
  /** Takes no new connection, and ends those that there are: an answer that is cut short is asked for again elsewhere. */
  close(): Promise<void>;
}

/**
 * `/livez`, `/readyz` and `/metrics` on a port for the cluster's inside: no TLS, no secrets.
 *
 * @throws Error of node:net when the port can't be had
 */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const server = createServer((request, response) => {
    answer(options, request, response).catch(() => {
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  server.requestTimeout = 10_000;
  // Longer than the idle time of those who scrape, so that they never write into a closing connection
  server.keepAliveTimeout = 90_000;
  server.listen({ port: options.port, ...(options.host !== undefined && { host: options.host }) });
  await once(server, "listening");
  return { port: portOf(server), close: () => close(server) };
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
