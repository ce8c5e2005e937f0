import type { Transport } from "./bare.ts";
import { grpcLine } from "./grpc-line.ts";
import type { OpenLine } from "./line.ts";
import { webSocketLine } from "./web-socket-line.ts";

export const doors: Readonly<Record<Transport, OpenLine>> = { WebSocket: webSocketLine, gRPC: grpcLine };
