import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { type Address, bind, portOf } from "../http/address.ts";
import { Connections } from "../http/connections.ts";
import type { Limits, Listener } from "../http/listener.ts";
import { systemClock } from "../time/clock.ts";
import { AwaitedCalls } from "./awaited-calls.ts";
import { ConnectionCare } from "./connection-care.ts";
import { timeoutIn } from "./grpc-timeout.ts";
import { endCall } from "./grpc-answer.ts";
import { endingMs, StreamCall, type StreamMethod } from "./stream-call.ts";
import { UnaryCall, type UnaryMethod } from "./unary-call.ts";

/** With one request and one answer, or with messages both ways. */
export type GrpcMethod = { readonly unary: UnaryMethod } | { readonly stream: StreamMethod };

/** By path: `/envoy.service.auth.v3.Authorization/Check`. */
export type GrpcMethods = ReadonlyMap<string, GrpcMethod>;

/** What answers on a port. */
export interface GrpcFace {
  readonly methods: GrpcMethods;
  /** Told when the drain begins: streams that have no end of their own are to come to one now. */
  readonly onDrain?: () => void;
}

/** What a client may cost. All in bytes, milliseconds or numbers. */
export interface GrpcLimits extends Pick<Limits, "connections" | "requestMs" | "idleMs"> {
  /** Of one message; more is RESOURCE_EXHAUSTED. @default 131072: twice the header lines that Envoy takes by default */
  readonly messageBytes?: number;
  /** Calls at the same time on one connection; Envoy opens another one for more. @default 1024 */
  readonly calls?: number;
  /** So often a connection is pinged, and closed when no answer comes for as long again. @default 45000 */
  readonly pingMs?: number;
  /** Of header lines that are remembered for each connection, so that they need not come again (RFC 7541 §4). @default 4096 */
  readonly rememberedHeaderBytes?: number;
}

/**
 * Serves gRPC in clear text ([ADR 12](../../docs/adr/0012-sessions-on-node-http2.md)). A call with one request must bring it in time; a stream may last.
 *
 * Its drain says GOAWAY, then tells the face: a client knows of each call whether it was taken, and may repeat those that were not. (A first GOAWAY that takes all
 * that is on its way, as RFC 9113 §6.8 has it, node:http2 can't send: calls that come after it would never be answered.) What was begun may end; streams that
 * are left end as UNAVAILABLE, and who does not take that is cut off a second later.
 *
 * @throws ChangeNeededError `AddressUnusable`
 */
export async function listenGrpc(address: Address, face: GrpcFace, limits: GrpcLimits = {}): Promise<Listener> {
  const { messageBytes = 131_072, requestMs = 10_000, calls = 1024, connections = 4096 } = limits;
  const { pingMs = 45_000, idleMs = 90_000, rememberedHeaderBytes = 4096 } = limits;
  const server = createServer({
    settings: { maxConcurrentStreams: calls, enablePush: false, headerTableSize: rememberedHeaderBytes },
    maxDeflateDynamicTableSize: rememberedHeaderBytes,
  });
  const care = new ConnectionCare({ pingMs, idleMs });
  const streams = new Set<StreamCall>();
  const parts = { streams, methods: face.methods, mostBytes: messageBytes, waiting: new AwaitedCalls(requestMs), care };
  server.on("session", (session) => care.add(session));
  server.on("stream", (...begun) => answer(begun, parts));
  const open = new Connections(server, { most: connections, whenFull: "refuse" });
  await bind(server, address);
  return {
    port: portOf(server),
    drain: async (withinMs) => {
      const closed = open.close(withinMs + endingMs);
      const cancel = systemClock.after(withinMs, () => {
        for (const call of streams) call.end({ code: "UNAVAILABLE" });
      });
      care.drain();
      face.onDrain?.();
      await closed;
      cancel();
    },
  };
}

interface ServerParts {
  readonly methods: GrpcMethods;
  readonly mostBytes: number;
  readonly waiting: AwaitedCalls;
  readonly care: ConnectionCare;
  /** Calls with messages both ways, that are not over. */
  readonly streams: Set<StreamCall>;
}

type BegunStream = readonly [ServerHttp2Stream, IncomingHttpHeaders, flags: number, rawHeaders: readonly string[]];

function answer([stream, headers, , rawHeaders]: BegunStream, parts: ServerParts): void {
  const { methods, mostBytes, waiting, care } = parts;
  // A client that went away is nobody's fault
  stream.on("error", nothing);
  if (stream.destroyed) return;
  const method = methods.get(headers[":path"] ?? "");
  const frames = { encoding: headers["grpc-encoding"], mostBytes, rawHeaders };
  care.used(stream.session);
  if (!isGrpc(headers)) stream.respond({ ":status": 415 }, { endStream: true });
  else if (method === undefined) endCall(stream, { code: "UNIMPLEMENTED", message: "There is no such method" });
  else if ("unary" in method) new UnaryCall(stream, { ...frames, method: method.unary, waiting });
  else {
    const leave = care.streaming(stream.session);
    const timeoutMs = timeoutIn(headers["grpc-timeout"]);
    const own = { ...frames, method: method.stream, ...(timeoutMs !== undefined && { timeoutMs }) };
    const call = new StreamCall(stream, own);
    parts.streams.add(call);
    stream.on("close", () => {
      leave();
      parts.streams.delete(call);
    });
  }
}

const nothing = (): void => undefined;

/** @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
const isGrpc = (headers: IncomingHttpHeaders): boolean =>
  headers[":method"] === "POST" && headers["content-type"]?.startsWith("application/grpc") === true;
