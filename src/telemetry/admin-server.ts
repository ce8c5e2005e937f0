import type { IncomingMessage, ServerResponse } from "node:http";
import type { Registry } from "prom-client";
import type { TcpAddress } from "../http/address.ts";
import { isRead, pathOf, sendEmpty, sendText } from "../http/answer.ts";
import { type Limits, listen } from "../http/listener.ts";
import type { Checks } from "./health.ts";

/** What a client may cost. @default 64 connections, else as any listener */
export type AdminLimits = Pick<Limits, "headerMs" | "connections" | "checkMs">;

export interface AdminServerOptions extends Omit<TcpAddress, "kind"> {
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

/** Memory has its bound, and the kubelet is heard all the same: else whoever holds so many would have the pod restarted. */
const defaults: Limits = { connections: 64, whenFull: "endQuietest" };

/**
 * `/livez` (and `/healthz`, the same by its older name), `/readyz` and `/metrics` on a port for the cluster's inside: no TLS, no secrets.
 *
 * @throws ChangeNeededError `AddressUnusable`
 */
export async function startAdminServer({ host, port, limits, ...pages }: AdminServerOptions): Promise<AdminServer> {
  const handler = (request: IncomingMessage, response: ServerResponse): void => {
    respond(pages, request, response).catch(() => {
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  };
  const address: TcpAddress = { kind: "tcp", port, ...(host !== undefined && { host }) };
  const listener = await listen(address, { handler }, { ...defaults, ...limits });
  return { port: listener.port, close: () => listener.drain(0) };
}

type Pages = Pick<AdminServerOptions, "live" | "ready" | "registry">;

const always = ["cache-control", "no-store", "x-content-type-options", "nosniff"];
const plainText = "text/plain; charset=utf-8";

async function respond(
  { live, ready, registry }: Pages,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const withBody = request.method === "GET";
  const path = pathOf(request.url);
  if (!isRead(request)) sendEmpty(response, 405, always);
  else if (path === "/metrics") {
    const body = await registry.metrics();
    sendText(response, { status: 200, type: registry.contentType, body, headers: always }, withBody);
  } else if (["/livez", "/healthz", "/readyz"].includes(path)) {
    const { isWell, text: body } = (path === "/readyz" ? ready : live).judge(path.slice(1));
    sendText(response, { status: isWell ? 200 : 503, type: plainText, body, headers: always }, withBody);
  } else sendEmpty(response, 404, always);
}
