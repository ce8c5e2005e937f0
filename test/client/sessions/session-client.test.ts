import { describe, expect, test } from "vitest";
import { Gateway } from "../../sessions/faces/support/gateway.ts";
import { TcpProxy } from "./support/tcp-proxy.ts";
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

describe.each(transports)("SessionClient over $name, on a network that breaks", (transport) => {
  async function world(seconds = 600, chance = () => 0.5) {
    const gateway = await Gateway.serving(transport);
    const issuer = await keeperOf(gateway, seconds);
    const proxy = await TcpProxy.to(gateway.port);
    const options = { ...placeOf(transport, proxy.port), keeper: issuer.keeper, instanceId: "one" };
    const kept = new Kept(gateway.clock, options, chance);
    await kept.is("open");
    return { gateway, issuer, proxy, kept };
  }

  test("comes back after less than a second, and goes on where it was", async () => {
    const { gateway, proxy, kept } = await world();
    const first = kept.sessionId;
    gateway.takes = false;
    const sent = kept.client.send("up");
    await gateway.until(() => gateway.deliveries.length === 1);
    proxy.cut();
    expect(await kept.is("waiting")).toMatchObject({ afterMs: 500, end: { code: "Lost" } });
    gateway.service.taken(alice, { lineage: first, seq: 1 });
    const down = gateway.service.send(alice, toAlice("d1"));
    await gateway.clock.armed(1, 500);
    await gateway.clock.advance(500);
    await kept.isAnother(first);
    await sent;
    expect(await down).toBe("delivered");
    expect(gateway.deliveries).toHaveLength(1);
  });

  test("finds out that a connection is half-open after two and a half heartbeats", async () => {
    const { gateway, proxy, kept } = await world();
    const first = kept.sessionId;
    proxy.silence();
    await gateway.clock.advance(37_499);
    expect(kept.client.state.kind).toBe("open");
    await gateway.clock.advance(1);
    expect(await kept.is("waiting")).toMatchObject({ end: { code: "Silent" } });
    proxy.speak();
    await gateway.clock.advance(500);
    await kept.isAnother(first);
    expect(await gateway.service.send(alice, toAlice("d1"))).toBe("delivered");
  });

  test("waits 1 s, 2 s, 4 s, … 30 s at the most while the gateway is away, and forgets that after a good session", async () => {
    const { gateway, issuer, proxy, kept } = await world(3600, () => 0.999_999);
    const { port } = gateway;
    const pauses = async (count: number): Promise<readonly number[]> => {
      const found: number[] = [];
      for (;;) {
        const { afterMs } = await kept.is("waiting");
        found.push(Math.round(afterMs));
        if (found.length === count) return found;
        const before = kept.states.length;
        await gateway.clock.advance(afterMs + 1);
        await kept.until(() => kept.states.length > before + 1);
      }
    };
    const comesBack = async (): Promise<void> => {
      proxy.target = port;
      await gateway.clock.advance(30_001);
      await kept.is("open");
    };
    await pass(30_000, { gateway, issuer });
    proxy.target = 0;
    proxy.cut();
    expect(await pauses(7)).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    await comesBack();
    proxy.target = 0;
    proxy.cut();
    expect(await pauses(1)).toEqual([30_000]);
    await comesBack();
    await pass(30_000, { gateway, issuer });
    proxy.cut();
    expect(await pauses(1)).toEqual([1000]);
  });

  test("tells the sender what is in doubt when the gateway has begun anew, and sends what was not sent", async () => {
    const { gateway, proxy, kept } = await world();
    gateway.takes = false;
    const first = kept.client.send("up", { id: "u1" });
    await gateway.until(() => gateway.deliveries.length === 1);
    const another = await Gateway.serving(transport);
    another.showsRing({});
    proxy.target = another.port;
    proxy.cut();
    await kept.is("waiting");
    const second = kept.client.send("later", { id: "u2" });
    await gateway.clock.advance(500);
    await expect(first).rejects.toMatchObject({ name: "TryLaterError", code: "InDoubt" });
    await second;
    expect(another.deliveries.map(({ text }) => text)).toEqual(["later"]);
    await kept.client.send("up", { id: "u1" });
  });

  test("confirms what it has had, when a gateway that has begun anew sends it again, and hears it once", async () => {
    const { gateway, proxy, kept } = await world();
    expect(await gateway.service.send(alice, toAlice("d1"))).toBe("delivered");
    const another = await Gateway.serving(transport);
    another.named = "other";
    proxy.target = another.port;
    proxy.cut();
    await kept.is("waiting");
    await gateway.clock.advance(500);
    await kept.is("open");
    expect(await another.service.send(alice, toAlice("d1"))).toBe("delivered");
    expect(kept.got).toEqual(["d1"]);
  });
});
