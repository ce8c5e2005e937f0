const of = (fields: Readonly<Record<string, readonly [type: string, id: number]>>) => ({
  fields: Object.fromEntries(Object.entries(fields).map(([name, [type, id]]) => [name, { type, id }])),
});

/**
 * The messages of proto/keyturn/sessions/v1/sessions.proto as data, in the form of protobuf.js; a test holds the two together. Of a oneof the members
 * alone are on the wire.
 */
export const sessionMessages = {
  ClientFrame: of({
    hello: ["Hello", 1],
    message: ["Message", 2],
    received: ["Received", 3],
    heartbeat: ["Heartbeat", 4],
  }),
  ServerFrame: of({
    accepted: ["Accepted", 1],
    message: ["Message", 2],
    received: ["Received", 3],
    heartbeat: ["Heartbeat", 4],
    renewed: ["Renewed", 5],
    closing: ["Closing", 6],
  }),
  Hello: of({ instanceId: ["string", 1], resume: ["Resume", 2] }),
  Resume: of({ sessionId: ["string", 1], received: ["uint32", 2] }),
  Accepted: of({
    sessionId: ["string", 1],
    generation: ["uint32", 2],
    heartbeatIntervalMs: ["uint32", 3],
    serverNowUnixMs: ["int64", 4],
    sessionExpiresAtUnixMs: ["int64", 5],
    reconnectBeforeUnixMs: ["int64", 6],
    graceMs: ["uint32", 7],
    resumed: ["bool", 8],
    received: ["uint32", 9],
    queueMessages: ["uint32", 10],
    queueBytes: ["uint32", 11],
  }),
  Message: of({ seq: ["uint32", 1], id: ["string", 2], payload: ["bytes", 3] }),
  Received: of({ seq: ["uint32", 1] }),
  Heartbeat: of({}),
  RenewRequest: of({ sessionId: ["string", 1] }),
  Renewed: of({
    serverNowUnixMs: ["int64", 1],
    sessionExpiresAtUnixMs: ["int64", 2],
    reconnectBeforeUnixMs: ["int64", 3],
    graceMs: ["uint32", 4],
  }),
  Closing: of({ code: ["string", 1], reason: ["string", 2], retry: ["bool", 3], afterMs: ["uint32", 4] }),
};
