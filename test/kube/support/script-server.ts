import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttpsServer, type ServerOptions } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";

export interface Call {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly socket: Socket;
}

export type Reply = (response: ServerResponse, call: Call) => void;

export interface ScriptServer {
  readonly server: string;
  /** Every request, in order. */
  readonly calls: readonly Call[];
  /** How many connections there were, and how many there are. */
  readonly connections: { readonly opened: number; readonly open: number };
  /** Resolves with the request number `n`, counted from 1. */
  readonly called: (n: number) => Promise<Call>;
  /** Resolves when no connection is left. */
  readonly quiet: () => Promise<void>;
  close(): Promise<void>;
}

/** A real server whose n-th answer is the n-th reply; the last one answers all that follow. Ends with the test. */
export async function scriptServer(replies: readonly Reply[], tls?: ServerOptions): Promise<ScriptServer> {
  const calls: Call[] = [];
  const sockets = new Set<Socket>();
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        listeners.delete(look);
        resolve();
      };
      listeners.add(look);
      look();
    });
  let opened = 0;
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? "/", "http://server");
    void text(request).then(
      (body) => {
        const call = { method: request.method ?? "", url, headers: request.headers, body, socket: request.socket };
        calls.push(call);
        replies[Math.min(calls.length, replies.length) - 1]?.(response, call);
        tell();
      },
      () => undefined,
    );
  };
  const server = tls ? createHttpsServer(tls, onRequest) : createHttpServer(onRequest);
  server.on(tls ? "secureConnection" : "connection", (socket: Socket) => {
    opened += 1;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      sockets.delete(socket);
      tell();
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.close();
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
  };
  onTestFinished(close);
  return {
    server: `${tls ? "https" : "http"}://127.0.0.1:${port}`,
    calls,
    get connections() {
      return { opened, open: sockets.size };
    },
    async called(n) {
      await until(() => calls.length >= n);
      return calls[n - 1] as Call;
    },
    quiet: () => until(() => sockets.size === 0),
    close,
  };
}

/** An answer with a JSON body. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): Reply {
  return (response) =>
    void response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

/** A refusal, as an API server words it. */
export function status(code: number, reason: string, more: object = {}): Reply {
  return json(code, {
    kind: "Status",
    apiVersion: "v1",
    status: "Failure",
    message: `it is ${reason}`,
    reason,
    code,
    ...more,
  });
}

/** Takes the request and says nothing. */
export const stall: Reply = () => undefined;

/** Cuts the connection. */
export const cut: Reply = (_, { socket }) => void socket.destroy();
