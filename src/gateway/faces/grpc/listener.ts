import { once } from "node:events";
import { createServer, type Server as SocketServer, type Socket } from "node:net";
import {
  type handleUnaryCall,
  ResponderBuilder,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from "@grpc/grpc-js";
import type { Decide } from "../decision.ts";
import { type Address, bind, portOf } from "../../../http/address.ts";
import type { Limits, Listener } from "../../../http/listener.ts";
import { check } from "./check.ts";
import {
  authorizationService,
  type CheckRequest,
  type CheckResponse,
  type HealthRequest,
  type HealthResponse,
  services,
} from "./messages.ts";

export interface GrpcService {
  readonly decide: Decide;
  /** What grpc.health.v1 says, for the whole and for the one service alike. */
  readonly isReady: () => boolean;
}

/** What a client may cost. All in bytes, milliseconds or numbers. */
export interface GrpcLimits extends Pick<Limits, "connections" | "requestMs"> {
  /** Of one message; more is RESOURCE_EXHAUSTED. @default 131072: twice the header lines that Envoy takes by default */
  readonly messageBytes?: number;
  /** Calls at the same time on one connection; Envoy opens another one for more. @default 1024 */
  readonly calls?: number;
  /** So often a connection is pinged, and closed when no answer comes for as long again. @default 45000 */
  readonly pingMs?: number;
}

/**
 * Serves `envoy.service.auth.v3.Authorization` and `grpc.health.v1.Health` in clear text.
 *
 * @throws ChangeNeededError `AddressUnusable`
 */
export async function listenGrpc(address: Address, service: GrpcService, limits: GrpcLimits = {}): Promise<Listener> {
  const server = limited(limits);
  addServices(server, service);
  // The sockets are ours, and with them their number and their end
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  const listening = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // A client that went away is nobody's fault
    socket.on("error", () => undefined);
    injector.injectConnection(socket);
  });
  listening.maxConnections = limits.connections ?? 4096;
  await bind(listening, address);
  return {
    port: portOf(listening),
    drain: (withinMs) =>
      drained(listening, {
        withinMs,
        // GOAWAY: Envoy puts no more on these connections, and those without a call end at once
        begin: () => server.tryShutdown(() => undefined),
        end: () => {
          for (const socket of sockets) socket.destroy();
        },
      }),
  };
}

function limited({ messageBytes = 131_072, requestMs = 10_000, calls = 1024, pingMs = 45_000 }: GrpcLimits): Server {
  return new Server({
    "grpc.max_receive_message_length": messageBytes,
    "grpc.max_concurrent_streams": calls,
    "grpc.keepalive_time_ms": pingMs,
    "grpc.keepalive_timeout_ms": pingMs,
    // In MB; Node's own bound, which this library takes away
    "grpc-node.max_session_memory": 10,
    "grpc.enable_channelz": 0,
    interceptors: [hurrying(requestMs)],
  });
}

function addServices(server: Server, { decide, isReady }: GrpcService): void {
  const checkRequest: handleUnaryCall<CheckRequest, CheckResponse> = ({ request }, answer) => {
    answer(null, check(decide, request));
  };
  const checkHealth: handleUnaryCall<HealthRequest, HealthResponse> = ({ request: { service = "" } }, answer) => {
    if (service === "" || service === authorizationService) answer(null, { status: isReady() ? 1 : 2 });
    else answer({ code: status.NOT_FOUND, details: "No such service" });
  };
  server.addService(services.authorization, { Check: checkRequest });
  server.addService(services.health, { Check: checkHealth });
}

/** A call whose message has not come after so long gets DEADLINE_EXCEEDED, whatever time its client gives itself. */
const hurrying =
  (requestMs: number): ServerInterceptor =>
  (_, call) => {
    const timer = setTimeout(() => {
      call.sendStatus({ code: status.DEADLINE_EXCEEDED, details: `The request must come within ${requestMs} ms` });
    }, requestMs);
    const listener = new ServerListenerBuilder()
      .withOnReceiveHalfClose((next) => {
        clearTimeout(timer);
        next();
      })
      .withOnCancel(() => clearTimeout(timer))
      .build();
    return new ServerInterceptingCall(call, new ResponderBuilder().withStart((next) => next(listener)).build());
  };

interface Drain {
  readonly withinMs: number;
  readonly begin: () => void;
  readonly end: () => void;
}

async function drained(listening: SocketServer, { withinMs, begin, end }: Drain): Promise<void> {
  const closed = once(listening, "close");
  listening.close();
  begin();
  const timer = setTimeout(end, withinMs);
  await closed;
  clearTimeout(timer);
}
