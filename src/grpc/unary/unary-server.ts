import { createServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { type Address, bind, portOf } from "../../http/address.ts";
import { Connections } from "../../http/connections.ts";
import type { Listener } from "../../http/listener.ts";
import { systemClock } from "../../time/clock.ts";
import type { GrpcLimits } from "../grpc-server.ts";
import { type UnaryParts, endCall, UnaryCall, type UnaryMethod } from "./unary-call.ts";
import { AwaitedCalls } from "./awaited-calls.ts";

/** By path: `/envoy.service.auth.v3.Authorization/Check`. */
export type UnaryMethods = ReadonlyMap<string, UnaryMethod>;

/**
 * Serves gRPC in clear text, methods with one request and one answer alone, and does as `listenGrpc` does, which has streams as well: for
 * a method that is called with each request of others, at a third of the price ([ADR 11](../../../docs/adr/0011-unary-grpc-on-node-http2.md)).
 *
 * Its drain says GOAWAY: a client knows of each call whether it was taken, and may repeat those that were not. (A first GOAWAY that takes all that is
 * on its way, as RFC 9113 §6.8 has it, node:http2 can't send: calls that come after it would never be answered.)
 *
 * @throws ChangeNeededError `AddressUnusable`
 */
export async function listenUnary(address: Address, methods: UnaryMethods, limits: GrpcLimits = {}): Promise<Listener> {
  const { messageBytes = 131_072, requestMs = 10_000, calls = 1024, connections = 4096 } = limits;
  const { pingMs = 45_000, idleMs = 90_000 } = limits;
  const server = createServer({ settings: { maxConcurrentStreams: calls, enablePush: false } });
  const parts = { methods, messageBytes, waiting: new AwaitedCalls(requestMs) };
  server.on("stream", (stream, headers) => answer(stream, headers, parts));
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    keepAlive(session, pingMs);
    endIdle(session, idleMs);
  });
  const open = new Connections(server, { most: connections, whenFull: "refuse" });
  await bind(server, address);
  return {
    port: portOf(server),
    drain: async (withinMs) => {
      const closed = open.close(withinMs);
      // Connections without a call end at once. The server does so by itself from some version of Node.js on
      for (const session of sessions) session.close();
      await closed;
    },
  };
}

interface ServerParts extends Pick<UnaryParts, "messageBytes" | "waiting"> {
  readonly methods: UnaryMethods;
}

function answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, parts: ServerParts): void {
  // A client that went away is nobody's fault
  stream.on("error", nothing);
  if (stream.destroyed) return;
  const { methods, messageBytes, waiting } = parts;
  const method = methods.get(headers[":path"] ?? "");
  if (!isGrpc(headers)) stream.respond({ ":status": 415 }, { endStream: true });
  else if (method === undefined) endCall(stream, "UNIMPLEMENTED");
  else new UnaryCall(stream, { method, encoding: headers["grpc-encoding"], messageBytes, waiting });
}

const nothing = (): void => undefined;

/** @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
const isGrpc = (headers: IncomingHttpHeaders): boolean =>
  headers[":method"] === "POST" && headers["content-type"]?.startsWith("application/grpc") === true;

/** An open connection is pinged so often, and ended when no answer comes for as long again. */
function keepAlive(session: ServerHttp2Session, pingMs: number): void {
  let isAlive = true;
  const look = (): void => {
    if (session.destroyed) return;
    if (!isAlive) {
      session.destroy();
      return;
    }
    isAlive = false;
    session.ping(() => (isAlive = true));
    cancel = systemClock.after(pingMs, look);
  };
  let cancel = systemClock.after(pingMs, look);
  session.on("close", () => cancel());
}

/** A connection that has had no call for so long, or for twice as long at most, ends: a call costs no timer. */
function endIdle(session: ServerHttp2Session, idleMs: number): void {
  let isUsed = false;
  session.on("stream", () => (isUsed = true));
  const look = (): void => {
    if (!isUsed) session.close();
    isUsed = false;
    cancel = systemClock.after(idleMs, look);
  };
  let cancel = systemClock.after(idleMs, look);
  session.on("close", () => cancel());
}
