import { createServer } from "node:net";
import { once } from "node:events";
import { describe, expect, onTestFinished, test } from "vitest";
import { SessionClient, type SessionOptions } from "../../../src/client/sessions.ts";
import { portOf } from "../../../src/http/address.ts";
import type { Clock } from "../../../src/time/clock.ts";
import { json, type Reply } from "../../kube/support/script-server.ts";
import { Gateway } from "../../sessions/faces/support/gateway.ts";
import { alice, keeperOf, Kept, pass, placeOf, toAlice, transports } from "./support/kept.ts";
import { TcpProxy } from "./support/tcp-proxy.ts";

const away: Reply = json(503, {});

describe.each(transports)("the life of a session over $name", (transport) => {
  async function world({
    seconds = 600,
    more = {},
    rules = {},
    clock,
  }: {
    readonly seconds?: number;
    readonly more?: Partial<SessionOptions>;
    readonly rules?: Parameters<typeof Gateway.serving>[1];
    readonly clock?: (of: Gateway) => Clock;
  } = {}) {
    const gateway = await Gateway.serving(transport, rules);
    const says: { reply: Reply | undefined } = { reply: undefined };
    const issuer = await keeperOf(gateway, seconds, () => says.reply);
    const proxy = await TcpProxy.to(gateway.port);
    const options = { ...placeOf(transport, proxy.port), keeper: issuer.keeper, instanceId: "one", ...more };
    const kept = new Kept(clock?.(gateway) ?? gateway.clock, options);
    await kept.is("open");
    return { gateway, issuer, says, proxy, kept, options };
  }

  test("is renewed in place: the same session, over the same connection", async () => {
    const { gateway, issuer, proxy, kept } = await world({ more: { renewal: "inPlace" } });
    const first = kept.sessionId;
    await pass(1100_000, { gateway, issuer });
    expect(kept.sessionId).toBe(first);
    expect(gateway.news.map(({ kind }) => kind)).toEqual(["opened"]);
    expect(new Set(kept.states.map(({ kind }) => kind))).toEqual(new Set(["connecting", "open", "renewing"]));
    // Over WebSocket it is asked for by a request of its own, twice
    expect(proxy.count).toBeLessThanOrEqual(transport.name === "gRPC" ? 1 : 3);
    expect(kept.states.filter(({ kind }) => kind === "renewing")).toHaveLength(2);
  });

  test("is renewed over another connection where the gateway does not take it in place", async () => {
    const elsewhere = await Gateway.serving(transport);
    const { gateway, issuer, proxy, kept } = await world({ more: { renewal: "inPlace" } });
    const first = kept.sessionId;
    gateway.service.renew = (...shown) => elsewhere.service.renew(...shown);
    await pass(500_000, { gateway, issuer });
    await kept.isAnother(first);
    expect(proxy.count).toBeGreaterThan(1);
    expect(gateway.news.map(({ kind }) => kind)).toEqual(["opened", "resumed"]);
  });

  test.each([-90_000, 90_000])("does not depend on a clock that is wrong by %d ms", async (wrongMs) => {
    const { gateway, issuer, kept } = await world({
      clock: ({ clock }) => ({
        nowMs: () => clock.nowMs() + wrongMs,
        monotonicMs: clock.monotonicMs,
        after: (ms, action) => clock.after(ms, action),
      }),
    });
    const first = kept.sessionId;
    await pass(490_000, { gateway, issuer });
    expect(kept.sessionId).toBe(first);
    await pass(10_000, { gateway, issuer });
    await kept.isAnother(first);
  });

  test("S12: ends while its issuer is away for longer than the token lives, says so, and comes back by itself", async () => {
    const { gateway, issuer, says, kept } = await world({ seconds: 120 });
    const first = kept.sessionId;
    says.reply = away;
    const isOpen = (): boolean => gateway.service.size.open === 1;
    await pass(144_000, { gateway, issuer, isOpen });
    expect(kept.client.state.kind).toBe("open");
    expect(kept.states).toContainEqual(expect.objectContaining({ kind: "open", trouble: expect.anything() as object }));
    await pass(30_000, { gateway, issuer, isOpen });
    await kept.until(() => kept.states.some(({ kind }) => kind === "waiting"));
    await pass(300_000, { gateway, issuer, isOpen });
    const sent = kept.client.send("up");
    says.reply = undefined;
    const { length } = issuer.calls;
    while (issuer.calls.length === length) await pass(5000, { gateway, issuer, isOpen: () => false });
    while (kept.client.state.kind === "waiting") await gateway.clock.advance(500);
    await kept.is("open");
    await sent;
    expect(kept.sessionId).not.toBe(first);
  });

  test("comes back with another token where a key or its token was revoked, at once", async () => {
    const { gateway, issuer, kept } = await world();
    const first = kept.sessionId;
    await pass(5000, { gateway, issuer });
    const { clock } = gateway;
    gateway.revoked.add({ kind: "token", value: "t1", atMs: clock.nowMs(), endsAtMs: clock.nowMs() + 3_600_000 });
    await kept.until(() => kept.states.some(({ kind }) => kind === "waiting"));
    await clock.advance(1);
    await kept.isAnother(first);
    expect(kept.states.find(({ kind }) => kind === "waiting")).toMatchObject({ afterMs: 0, end: { code: "Revoked" } });
    expect(issuer.calls).toHaveLength(2);
    expect(gateway.news.at(-1)).toMatchObject({ kind: "resumed" });
  });

  test("comes back within seconds also where the next token, too, is one that was revoked", async () => {
    const { gateway, issuer, kept } = await world();
    const first = kept.sessionId;
    await pass(5000, { gateway, issuer });
    const { clock } = gateway;
    for (const value of ["t2", "t1"]) {
      gateway.revoked.add({ kind: "token", value, atMs: clock.nowMs(), endsAtMs: clock.nowMs() + 3_600_000 });
    }
    await kept.until(() => kept.states.some(({ kind }) => kind === "waiting"));
    for (let seconds = 0; seconds < 20 && kept.client.state.kind !== "open"; seconds++) {
      await clock.advance(1000);
      await issuer.quiet();
      await kept.until(() => kept.client.state.kind !== "connecting");
    }
    await kept.isAnother(first);
    expect(issuer.calls).toHaveLength(3);
  });

  test("ends for good when its grant is revoked: whoever sends is told", async () => {
    const { gateway, kept } = await world();
    gateway.takes = false;
    const sent = kept.client.send("up");
    const told = expect(sent).rejects.toMatchObject({ code: "InDoubt" });
    await gateway.until(() => gateway.deliveries.length === 1);
    const atMs = gateway.clock.nowMs();
    gateway.revoked.add({ kind: "subject", value: "alice", atMs, endsAtMs: atMs + 3_600_000 });
    expect(await kept.client.ended).toMatchObject({ code: "Revoked", isRetryable: false });
    await told;
    await expect(kept.client.send("more")).rejects.toMatchObject({ code: "Ended" });
    expect(kept.client.state.kind).toBe("ended");
  });

  test("ends for good when it is removed, and comes back from a drain when it may", async () => {
    const { gateway, kept } = await world();
    gateway.service.drain(1000);
    await gateway.clock.advance(1000);
    expect(await kept.is("waiting")).toMatchObject({ afterMs: 3000, end: { code: "Draining" } });
    const { gateway: other, kept: removed } = await world();
    other.service.remove(alice);
    expect(await removed.client.ended).toMatchObject({ code: "Removed" });
  });

  test("two processes with one instance take it from each other, each with its back-off", async () => {
    const { gateway, kept, options } = await world();
    const other = new Kept(gateway.clock, options);
    await other.is("open");
    expect(await kept.is("waiting")).toMatchObject({ afterMs: 500, end: { code: "Superseded" } });
    await gateway.clock.advance(500);
    await kept.is("open");
    expect(await other.is("waiting")).toMatchObject({ afterMs: 500, end: { code: "Superseded" } });
    await gateway.clock.advance(500);
    await other.is("open");
    expect(await kept.is("waiting")).toMatchObject({ afterMs: 1000 });
  });

  test("sends no faster than the application takes, and refuses what is too much to keep", async () => {
    const { gateway, kept } = await world({ rules: { queueMessages: 4 }, more: { waitingMessages: 6 } });
    gateway.takes = false;
    const sends = Array.from({ length: 10 }, (_, n) => kept.client.send(`${n}`));
    await expect(kept.client.send("too much")).rejects.toMatchObject({ code: "QueueFull" });
    await gateway.until(() => gateway.deliveries.length === 4);
    gateway.takes = true;
    gateway.service.taken(alice, { lineage: kept.sessionId, seq: 4 });
    await Promise.all(sends);
    expect(gateway.deliveries.map(({ text }) => text)).toEqual(Array.from({ length: 10 }, (_, n) => `${n}`));
  });

  test("hands a message over again that its handler failed with, and keeps the order", async () => {
    const heard: string[] = [];
    const { gateway, kept } = await world({
      more: {
        onMessage: ({ id }) => {
          heard.push(id);
          if (heard.length === 1) throw new Error("not now");
        },
      },
    });
    const sends = ["d1", "d2"].map((id) => gateway.service.send(alice, toAlice(id)));
    await gateway.clock.armed(500);
    await gateway.clock.advance(500);
    expect(await Promise.all(sends)).toEqual(["delivered", "delivered"]);
    expect(heard).toEqual(["d1", "d1", "d2"]);
    expect(kept.got).toEqual(["d1", "d2"]);
  });

  test("a gateway that never says anything is given up after ten seconds", async () => {
    const mute = createServer().listen(0, "127.0.0.1");
    await once(mute, "listening");
    onTestFinished(() => void mute.close());
    const gateway = await Gateway.serving(transport);
    const { keeper } = await keeperOf(gateway, 600);
    const kept = new Kept(gateway.clock, { ...placeOf(transport, portOf(mute)), keeper, instanceId: "one" });
    const [socket] = (await once(mute, "connection")) as [
      { destroy(): void; on(name: string, does: () => void): void },
    ];
    socket.on("error", () => undefined);
    onTestFinished(() => socket.destroy());
    await gateway.clock.advance(10_000);
    expect(await kept.is("waiting")).toMatchObject({ end: { code: "NotAccepted" } });
  });

  test("closes within five seconds also where nobody answers", async () => {
    const { gateway, kept, proxy } = await world();
    proxy.silence();
    const closed = kept.client.close({ withinMs: 0 });
    await gateway.clock.armed(5000);
    await gateway.clock.advance(5000);
    await closed;
    expect(await kept.client.ended).toMatchObject({ code: "Left" });
  });

  test("says nothing of its token", async () => {
    const { gateway, kept, options, proxy } = await world();
    const foreign = { get: () => Promise.reject(new Error(`no: ${gateway.tokens[0]}`)) };
    const other = new Kept(gateway.clock, { ...options, keeper: foreign, instanceId: "two" });
    await other.is("waiting");
    proxy.cut();
    await kept.is("waiting");
    await kept.client.close({ withinMs: 0 });
    const said = JSON.stringify([kept.states, other.states, await kept.client.ended]);
    for (const token of gateway.tokens) for (const part of token.split(".")) expect(said).not.toContain(part);
  });
});

describe("SessionClient", () => {
  const keeper = { get: () => Promise.resolve("token") };

  test.each<[string, Partial<SessionOptions>]>([
    ["a URL that is none", { url: "gateway" }],
    ["a URL of another scheme", { url: "ftp://gateway.example" }],
    ["a URL with a password", { url: "wss://a:b@gateway.example" }],
    ["a gateway elsewhere in clear text", { url: "ws://gateway.example" }],
    ["no instance", { instanceId: "" }],
    ["an instance whose name is too long", { instanceId: "x".repeat(129) }],
    ["an instance whose name is no good Unicode", { instanceId: "\ud800" }],
  ])("does not begin with %s", (_, wrong) => {
    const options = { url: "wss://gateway.example", keeper, instanceId: "one", ...wrong };
    expect(() => new SessionClient(options)).toThrow(expect.objectContaining({ code: "OptionsInvalid" }) as Error);
  });

  test.each([
    ["too large", "x".repeat(65_537), {}],
    ["without an id", "x", { id: "" }],
    ["of an id that is too long", "x", { id: "x".repeat(129) }],
    ["of an id that is no good Unicode", "x", { id: "\ud800" }],
  ])("does not send a message %s", async (_, payload, more) => {
    const session = new SessionClient({ url: "ws://127.0.0.1:1", keeper, instanceId: "one" });
    await expect(session.send(payload, more)).rejects.toMatchObject({ code: "MessageInvalid" });
    await session.close();
  });

  test("closed before it was ever open, it tells whoever has sent", async () => {
    const session = new SessionClient({ url: "ws://127.0.0.1:1", keeper, instanceId: "one" });
    const told = expect(session.send("x")).rejects.toMatchObject({ code: "Ended" });
    await session.close({ withinMs: 0 });
    await told;
    for await (const message of session) expect(message).toBeUndefined();
  });
});
