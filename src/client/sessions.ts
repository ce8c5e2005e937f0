// What `@keyturn/client/sessions` exports.
export { SessionClient } from "./sessions/session-client.ts";
export {
  type GrpcMeans,
  grpcTransport,
  SessionTransport,
  type WebSocketMeans,
  webSocketTransport,
} from "./sessions/session-transport.ts";
export type { SessionOptions } from "./sessions/session-options.ts";
export type { SessionTokens } from "./sessions/client-runner.ts";
export type { MessageHandler, ReceivedMessage } from "./sessions/deliveries.ts";
export type { WebSocketLike, WebSocketMaker } from "./sessions/web-socket-link.ts";
export type { GrpcCaller, GrpcCallEnd, GrpcSessionsLibrary, GrpcStream } from "./sessions/grpc-link.ts";
export type { GrpcMetadata } from "./keep/grpc-credentials.ts";
export type { ConnectionEnd, SessionState } from "./session-core/client-state.ts";
export { ChangeNeededError, KeyturnError, TryLaterError } from "../errors/keyturn-error.ts";
