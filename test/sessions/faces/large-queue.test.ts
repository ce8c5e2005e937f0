import { expect, test } from "vitest";
import { Gateway, transports } from "./support/gateway.ts";

const peer = { subject: "alice", instanceId: "one" };
const messages = 3000;

test.each(transports)("all that waits comes over $name, however much a peer may have", async (transport) => {
  const gateway = await Gateway.serving(transport, { queueMessages: messages, queueBytes: 6_291_456 });
  const first = gateway.open();
  first.say({ hello: { instanceId: "one" } });
  await first.next("accepted");
  first.cut();
  await gateway.until(() => gateway.news.some(({ kind }) => kind === "closed"));
  for (let n = 1; n <= messages; n++) void gateway.service.send(peer, { id: `d${n}`, payload: Buffer.alloc(2000) });
  const second = gateway.open();
  second.say({ hello: { instanceId: "one", resume: { sessionId: "session-1", received: 0 } } });
  for (let n = 1; n <= messages; n++) await Promise.race([second.next("message"), second.ended]);
  expect(second.heard.filter((frame) => "message" in frame)).toHaveLength(messages);
});
