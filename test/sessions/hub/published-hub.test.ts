import { expect, test } from "vitest";
import { hubDefinition } from "../../../src/sessions/hub/grpc/hub-description.ts";
import { hubService } from "./support/scene.ts";

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

test("hub.proto, as it is published, has the method that the gateway has", () => {
  const shapeOf = (definition: typeof hubService) =>
    Object.values(definition).map(({ path, requestStream, responseStream }) => [path, requestStream, responseStream]);
  expect(shapeOf(hubService)).toEqual([["/keyturn.sessions.v1.Hub/Attach", true, true]]);
  expect(shapeOf(hubDefinition)).toEqual(shapeOf(hubService));
});

test("hub.proto, as it is published, reads and writes what the gateway does", () => {
  const [theirs, ours] = [hubService["Attach"], hubDefinition["Attach"]];
  if (theirs === undefined || ours === undefined) throw new Error("there is no method Attach");
  for (const frame of fromApplication) {
    expect(ours.requestDeserialize(theirs.requestSerialize(frame))).toEqual(frame);
  }
  for (const frame of fromHub) expect(theirs.responseDeserialize(ours.responseSerialize(frame))).toMatchObject(frame);
});
