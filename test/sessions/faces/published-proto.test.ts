import { join } from "node:path";
import type { ServiceDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { describe, expect, test } from "vitest";
import { ProtobufMessage } from "../../../src/parse/protobuf.ts";
import { sessionsGrpc } from "../../../src/sessions/faces/grpc/sessions-grpc.ts";
import { sessionMessages } from "../../../src/sessions/protocol/session-messages.ts";
import { overGrpc } from "./support/clients.ts";
import { Gateway } from "./support/gateway.ts";

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

const names = { Connect: ["ClientFrame", "ServerFrame"], Renew: ["RenewRequest", "Renewed"] } as const;

describe("the .proto file that is published", () => {
  test("has the methods that the gateway has", async () => {
    const { service } = await Gateway.serving(overGrpc);
    const paths = Object.values(published).map(({ path }) => path);
    expect([...sessionsGrpc(service).keys()]).toEqual(paths);
  });

  test.each(["Connect", "Renew"] as const)("reads and writes what %s does", (name) => {
    const theirs = methodOf(published, name);
    const [request, response] = names[name].map((message) => new ProtobufMessage(sessionMessages, message));
    for (const frame of frames[name].request)
      expect(plain(request?.read(theirs.requestSerialize(frame)))).toEqual(plain(frame));
    for (const frame of frames[name].response)
      expect(theirs.responseDeserialize(Buffer.from(response?.write(frame) ?? []))).toEqual(frame);
  });
});

/** What toJSON has made of it. */
const isBuffer = (value: unknown): value is { readonly data: unknown } =>
  typeof value === "object" && value !== null && "type" in value && value.type === "Buffer" && "data" in value;

/** Bytes are bytes, of whatever class. */
const plain = (frame: unknown): unknown =>
  JSON.parse(
    JSON.stringify(frame, (_, value: unknown) =>
      isBuffer(value) ? value.data : value instanceof Uint8Array ? [...value] : value,
    ),
  );
