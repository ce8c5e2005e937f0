import { expect, test } from "vitest";
import { Gateway, transports } from "./support/gateway.ts";

test.each(transports)(
  "over $name there are twice as many connections as peers at the most, also without a hello",
  async (transport) => {
    const gateway = await Gateway.serving(transport, { peers: 2 });
    const clients = Array.from({ length: 5 }, () => gateway.open());
    const first = await Promise.race(clients.map(async (client) => ({ client, end: await client.ended })));
    expect(first.end).toMatchObject({ code: "TooMany" });
    const [one, other] = clients.filter((client) => client !== first.client);
    one?.say({ hello: { instanceId: "one" } });
    await one?.next("accepted");
    other?.say({ hello: { instanceId: "one" } });
    await other?.next("accepted");
    expect(await one?.ended).toMatchObject({ code: "Superseded" });
    await gateway.clock.advance(5000);
    gateway.open().say({ hello: { instanceId: "two" } });
    await gateway.until(() => gateway.service.size.open === 2);
  },
);
