import { describe, expect, onTestFinished, test } from "vitest";
import { natsNeeds } from "../../../hack/nats.ts";
import { natsBus, type NatsBus } from "../../../src/sessions/bus/nats/nats-bus.ts";
import { systemClock } from "../../../src/time/clock.ts";
import type { SessionClient } from "../faces/support/clients.ts";
import { transports } from "../faces/support/gateway.ts";
import { Cable, Nats, reconnected } from "./support/nats.ts";
import { TestReplica } from "./support/replica.ts";

const alice = { subject: "alice", instanceId: "one" };
const message = (id: string) => ({ id, payload: Buffer.from(`text of ${id}`) });
const upward = (seq: number) => ({ message: { seq, id: `u${seq}`, payload: Buffer.from(`u${seq}`) } });

interface Site {
  readonly replica: TestReplica;
  readonly bus: NatsBus;
  readonly cable: Cable;
}

async function site(nats: Nats, id: string): Promise<Site> {
  const cable = await Cable.to(nats.port);
  const bus = natsBus({ servers: [cable.url], prefix: "keyturn.sessions", clock: systemClock });
  onTestFinished(() => bus.close());
  if (!bus.isConnected) await reconnected(bus);
  return { cable, bus, replica: await new TestReplica({ id, bus }).listen() };
}

async function three(context: { skip: (why: string) => void }) {
  const missing = natsNeeds();
  if (missing !== undefined) context.skip(missing);
  const nats = await Nats.started();
  return { nats, a: await site(nats, "a"), b: await site(nats, "b"), c: await site(nats, "c") };
}

/** Says that it has everything that comes, until it ends. */
function confirming(client: SessionClient): SessionClient {
  void (async () => {
    for (;;) {
      const { message: got } = await client.next("message");
      client.say({ received: { seq: got?.["seq"] } });
    }
  })();
  return client;
}

const messagesOf = ({ heard }: SessionClient) => heard.flatMap(({ message: one }) => (one ? [one] : []));
const idsOf = (...clients: readonly SessionClient[]) => clients.flatMap((one) => messagesOf(one).map(({ id }) => id));
const received = (...clients: readonly SessionClient[]): number =>
  Math.max(0, ...clients.flatMap((one) => messagesOf(one).map(({ seq }) => Number(seq))));
const openIn = (...sites: readonly Site[]) => sites.map(({ replica }) => replica.service.size.open);
const known = async ({ bus }: Site): Promise<void> =>
  new Promise((resolve) => {
    const stop = bus.ask("nobody", Buffer.from(""), () => {
      stop();
      resolve();
    });
  });

describe.each(transports)("replicas on NATS, sessions over $name", (transport) => {
  async function accepted({ replica }: Site, resume?: object) {
    const client = replica.open(transport);
    client.say({ hello: { instanceId: "one", ...(resume && { resume }) } });
    const { accepted: terms = {} } = await client.next("accepted");
    return { client, terms, id: String(terms["sessionId"]) };
  }

  test("a message and a removal reach the replica that has the session", async (context) => {
    const { a, b, c } = await three(context);
    const { client } = await accepted(a);
    confirming(client);
    await known(a);
    expect(await b.replica.service.send(alice, message("d1"))).toBe("delivered");
    c.replica.service.remove(alice);
    expect((await client.next("closing"))["closing"]).toMatchObject({ code: "Removed" });
    expect(await b.replica.service.send(alice, message("d2"))).toBe("gone");
  });

  test("from replica to replica nothing is lost and nothing comes twice, whoever sends meanwhile", async (context) => {
    const { a, b, c } = await three(context);
    const clients: SessionClient[] = [];
    const sent: Promise<string>[] = [];
    const said: string[] = [];
    let resume: object | undefined;
    for (let round = 0; round < 9; round++) {
      const at = [a, b, c][round % 3] ?? a;
      const { client, terms, id } = await accepted(at, resume);
      expect(terms).toMatchObject({ resumed: round > 0, generation: round + 1 });
      clients.push(confirming(client));
      for (let seq = Number(terms["received"]) + 1; seq <= 3 * (round + 1); seq++) {
        said.push(`u${seq}`);
        client.say(upward(seq));
      }
      await known(at);
      for (const from of [a, b, c]) {
        for (const n of [1, 2, 3])
          sent.push(from.replica.service.send(alice, message(`${round}-${n}-${clients.length}`)));
      }
      await client.next("message");
      resume = { sessionId: id, received: received(...clients) };
    }
    const last = await accepted(a, resume);
    clients.push(confirming(last.client));
    expect(new Set(await Promise.all(sent))).toEqual(new Set(["delivered"]));
    const ids = idsOf(...clients);
    // A message that was sent from three replicas under one id is one
    expect(new Set(ids).size).toBe(27);
    await expect.poll(() => [a, b, c].flatMap(({ replica }) => replica.deliveries).length).toBeGreaterThanOrEqual(27);
    const heard = [a, b, c].flatMap(({ replica }) => replica.deliveries);
    const once = heard.filter(({ isRedelivered }) => !isRedelivered).map(({ text }) => text);
    expect(new Set(once).size).toBe(once.length);
    expect(new Set(heard.map(({ text }) => text))).toEqual(new Set(said));
    expect(openIn(a, b, c)).toEqual([1, 0, 0]);
  });

  test("a peer moves with more waiting for it than a message of the bus may have", async (context) => {
    const { a, b } = await three(context);
    const first = await accepted(a);
    const sent = Array.from({ length: 16 }, (_, n) =>
      b.replica.service.send(alice, { id: `d${n}`, payload: Buffer.alloc(65_536, n) }),
    );
    await expect.poll(() => idsOf(first.client).length).toBe(16);
    const second = await accepted(b, { sessionId: first.id, received: 0 });
    confirming(second.client);
    expect(new Set(await Promise.all(sent))).toEqual(new Set(["delivered"]));
    expect(idsOf(second.client)).toEqual(Array.from({ length: 16 }, (_, n) => `d${n}`));
    expect((await first.client.next("closing"))["closing"]).toMatchObject({ code: "Superseded", retry: true });
  });

  test("in a partition both sides go on; after it one session is left, and messages are answered", async (context) => {
    const { a, b, c } = await three(context);
    const first = await accepted(a);
    await known(a);
    const kept = a.replica.service.send(alice, message("d1"));
    await first.client.next("message");
    a.cable.cut();
    await expect.poll(() => a.bus.isConnected).toBe(false);
    const second = await accepted(b, { sessionId: first.id, received: 1 });
    expect(second.terms).toMatchObject({ resumed: false });
    confirming(second.client);
    await known(b);
    expect(await c.replica.service.send(alice, message("d2"))).toBe("delivered");
    first.client.say(upward(1));
    await first.client.next("received");
    expect(openIn(a, b, c)).toEqual([1, 1, 0]);
    a.cable.heal();
    expect((await first.client.next("closing"))["closing"]).toMatchObject({ code: "Superseded", retry: true });
    expect(await kept).toBe("delivered");
    expect(openIn(a, b, c)).toEqual([0, 1, 0]);
    expect(await a.replica.service.send(alice, message("d3"))).toBe("delivered");
    expect(idsOf(second.client)).toEqual(["d2", "d1", "d3"]);
  });

  test("a server that is killed and comes back ends no session, and loses no message", async (context) => {
    const { nats, a, b } = await three(context);
    const first = await accepted(a);
    await known(a);
    const sent = b.replica.service.send(alice, message("d1"));
    await first.client.next("message");
    await nats.kill();
    await expect.poll(() => [a.bus.isConnected, b.bus.isConnected]).toEqual([false, false]);
    const alone = a.replica.service.send(alice, message("d2"));
    await first.client.next("message");
    first.client.say({ received: { seq: 2 } });
    expect(await alone).toBe("delivered");
    await nats.start();
    expect(await sent).toBe("delivered");
    const second = await accepted(b, { sessionId: first.id, received: 2 });
    expect(second.terms).toMatchObject({ resumed: true });
  });

  test("a replica that dies: its peers begin anew elsewhere, and who waits for them is told", async (context) => {
    const { a, b } = await three(context);
    const first = await accepted(a);
    await known(a);
    const sent = b.replica.service.send(alice, message("d1"));
    await first.client.next("message");
    a.cable.cut();
    first.client.cut();
    expect(await sent).toBe("gone");
    const second = await accepted(b, { sessionId: first.id, received: 1 });
    expect(second.terms).toMatchObject({ resumed: false, generation: 1 });
  });
});
