import { join } from "node:path";
import type { ServiceDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { describe, expect, test } from "vitest";
import { sessionsDefinition } from "../../../src/sessions/faces/grpc/sessions-description.ts";

const file = join(import.meta.dirname, "../../../proto/keyturn/sessions/v1/sessions.proto");
const published = loadSync(file, { longs: Number })["keyturn.sessions.v1.Sessions"] as ServiceDefinition;

const deadlines = {
  serverNowUnixMs: 1_800_000_000_001,
  sessionExpiresAtUnixMs: 1_800_000_000_002,
  reconnectBeforeUnixMs: 1_800_000_000_003,
  graceMs: 4,
};
const message = { seq: 4_294_967_295, id: "id", payload: Buffer.from("payload") };
const accepted = {
  ...deadlines,
  ...{
    sessionId: "s",
    generation: 2,
    heartbeatIntervalMs: 3,
    resumed: true,
    received: 5,
    queueMessages: 6,
    queueBytes: 7,
  },
};

/** Every frame with every member. */
const frames = {
  Connect: {
    request: [
      { hello: { instanceId: "one", resume: { sessionId: "s", received: 7 } } },
      { message },
      { received: { seq: 3 } },
      { heartbeat: {} },
    ],
    response: [
      { accepted },
      { message },
      { received: { seq: 3 } },
      { heartbeat: {} },
      { renewed: deadlines },
      { closing: { code: "Expired", reason: "r", retry: true, afterMs: 9 } },
    ],
  },
  Renew: { request: [{ sessionId: "s" }], response: [deadlines] },
} as const;

function methodOf(definition: ServiceDefinition, name: string): ServiceDefinition[string] {
  const method = definition[name];
  if (method === undefined) throw new Error(`there is no method ${name}`);
  return method;
}

describe("the .proto file that is published", () => {
  test("has the methods that the gateway has", () => {
    const shapeOf = (definition: ServiceDefinition) =>
      Object.values(definition).map(({ path, requestStream, responseStream }) => [path, requestStream, responseStream]);
    expect(shapeOf(published)).toEqual(shapeOf(sessionsDefinition));
  });

  test.each(Object.entries(frames))("reads and writes what %s does", (name, { request, response }) => {
    const [theirs, ours] = [methodOf(published, name), methodOf(sessionsDefinition, name)];
    for (const frame of request) expect(ours.requestDeserialize(theirs.requestSerialize(frame))).toEqual(frame);
    for (const frame of response) expect(theirs.responseDeserialize(ours.responseSerialize(frame))).toEqual(frame);
  });
});
