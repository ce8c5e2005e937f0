import { expect, test } from "vitest";
import { ProtobufMessage } from "../../../src/parse/protobuf.ts";
import { hubFace } from "../../../src/sessions/hub/grpc/hub-grpc.ts";
import { hubMessages } from "../../../src/sessions/hub/hub-messages.ts";
import { HubScene, hubService } from "./support/scene.ts";

const peer = { subject: "alice", instanceId: "one" };
const payload = Buffer.from("payload");

/** Every frame with every member. */
const fromApplication = [
  { taken: { peer, lineage: "s", seq: 4_294_967_295 } },
  { send: { peer, id: "id", payload } },
  { remove: { peer } },
];
const fromHub = [
  {
    opened: {
      ...{ peer, sessionId: "s", generation: 2, resumed: true, lineage: "r" },
      ...{ claimsJson: "{}", kid: "k" },
    },
  },
  { closed: { peer, sessionId: "s", code: "Expired" } },
  {
    delivery: {
      ...{ peer, lineage: "r", seq: 4_294_967_295, id: "id", payload },
      ...{ redelivered: true, claimsJson: "{}" },
    },
  },
  { sent: { peer, id: "id", outcome: "delivered" } },
  { ready: {} },
];

test("hub.proto, as it is published, has the method that the gateway has", async () => {
  const shapes = Object.values(hubService).map(({ path, requestStream, responseStream }) => [
    ...[path, requestStream, responseStream],
  ]);
  expect(shapes).toEqual([["/keyturn.sessions.v1.Hub/Attach", true, true]]);
  const { hub, gateway } = await HubScene.open();
  expect([...hubFace(hub, gateway.service).methods.keys()]).toEqual(["/keyturn.sessions.v1.Hub/Attach"]);
});

test("hub.proto, as it is published, reads and writes what the gateway does", () => {
  const { Attach: theirs } = hubService;
  if (theirs === undefined) throw new Error("there is no method Attach");
  const [ours, said] = ["ApplicationFrame", "HubFrame"].map((name) => new ProtobufMessage(hubMessages, name));
  for (const frame of fromApplication) expect(ours?.read(theirs.requestSerialize(frame))).toEqual(asRead(frame));
  for (const frame of fromHub) {
    expect(theirs.responseDeserialize(Buffer.from(said?.write(frame) ?? []))).toMatchObject(frame);
  }
});

/** Bytes are bytes, of whatever class. */
const asRead = (frame: object): unknown =>
  "send" in frame ? { send: { ...(frame.send as object), payload: new Uint8Array(payload) } } : frame;
