import { expect, test } from "vitest";
import { acceptedOf, at, calm, opened, outcomeOf, sizeOf, two, upward } from "./support/two-replicas.ts";

test("a replica that drains is empty once another one has fetched what it kept: the client goes on there", async () => {
  const { clock, net, a, b } = two();
  a.replica.takes = false;
  const first = await opened(a, net);
  first.say(upward(1));
  const emptied = outcomeOf(a.replica.service.emptied().then(() => true));
  a.replica.service.drain(1000);
  await clock.advance(1000);
  expect(first.end?.code).toBe("Draining");
  expect([sizeOf(a).open, emptied.value]).toEqual([0, undefined]);
  const second = at(b).hello({ sessionId: "a-1", received: 0 });
  await calm(net);
  await clock.advance(1000);
  await calm(net);
  expect(acceptedOf(second)).toMatchObject({ resumed: true, received: 0 });
  second.say(upward(1));
  expect(b.replica.deliveries.map(({ text, isRedelivered }) => [text, isRedelivered])).toEqual([["u1", true]]);
  expect([sizeOf(a).peers, emptied.value]).toEqual([0, true]);
});

test("a replica that keeps nothing of anybody is empty at once, and again after it was not", async () => {
  const { clock, net, a } = two();
  await a.replica.service.emptied();
  const client = await opened(a, net);
  const emptied = outcomeOf(a.replica.service.emptied().then(() => true));
  await clock.advance(1000);
  expect(emptied.value).toBeUndefined();
  a.replica.service.remove({ subject: "alice", instanceId: "one" });
  await calm(net);
  expect([client.end?.code, emptied.value]).toEqual(["Removed", true]);
  await a.replica.service.emptied();
});
