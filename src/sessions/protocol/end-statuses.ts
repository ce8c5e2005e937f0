import type { EndCode } from "../core/session-end.ts";

/** What people are told. Never with anything of a token. */
export const endReasons: Readonly<Record<EndCode, string>> = {
  Expired: "The token has ended",
  TokenRefused: "The token is not good here",
  Revoked: "The token, its key, its grant or its subject was revoked",
  NoHello: "No hello came in time",
  Superseded: "A newer session of this instance is open",
  Draining: "The gateway is about to stop",
  NotReady: "The gateway is not ready yet",
  TooMany: "There is no room for more sessions or messages",
  BadMessage: "What was said breaks the protocol",
  Forbidden: "The session is not this subject's",
  Removed: "The instance was removed",
  Silent: "Nothing was heard for too long",
};

/** Of a WebSocket's close frame (RFC 6455 §7.4.2: 4000 to 4999 are for private use). */
export const webSocketCodes: Readonly<Record<EndCode, number>> = {
  Expired: 4401,
  TokenRefused: 4401,
  Revoked: 4403,
  NoHello: 4408,
  Superseded: 4409,
  Draining: 4410,
  NotReady: 4503,
  TooMany: 4429,
  BadMessage: 4400,
  Forbidden: 4403,
  Removed: 4404,
  Silent: 4408,
};

/** Names of gRPC's status codes. */
export const grpcStatuses = {
  Expired: "UNAUTHENTICATED",
  TokenRefused: "UNAUTHENTICATED",
  Revoked: "PERMISSION_DENIED",
  NoHello: "DEADLINE_EXCEEDED",
  Superseded: "ABORTED",
  Draining: "UNAVAILABLE",
  NotReady: "UNAVAILABLE",
  TooMany: "RESOURCE_EXHAUSTED",
  BadMessage: "INVALID_ARGUMENT",
  Forbidden: "PERMISSION_DENIED",
  Removed: "NOT_FOUND",
  Silent: "DEADLINE_EXCEEDED",
} as const satisfies Record<EndCode, string>;
