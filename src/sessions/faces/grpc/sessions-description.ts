import { bothWays, describeService, field, message, unary } from "../../../grpc/service-description.ts";

/** proto/keyturn/sessions/v1/sessions.proto as data; a test holds the two together. Of a oneof the members alone are on the wire. */
export const sessionsDefinition = describeService("keyturn.sessions.v1.Sessions", {
  Sessions: {
    methods: { Connect: bothWays("ClientFrame", "ServerFrame"), Renew: unary("RenewRequest", "Renewed") },
  },
  ClientFrame: message({
    hello: field("Hello", 1),
    message: field("Message", 2),
    received: field("Received", 3),
    heartbeat: field("Heartbeat", 4),
  }),
  ServerFrame: message({
    accepted: field("Accepted", 1),
    message: field("Message", 2),
    received: field("Received", 3),
    heartbeat: field("Heartbeat", 4),
    renewed: field("Renewed", 5),
    closing: field("Closing", 6),
  }),
  Hello: message({ instanceId: field("string", 1), resume: field("Resume", 2) }),
  Resume: message({ sessionId: field("string", 1), received: field("uint32", 2) }),
  Accepted: message({
    sessionId: field("string", 1),
    generation: field("uint32", 2),
    heartbeatIntervalMs: field("uint32", 3),
    serverNowUnixMs: field("int64", 4),
    sessionExpiresAtUnixMs: field("int64", 5),
    reconnectBeforeUnixMs: field("int64", 6),
    graceMs: field("uint32", 7),
    resumed: field("bool", 8),
    received: field("uint32", 9),
    queueMessages: field("uint32", 10),
    queueBytes: field("uint32", 11),
  }),
  Message: message({ seq: field("uint32", 1), id: field("string", 2), payload: field("bytes", 3) }),
  Received: message({ seq: field("uint32", 1) }),
  Heartbeat: message({}),
  RenewRequest: message({ sessionId: field("string", 1) }),
  Renewed: message({
    serverNowUnixMs: field("int64", 1),
    sessionExpiresAtUnixMs: field("int64", 2),
    reconnectBeforeUnixMs: field("int64", 3),
    graceMs: field("uint32", 4),
  }),
  Closing: message({
    code: field("string", 1),
    reason: field("string", 2),
    retry: field("bool", 3),
    afterMs: field("uint32", 4),
  }),
});
