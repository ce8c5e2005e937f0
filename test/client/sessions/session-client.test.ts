import { describe, expect, test } from "vitest";
import { Gateway } from "../../sessions/faces/support/gateway.ts";
import { alice, keeperOf, Kept, pass, placeOf, toAlice, transports } from "./support/kept.ts";

describe.each(transports)("SessionClient over $name", (transport) => {
  async function world(seconds = 600) {
    const gateway = await Gateway.serving(transport);
    const issuer = await keeperOf(gateway, seconds);
    const options = { ...placeOf(transport, gateway.port), keeper: issuer.keeper, instanceId: "one" };
    return { gateway, issuer, options };
  }

  test("opens a session, and carries messages both ways: each is confirmed when the other side has it", async () => {
    const { gateway, options } = await world();
    gateway.takes = false;
    const kept = new Kept(gateway.clock, options);
    await kept.is("open");
    let isSent = false;
    const sent = kept.client.send("up", { id: "u1" }).then(() => {
      isSent = true;
    });
    await gateway.until(() => gateway.deliveries.length === 1);
    expect([gateway.deliveries[0]?.text, isSent]).toEqual(["up", false]);
    gateway.service.taken(alice, { lineage: kept.sessionId, seq: 1 });
    await sent;
    expect(await gateway.service.send(alice, toAlice("d1"))).toBe("delivered");
    expect(kept.got).toEqual(["d1"]);
  });

  test("opens the next one after its keeper has renewed, before the deadline; the old one ends as superseded", async () => {
    const { gateway, options, issuer } = await world(600);
    const kept = new Kept(gateway.clock, options);
    await kept.is("open");
    const first = kept.sessionId;
    const sends = Array.from({ length: 20 }, (_, n) => kept.client.send("up", { id: `u${n}` }));
    const downs = Array.from({ length: 20 }, (_, n) => gateway.service.send(alice, toAlice(`d${n}`)));
    // 80 % of ten minutes, and half of three quarters of the time until 86 %
    await pass(490_000, { gateway, issuer });
    expect(kept.sessionId).toBe(first);
    await pass(4_000, { gateway, issuer });
    await kept.isAnother(first);
    sends.push(...Array.from({ length: 20 }, (_, n) => kept.client.send("up", { id: `v${n}` })));
    downs.push(...Array.from({ length: 20 }, (_, n) => gateway.service.send(alice, toAlice(`e${n}`))));
    await Promise.all(sends);
    expect(new Set(await Promise.all(downs))).toEqual(new Set(["delivered"]));
    expect(gateway.deliveries).toHaveLength(40);
    expect(new Set(kept.got).size).toBe(40);
    expect(kept.got).toHaveLength(40);
    expect(issuer.calls).toHaveLength(2);
    expect(gateway.news.map(({ kind }) => kind)).toEqual(["opened", "resumed"]);
    expect(kept.states.map(({ kind }) => kind)).toEqual(["connecting", "open", "renewing", "open"]);
  });

  test("leaves in good order: the gateway forgets it", async () => {
    const { gateway, options } = await world();
    const kept = new Kept(gateway.clock, options);
    await kept.is("open");
    const sent = kept.client.send("up");
    await kept.client.close();
    await sent;
    await gateway.until(() => gateway.news.some(({ kind }) => kind === "closed"));
    expect(gateway.service.size).toMatchObject({ open: 0, peers: 0 });
    expect(await kept.client.ended).toMatchObject({ code: "Left" });
    await expect(kept.client.send("late")).rejects.toMatchObject({ code: "Ended" });
    expect(await kept.client.next()).toEqual({ done: true, value: undefined });
  });
});
