import { createServer } from "node:net";
import {
  ResponderBuilder,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { type Address, bind, portOf } from "../http/address.ts";
import { Connections } from "../http/connections.ts";
import type { Limits, Listener } from "../http/listener.ts";
import { systemClock } from "../time/clock.ts";

export interface GrpcService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/** What answers on a port. */
export interface GrpcFace {
  readonly services: readonly GrpcService[];
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
}

/**
 * Serves gRPC in clear text. A call with one request must bring it in time; a stream of requests may last.
 *
 * Its drain tells clients at once to put no more on their connections (GOAWAY), tells the face, lets calls and streams that are under way
 * come to their end, and cuts off after so long what is left: a client sees UNAVAILABLE then.
 *
 * @throws ChangeNeededError `AddressUnusable`
 */
export async function listenGrpc(address: Address, face: GrpcFace, limits: GrpcLimits = {}): Promise<Listener> {
  const server = serverOf(limits);
  for (const { definition, implementation } of face.services) server.addService(definition, implementation);
  // The sockets are ours, and with them their number and their end
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const listening = createServer((socket) => {
    // A client that went away is nobody's fault
    socket.on("error", () => undefined);
    injector.injectConnection(socket);
  });
  const connections = new Connections(listening, { most: limits.connections ?? 4096, whenFull: "refuse" });
  await bind(listening, address);
  return {
    port: portOf(listening),
    drain: async (withinMs) => {
      const closed = connections.close(withinMs);
      // GOAWAY; connections without a call end at once
      server.tryShutdown(() => undefined);
      face.onDrain?.();
      await closed;
    },
  };
}

function serverOf({
  messageBytes = 131_072,
  requestMs = 10_000,
  calls = 1024,
  pingMs = 45_000,
  idleMs = 90_000,
}: GrpcLimits): Server {
  return new Server({
    "grpc.max_receive_message_length": messageBytes,
    "grpc.max_concurrent_streams": calls,
    "grpc.keepalive_time_ms": pingMs,
    "grpc.keepalive_timeout_ms": pingMs,
    "grpc.max_connection_idle_ms": idleMs,
    // In MB; Node's own bound, which this library takes away
    "grpc-node.max_session_memory": 10,
    "grpc.enable_channelz": 0,
    interceptors: [hurrying(requestMs)],
  });
}

/**
 * A call with one request, whose message has not come after so long, gets DEADLINE_EXCEEDED, whatever time its client gives itself. A
 * stream of requests has no such end.
 */
const hurrying =
  (requestMs: number): ServerInterceptor =>
  ({ requestStream }, call) => {
    if (requestStream) return new ServerInterceptingCall(call);
    const cancel = systemClock.after(requestMs, () => {
      call.sendStatus({ code: status.DEADLINE_EXCEEDED, details: `The request must come within ${requestMs} ms` });
    });
    const listener = new ServerListenerBuilder()
      .withOnReceiveHalfClose((next) => {
        cancel();
        next();
      })
      .withOnCancel(cancel)
      .build();
    return new ServerInterceptingCall(call, new ResponderBuilder().withStart((next) => next(listener)).build());
  };
