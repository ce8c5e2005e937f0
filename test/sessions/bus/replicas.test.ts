import { expect, test } from "vitest";
import { epoch } from "../../support/story.ts";
import {
  acceptedOf,
  alice,
  at,
  calm,
  idsOf,
  message,
  opened,
  outcomeOf,
  sizeOf,
  two,
  upward,
} from "./support/two-replicas.ts";

test("a hello of nobody's peer is accepted once others say that they have nothing", async () => {
  const { net, a } = two();
  net.isHeld = true;
  const client = at(a).hello();
  expect(acceptedOf(client)).toBeUndefined();
  net.flow();
  expect(acceptedOf(client)).toMatchObject({ generation: 1, resumed: false });
});

test("a hello of a peer that is here waits for nobody", async () => {
  const { net, a } = two();
  await opened(a, net);
  net.isHeld = true;
  expect(acceptedOf(at(a).hello({ sessionId: "a-1", received: 0 }))).toMatchObject({ generation: 2, resumed: true });
  expect(net.words).toEqual([]);
});

test("a reconnect to another replica goes on: nothing is lost, nothing comes twice", async () => {
  const { net, a, b } = two();
  const first = await opened(a, net);
  const sent = ["d1", "d2", "d3"].map((id) => outcomeOf(a.replica.service.send(alice, message(id))));
  first.say({ kind: "received", seq: 1 });
  first.say(upward(1));
  const second = await opened(b, net, { sessionId: "a-1", received: 1 });
  expect(acceptedOf(second)).toMatchObject({ generation: 2, resumed: true, received: 1 });
  expect(first.end).toMatchObject({ code: "Superseded", isRetryable: true });
  expect(idsOf(second)).toEqual(["d2", "d3"]);
  await calm(net);
  second.say({ kind: "received", seq: 3 });
  await calm(net);
  expect(sent.map(({ value }) => value)).toEqual(["delivered", "delivered", "delivered"]);
  second.say(upward(2));
  expect([a, b].map(({ replica }) => replica.deliveries.map(({ text }) => text))).toEqual([["u1"], ["u2"]]);
  expect([sizeOf(a).remembered, sizeOf(b).open]).toEqual([0, 1]);
  expect([a.bus.topics, b.bus.topics]).toEqual([0, 1]);
});

test("what the application has not taken in time is heard by the other one, marked as such", async () => {
  const { clock, net, a, b } = two();
  a.replica.takes = false;
  const first = await opened(a, net);
  for (const seq of [1, 2]) first.say(upward(seq));
  const second = at(b).hello({ sessionId: "a-1", received: 0 });
  await calm(net);
  expect(first.end?.code).toBe("Superseded");
  const [one] = a.replica.deliveries;
  if (one) a.replica.take(alice, one);
  await calm(net);
  await clock.advance(999);
  expect(acceptedOf(second)).toBeUndefined();
  await clock.advance(1);
  await calm(net);
  expect(acceptedOf(second)).toMatchObject({ resumed: true, received: 1 });
  for (const seq of [2, 3]) second.say(upward(seq));
  expect(b.replica.deliveries.map(({ text, isRedelivered }) => [text, isRedelivered])).toEqual([
    ["u2", true],
    ["u3", false],
  ]);
});

test("what is taken in time moves at once", async () => {
  const { net, a, b } = two();
  a.replica.takes = false;
  const first = await opened(a, net);
  first.say(upward(1));
  const second = at(b).hello({ sessionId: "a-1", received: 0 });
  await calm(net);
  const [one] = a.replica.deliveries;
  if (one) a.replica.take(alice, one);
  await calm(net);
  expect(acceptedOf(second)).toMatchObject({ resumed: true, received: 1 });
});

test("a message reaches the replica that has the session, and its answer comes back", async () => {
  const { net, a, b } = two();
  const client = await opened(a, net);
  const sent = outcomeOf(b.replica.service.send(alice, message("d1")));
  await calm(net);
  expect(idsOf(client)).toEqual(["d1"]);
  expect(sent.value).toBeUndefined();
  client.say({ kind: "received", seq: 1 });
  await calm(net);
  expect(sent.value).toBe("delivered");
});

test("a message for a peer that nobody has is gone", async () => {
  const { net, b } = two();
  const sent = outcomeOf(b.replica.service.send(alice, message("d1")));
  await calm(net);
  expect(sent.value).toBe("gone");
});

test("a message that is not confirmed for long is asked for again, and sent once", async () => {
  const { clock, net, a, b } = two();
  const client = await opened(a, net);
  const sent = outcomeOf(b.replica.service.send(alice, message("d1")));
  for (let times = 0; times < 3; times++) {
    client.say({ kind: "heartbeat" });
    await clock.advance(5000);
    await calm(net);
  }
  expect(idsOf(client)).toEqual(["d1"]);
  client.say({ kind: "received", seq: 1 });
  await calm(net);
  expect(sent.value).toBe("delivered");
});

test("a sender elsewhere is told when the replica dies", async () => {
  const { clock, net, a, b } = two();
  await opened(a, net);
  const sent = outcomeOf(b.replica.service.send(alice, message("d1")));
  await calm(net);
  a.bus.cut();
  await clock.advance(4000);
  await calm(net);
  await clock.advance(250);
  await calm(net);
  expect(sent.value).toBe("gone");
  const back = await opened(b, net, { sessionId: "a-1", received: 0 });
  expect(acceptedOf(back)).toMatchObject({ resumed: false, generation: 1 });
});

test("whoever waits while the peer moves is answered by its new replica, once", async () => {
  const { clock, net, a, b, third } = two();
  const c = third();
  await opened(a, net);
  const sent = [a, c].map(({ replica }, n) => outcomeOf(replica.service.send(alice, message(`d${n}`))));
  await calm(net);
  const second = await opened(b, net, { sessionId: "a-1", received: 0 });
  await clock.advance(250);
  await calm(net);
  expect(idsOf(second)).toEqual(["d0", "d1"]);
  second.say({ kind: "received", seq: 2 });
  await calm(net);
  expect(sent.map(({ value }) => value)).toEqual(["delivered", "delivered"]);
});

test("a peer is removed wherever it is", async () => {
  const { net, a, b } = two();
  const client = await opened(a, net);
  b.replica.service.remove(alice);
  await calm(net);
  expect(client.end).toMatchObject({ code: "Removed", isRetryable: false });
});

test("a hello waits no longer than 2 s for a replica that does not answer", async () => {
  const { clock, net, a, b } = two();
  await opened(a, net);
  net.isHeld = true;
  const second = at(b).hello({ sessionId: "a-1", received: 0 });
  net.lose();
  await clock.advance(1999);
  expect(acceptedOf(second)).toBeUndefined();
  await clock.advance(1);
  expect(acceptedOf(second)).toMatchObject({ resumed: false });
});

test("what a client says before it is accepted counts then, in its order", async () => {
  const { net, a } = two();
  net.isHeld = true;
  const client = at(a).hello();
  for (const seq of [1, 2]) client.say(upward(seq));
  client.say({ kind: "heartbeat" });
  net.flow();
  expect(client.heard.map((frame) => Object.keys(frame)[0])).toEqual(["accepted", "heartbeat", "received", "received"]);
  expect(a.replica.deliveries.map(({ text }) => text)).toEqual(["u1", "u2"]);
});

test("a client that says too much before it is accepted comes again", async () => {
  const { net, a } = two();
  net.isHeld = true;
  const client = at(a).hello();
  for (let seq = 1; seq <= 16; seq++) client.say(upward(seq));
  expect(client.end).toBeUndefined();
  client.say(upward(17));
  expect(client.end).toMatchObject({ code: "TooMany", isRetryable: true });
});

test("two hellos of one peer at two replicas at the same moment: the later one has it, with all that was kept", async () => {
  const { net, a, b, third } = two();
  const c = third();
  await opened(a, net);
  const sent = outcomeOf(a.replica.service.send(alice, message("d1")));
  net.isHeld = true;
  const early = at(b).hello({ sessionId: "a-1", received: 0 });
  const late = at(c).hello({ sessionId: "a-1", received: 0 });
  net.isHeld = false;
  net.flow();
  await calm(net);
  expect(early.end).toMatchObject({ code: "Superseded", isRetryable: true });
  expect(acceptedOf(late)).toMatchObject({ resumed: true, generation: 2 });
  late.say({ kind: "received", seq: 1 });
  await calm(net);
  expect(sent.value).toBe("delivered");
  expect([a, b, c].map((side) => sizeOf(side).peers)).toEqual([0, 0, 1]);
});

test("two hellos of a peer that nobody has, at the same moment: one has it, in the time of a claim", async () => {
  const { clock, net, a, b } = two();
  net.isHeld = true;
  const [early, late] = [at(a).hello(), at(b).hello()];
  net.isHeld = false;
  net.flow();
  await calm(net);
  await clock.advance(2000);
  await calm(net);
  expect(early.end?.code).toBe("Superseded");
  expect(acceptedOf(late)).toMatchObject({ generation: 1 });
});

test("of two hellos at one replica the second one is gone on with", async () => {
  const { net, a, b } = two();
  await opened(a, net);
  net.isHeld = true;
  const [early, late] = [at(b).hello(), at(b).hello({ sessionId: "a-1", received: 0 })];
  net.isHeld = false;
  net.flow();
  await calm(net);
  expect(early.end?.code).toBe("Superseded");
  expect(acceptedOf(late)).toMatchObject({ resumed: true });
});

test("a peer that comes back while it is being handed over stays", async () => {
  const { clock, net, a, b } = two();
  a.replica.takes = false;
  const first = await opened(a, net);
  first.say(upward(1));
  const second = at(b).hello({ sessionId: "a-1", received: 0 });
  await calm(net);
  const third = at(a).hello({ sessionId: "a-1", received: 0 });
  expect(acceptedOf(third)).toMatchObject({ resumed: true, generation: 2 });
  await calm(net);
  expect(second.end).toMatchObject({ code: "Superseded" });
  await clock.advance(1000);
  expect(third.end).toBeUndefined();
});

test("what was handed over to a hello whose client is gone is kept for it", async () => {
  const { net, a, b } = two();
  await opened(a, net);
  const sent = outcomeOf(a.replica.service.send(alice, message("d1")));
  net.isHeld = true;
  const second = at(b).hello({ sessionId: "a-1", received: 0 });
  second.lost();
  net.isHeld = false;
  net.flow();
  await calm(net);
  expect([sizeOf(a).peers, sizeOf(b).peers, sizeOf(b).open]).toEqual([0, 1, 0]);
  const third = await opened(b, net, { sessionId: "a-1", received: 0 });
  third.say({ kind: "received", seq: 1 });
  await calm(net);
  expect(sent.value).toBe("delivered");
});

test("a token that is revoked while its hello waits opens nothing", async () => {
  const { net, a, b } = two();
  await opened(a, net);
  net.isHeld = true;
  const second = at(b).hello({ sessionId: "a-1", received: 0 });
  b.replica.revoked.add({ kind: "grant", value: "g1", atMs: epoch, endsAtMs: Infinity });
  net.isHeld = false;
  net.flow();
  await calm(net);
  expect(second.end).toMatchObject({ code: "Revoked", isRetryable: false });
  expect(sizeOf(b).open).toBe(0);
});

test("a replica that knows of no revocation serves the peer until it does", async () => {
  const { net, a, b } = two();
  const first = await opened(a, net);
  const revocation = { kind: "grant", value: "g1", atMs: epoch, endsAtMs: Infinity } as const;
  a.replica.revoked.add(revocation);
  expect(first.end?.code).toBe("Revoked");
  const second = await opened(b, net, { sessionId: "a-1", received: 0 });
  expect(acceptedOf(second)).toMatchObject({ resumed: false });
  b.replica.revoked.add(revocation);
  expect(second.end?.code).toBe("Revoked");
});

test("a replica that drains hands over, and asks for nobody", async () => {
  const { net, a, b } = two();
  await opened(a, net);
  a.replica.service.drain(10_000);
  const second = await opened(b, net, { sessionId: "a-1", received: 0 });
  expect(acceptedOf(second)).toMatchObject({ resumed: true });
  const back = at(a).hello({ sessionId: "b-1", received: 0 });
  expect(back.end?.code).toBe("Draining");
  expect(second.end).toBeUndefined();
});

test("a hello that waits when its replica begins to drain is refused, and what came is handed on", async () => {
  const { net, a, b } = two();
  await opened(a, net);
  net.isHeld = true;
  const second = at(b).hello({ sessionId: "a-1", received: 0 });
  b.replica.service.drain(10_000);
  net.isHeld = false;
  net.flow();
  await calm(net);
  expect(second.end?.code).toBe("Draining");
  expect(acceptedOf(await opened(a, net, { sessionId: "a-1", received: 0 }))).toMatchObject({ resumed: true });
});

test("a hello that still waits when its replica stops is told so", async () => {
  const { net, a, b } = two();
  await opened(a, net);
  net.isHeld = true;
  const second = at(b).hello({ sessionId: "a-1", received: 0 });
  b.replica.service.close();
  expect(second.end).toMatchObject({ code: "Draining", isRetryable: true });
  net.isHeld = false;
  net.flow();
  await calm(net);
  expect(b.bus.topics).toBe(0);
});
