import { expect, test } from "vitest";
import { acceptedOf, alice, at, calm, idsOf, message, opened, outcomeOf, sizeOf, two } from "./support/two-replicas.ts";

test("in a partition both sides go on; once it is over the later session is left, and messages are answered", async () => {
  const { clock, net, a, b } = two();
  const first = await opened(a, net);
  const kept = outcomeOf(a.replica.service.send(alice, message("d1")));
  a.bus.cut();
  await clock.advance(10);
  const second = await opened(b, net, { sessionId: "a-1", received: 0 });
  expect(acceptedOf(second)).toMatchObject({ resumed: false });
  const new1 = outcomeOf(b.replica.service.send(alice, message("d2")));
  expect([sizeOf(a).open, sizeOf(b).open]).toEqual([1, 1]);
  a.bus.heal();
  await calm(net);
  expect(first.end).toMatchObject({ code: "Superseded", isRetryable: true });
  expect([sizeOf(a).peers, sizeOf(b).open]).toEqual([0, 1]);
  await clock.advance(250);
  await calm(net);
  expect(idsOf(second)).toEqual(["d2", "d1"]);
  second.say({ kind: "received", seq: 2 });
  await calm(net);
  expect([kept.value, new1.value]).toEqual(["delivered", "delivered"]);
});

test("a partition that no replica noticed is found out within a minute", async () => {
  const { clock, net, a, b } = two();
  const first = await opened(a, net);
  net.isHeld = true;
  const second = at(b).hello();
  net.lose();
  await clock.advance(2000);
  expect(acceptedOf(second)).toBeDefined();
  net.lose();
  net.isHeld = false;
  for (let seconds = 0; seconds < 60; seconds += 10) {
    for (const client of [first, second]) client.say({ kind: "heartbeat" });
    await clock.advance(10_000);
    await calm(net);
  }
  expect(first.end?.code).toBe("Superseded");
  expect(second.end).toBeUndefined();
});

test("a reconnect to a replica whose clock is a minute behind is accepted at once, and is the later one from then on", async () => {
  const { clock, net, a, b } = two([{ skewMs: 60_000 }]);
  const first = await opened(a, net);
  const second = await opened(b, net, { sessionId: "a-1", received: 0 });
  expect(acceptedOf(second)).toMatchObject({ resumed: true });
  expect(first.end?.code).toBe("Superseded");
  await clock.advance(1000);
  const third = await opened(a, net, { sessionId: "b-1", received: 0 });
  expect(acceptedOf(third)).toMatchObject({ resumed: true, generation: 3 });
  expect(second.end?.code).toBe("Superseded");
});

test("no word on the bus names a subject, or has anything of a token", async () => {
  const { net, a, b } = two();
  const said: string[] = [];
  const spied = net.put.bind(net);
  net.put = (word) => {
    said.push(word.text);
    spied(word);
  };
  await opened(a, net);
  void b.replica.service.send(alice, message("d1"));
  await calm(net);
  const token = b.replica.token();
  const second = at(b, token).hello({ sessionId: "a-1", received: 0 });
  await calm(net);
  expect(acceptedOf(second)).toMatchObject({ resumed: true });
  expect(said.join()).toContain("text of d1");
  for (const secret of ["alice", "g1", "https://issuer.example", ...token.split(".")]) {
    expect(said.join()).not.toContain(secret);
  }
});

test("ten thousand peers that come and go leave nothing behind", { timeout: 120_000 }, async () => {
  const { clock, net, a, b } = two([
    { rules: { peers: 20_000, peersOfSubject: 20_000 } },
    { rules: { peers: 20_000, peersOfSubject: 20_000 } },
  ]);
  const token = a.replica.token();
  for (let n = 0; n < 10_000; n++) {
    const [one, other] = n % 2 === 0 ? [a, b] : [b, a];
    at(one, token).hello(undefined, `i${n}`);
    if (n % 100 === 99) await calm(net);
    at(other, token).hello(undefined, `i${n}`);
    if (n % 100 === 99) await calm(net);
  }
  await clock.advance(2000);
  await clock.advance(1_900_000);
  await calm(net);
  expect([a, b].map(sizeOf)).toEqual([1, 2].map(() => ({ open: 0, peers: 0, bytes: 0, remembered: 0 })));
  expect([a.bus.topics, b.bus.topics]).toEqual([0, 0]);
});

test("a bus that has just come back is not believed that nobody has a peer", async () => {
  const { clock, net, a, b } = two();
  const client = await opened(a, net);
  for (const { bus } of [a, b]) bus.cut();
  b.bus.heal();
  const sent = outcomeOf(b.replica.service.send(alice, message("d1")));
  await calm(net);
  expect(sent.value).toBeUndefined();
  a.bus.heal();
  await clock.advance(250);
  await calm(net);
  client.say({ kind: "received", seq: 1 });
  await calm(net);
  expect(sent.value).toBe("delivered");
});
