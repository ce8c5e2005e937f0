import { describe, expect, onTestFinished, test } from "vitest";
import { natsNeeds } from "../../../hack/nats.ts";
import { Nats } from "../../sessions/bus/support/nats.ts";
import type { SessionClient } from "../../sessions/faces/support/clients.ts";
import { transports } from "../../sessions/faces/support/gateway.ts";
import { Application } from "../../sessions/hub/support/scene.ts";
import { SessionWorld } from "./session-world.ts";

const up = (id: string, seq: number) => ({ message: { seq, id, payload: Buffer.from(`text of ${id}`) } });
const ids = (letter: string, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => `${letter}${from + n}`);

/** Says that it has everything that comes. */
function confirming(client: SessionClient): SessionClient {
  void (async () => {
    for (;;) {
      const { message } = await client.next("message");
      client.say({ received: { seq: message?.["seq"] } });
    }
  })();
  return client;
}

const of = (client: SessionClient, kind: string, field: string): readonly unknown[] =>
  client.heard.flatMap((frame) => (frame[kind] ? [frame[kind][field]] : []));
const highest = (numbers: readonly unknown[]): number => Math.max(0, ...numbers.map(Number));
const deliveredTo = (application: Application) => application.kinds("delivery").map(({ id }) => String(id));

/** What comes after the first twenty it has heard, and nobody is told that it has. */
function takingHalf(hubPath: string): Application {
  const application = new Application(hubPath);
  application.stream.on("data", ({ delivery }: { delivery?: { peer: object; lineage: string; seq: number } }) => {
    if (delivery && delivery.seq <= 20)
      application.say({ taken: { peer: delivery.peer, lineage: delivery.lineage, seq: delivery.seq } });
  });
  return application;
}

/** Sends until each was delivered; whatever is `gone` the application sends again, as the same message. */
async function untilDelivered(application: Application, peer: object, own: readonly string[]): Promise<void> {
  const left = new Set(own);
  while (left.size > 0) {
    const { id, outcome } = await application.next("sent");
    if (outcome === "delivered") left.delete(String(id));
    else application.say({ send: { peer, id, payload: Buffer.from("again") } });
  }
}

describe.each(transports)("a replica that is killed in the middle of messages over $name", (transport) => {
  async function openAt(port: number, token: string, resume?: object) {
    const client = transport.open(port, token);
    client.say({ hello: { instanceId: "one", ...(resume && { resume }) } });
    const { accepted: terms = {} } = await client.next("accepted");
    return { client: confirming(client), terms };
  }

  test(
    "loses none: each comes once, or its sender knows that it is in doubt",
    { timeout: 120_000 },
    async (context) => {
      const missing = natsNeeds();
      if (missing !== undefined) context.skip(missing);
      const nats = await Nats.started();
      const bus = `--session-bus=${nats.url}`;
      const world = await SessionWorld.begin(bus, "--instance=one");
      onTestFinished(() => world.end());
      const other = await world.beside(bus, "--instance=other");
      await world.until(async () =>
        [await world.metrics(), await other.metrics()].every((text) => text.includes("sessions_bus_connected 1")),
      );
      const [here, there] = [takingHalf(world.hubPath), world.application(other.hubPath)];
      await Promise.all([here.next("ready"), there.next("ready")]);
      const { token } = await world.mint("alice");
      const { client, terms } = await openAt(world.portOf(transport), token);
      const peer = { subject: "alice", instanceId: "one" };
      const [ups, downs] = [ids("u", 1, 40), ids("d", 1, 40)];
      const send = (some: readonly string[]): void => {
        for (const id of some) there.say({ send: { peer, id, payload: Buffer.from(id) } });
      };
      send(downs.slice(0, 20));
      ups.forEach((id, n) => client.say(up(id, n + 1)));
      while (highest(of(client, "received", "seq")) < 20) await client.next("received");
      await world.gateway.end("SIGKILL");
      await client.ended;
      send(downs.slice(20));
      const confirmed = highest(of(client, "received", "seq"));
      const inDoubt = ups.slice(confirmed);
      expect(inDoubt).toHaveLength(20);
      const resume = { sessionId: terms["sessionId"], received: highest(of(client, "message", "seq")) };
      const again = await openAt(other.portOf(transport), token, resume);
      expect(again.terms).toMatchObject({ resumed: false, received: 0 });
      inDoubt.forEach((id, n) => again.client.say(up(id, n + 1)));
      await untilDelivered(there, peer, downs);
      while (highest(of(again.client, "received", "seq")) < inDoubt.length) await again.client.next("received");
      const [atFirst, atOther] = [deliveredTo(here), deliveredTo(there)];
      expect(atOther).toEqual(inDoubt);
      expect(atFirst).toEqual(ups.slice(0, atFirst.length));
      expect(atFirst.length).toBeGreaterThanOrEqual(confirmed);
      // Whoever has confirmed one just before the kill may get it again, with its id
      const heard = [...of(client, "message", "id"), ...of(again.client, "message", "id")];
      expect(new Set(heard)).toEqual(new Set(downs));
      expect(of(again.client, "message", "id")).toHaveLength(new Set(of(again.client, "message", "id")).size);
    },
  );
});
