import { describe, expect, test } from "vitest";
import { kid } from "../../gateway/support/rings.ts";
import type { SessionClient } from "./support/clients.ts";
import { Gateway, transports } from "./support/gateway.ts";

const hello = (more: object = {}) => ({ hello: { instanceId: "one", ...more } });
const alice = { subject: "alice", instanceId: "one" };
const message = (seq: number, text: string) => ({ message: { seq, id: `u${seq}`, payload: Buffer.from(text) } });
const toAlice = (id: string) => ({ id, payload: Buffer.from(`text of ${id}`) });

/** A session that is open, and its id. */
async function accepted(gateway: Gateway, client = gateway.open(), more: object = {}) {
  client.say(hello(more));
  const { accepted: terms = {} } = await client.next("accepted");
  return { client, terms, id: String(terms["sessionId"]) };
}

/** Says that it has everything that comes. */
function confirming(client: SessionClient): SessionClient {
  void (async () => {
    for (;;) {
      const { message: got } = await client.next("message");
      client.say({ received: { seq: got?.["seq"] } });
    }
  })();
  return client;
}

const statuses = {
  Expired: ["UNAUTHENTICATED", 4401],
  TokenRefused: ["UNAUTHENTICATED", 4401],
  Revoked: ["PERMISSION_DENIED", 4403],
  Forbidden: ["PERMISSION_DENIED", 4403],
  NoHello: ["DEADLINE_EXCEEDED", 4408],
  Silent: ["DEADLINE_EXCEEDED", 4408],
  Superseded: ["ABORTED", 4409],
  Draining: ["UNAVAILABLE", 4410],
  NotReady: ["UNAVAILABLE", 4503],
  TooMany: ["RESOURCE_EXHAUSTED", 4429],
  BadMessage: ["INVALID_ARGUMENT", 4400],
} as const;

describe.each(transports)("a session over $name", (transport) => {
  const serving = (...more: Parameters<typeof Gateway.serving> extends [unknown, ...infer Rest] ? Rest : never) =>
    Gateway.serving(transport, ...more);

  /** It was told, in a frame and in the transport's own way. */
  async function ends(client: SessionClient, code: keyof typeof statuses, retry: boolean): Promise<void> {
    const { closing } = await client.next("closing");
    expect(closing).toMatchObject({ code, retry });
    const status = statuses[code][transport.name === "gRPC" ? 0 : 1];
    expect(await client.ended).toEqual({ code, status });
  }

  test("is accepted with everything that its owner must know", async () => {
    const gateway = await serving();
    const nowMs = gateway.clock.nowMs();
    const { terms } = await accepted(gateway, gateway.open(gateway.token(gateway.ending(600))));
    expect(terms).toEqual({
      sessionId: "session-1",
      generation: 1,
      heartbeatIntervalMs: 15_000,
      serverNowUnixMs: nowMs,
      sessionExpiresAtUnixMs: nowMs + 600_000,
      // 14 % of ten minutes before the end: half of the jitter
      reconnectBeforeUnixMs: nowMs + 516_000,
      graceMs: 25_000,
      resumed: false,
      received: 0,
      queueMessages: 64,
      queueBytes: 1_048_576,
    });
    expect(gateway.news).toEqual([{ kind: "opened", sessionId: "session-1", generation: 1 }]);
  });

  test.each([60, 300, 3600])("of %d s asks to be back after 80 %% of its life and before its end", async (seconds) => {
    const gateway = await serving();
    const nowMs = gateway.clock.nowMs();
    const { terms } = await accepted(gateway, gateway.open(gateway.token(gateway.ending(seconds))));
    const before = Number(terms["reconnectBeforeUnixMs"]);
    expect(before).toBeGreaterThan(nowMs + seconds * 800);
    expect(before).toBeLessThan(nowMs + seconds * 1000);
  });

  test("carries messages both ways, and confirms what the application has", async () => {
    const gateway = await serving();
    const { client } = await accepted(gateway);
    const sent = gateway.service.send(alice, toAlice("d1"));
    const { message: down } = await client.next("message");
    expect(down).toMatchObject({ seq: 1, id: "d1" });
    client.say({ received: { seq: 1 } });
    expect(await sent).toBe("delivered");
    client.say(message(1, "from below"));
    expect(await client.next("received")).toMatchObject({ received: { seq: 1 } });
    expect(gateway.deliveries).toEqual([{ peer: alice, lineage: "session-1", seq: 1, text: "from below" }]);
  });

  test("is taken over in time: nothing is lost, nothing comes twice, and the old one is told", async () => {
    const gateway = await serving();
    const first = await accepted(gateway);
    confirming(first.client);
    const ids = Array.from({ length: 50 }, (_, n) => `d${n}`);
    const before = ids.slice(0, 25).map((id) => gateway.service.send(alice, toAlice(id)));
    const received = Math.max(0, ...first.client.heard.map(({ message: one }) => Number(one?.["seq"] ?? 0)));
    const second = await accepted(gateway, gateway.open(), { resume: { sessionId: first.id, received } });
    expect(second.terms).toMatchObject({ resumed: true, generation: 2 });
    expect(second.id).not.toBe(first.id);
    confirming(second.client);
    const after = ids.slice(25).map((id) => gateway.service.send(alice, toAlice(id)));
    expect(new Set(await Promise.all([...before, ...after]))).toEqual(new Set(["delivered"]));
    await ends(first.client, "Superseded", true);
    const seqs = [first, second].flatMap(({ client }) =>
      client.heard.flatMap(({ message: one }) => (one ? [Number(one["seq"])] : [])),
    );
    expect(new Set(seqs).size).toBe(50);
    const own = second.client.heard.flatMap(({ message: one }) => (one ? [Number(one["seq"])] : []));
    expect(own).toEqual(own.toSorted((a, b) => a - b));
  });

  test("is not touched by the late end of the one before", async () => {
    const gateway = await serving();
    const first = await accepted(gateway);
    const second = await accepted(gateway, gateway.open(), { resume: { sessionId: first.id, received: 0 } });
    first.client.cut();
    await first.client.ended;
    const sent = gateway.service.send(alice, toAlice("d1"));
    confirming(second.client);
    expect(await sent).toBe("delivered");
    expect(gateway.service.size).toMatchObject({ open: 1, peers: 1 });
  });

  test("gets again, in order, what the one before did not confirm", async () => {
    const gateway = await serving();
    const first = await accepted(gateway);
    const sent = ["d1", "d2", "d3"].map((id) => gateway.service.send(alice, toAlice(id)));
    await first.client.next("message");
    first.client.say({ received: { seq: 1 } });
    expect(await sent[0]).toBe("delivered");
    first.client.cut();
    await gateway.until(() => gateway.news.some(({ kind }) => kind === "closed"));
    const second = await accepted(gateway, gateway.open(), { resume: { sessionId: first.id, received: 1 } });
    confirming(second.client);
    expect(await Promise.all(sent)).toEqual(["delivered", "delivered", "delivered"]);
    expect(second.client.heard.flatMap(({ message: one }) => (one ? [one["id"]] : []))).toEqual(["d2", "d3"]);
  });

  test("tells which messages of its owner the application has, and skips what comes again", async () => {
    const gateway = await serving();
    gateway.takes = false;
    const first = await accepted(gateway);
    for (const seq of [1, 2]) first.client.say(message(seq, `u${seq}`));
    await gateway.until(() => gateway.deliveries.length === 2);
    gateway.service.taken(alice, { lineage: first.id, seq: 1 });
    first.client.cut();
    await gateway.until(() => gateway.news.some(({ kind }) => kind === "closed"));
    const second = await accepted(gateway, gateway.open(), { resume: { sessionId: first.id, received: 0 } });
    expect(second.terms).toMatchObject({ resumed: true, received: 1 });
    for (const seq of [2, 3]) second.client.say(message(seq, `u${seq}`));
    await gateway.until(() => gateway.deliveries.length === 3);
    expect(gateway.deliveries.map(({ text }) => text)).toEqual(["u1", "u2", "u3"]);
  });

  test("lives through the grace, and not longer", async () => {
    const gateway = await serving();
    const { client } = await accepted(gateway, gateway.open(gateway.token(gateway.ending(10))));
    await gateway.clock.advance(34_999);
    expect(gateway.service.size.open).toBe(1);
    await gateway.clock.advance(1);
    await ends(client, "Expired", true);
    expect(gateway.service.size.open).toBe(0);
  });

  test("does not begin with a token that has ended", async () => {
    const gateway = await serving();
    const token = gateway.token(gateway.ending(10));
    await gateway.clock.advance(10_000);
    await ends(gateway.open(token), "Expired", true);
    expect(gateway.news).toEqual([]);
  });

  test("does not begin when the token ends between connecting and the hello", async () => {
    const gateway = await serving();
    const client = gateway.open(gateway.token(gateway.ending(1)));
    await gateway.clock.armed(5000);
    await gateway.clock.advance(1000);
    client.say(hello());
    await ends(client, "Expired", true);
  });

  test.each([
    ["signed by a key that nobody knows", (gateway: Gateway) => gateway.token({}, 3)],
    ["of another audience", (gateway: Gateway) => gateway.token({ aud: "elsewhere" })],
    ["of nobody", (gateway: Gateway) => gateway.token({ sub: "" })],
    ["that is none", () => "abc"],
  ])("does not begin with a token %s", async (_, tokenFor) => {
    const gateway = await serving();
    await ends(gateway.open(tokenFor(gateway)), "TokenRefused", true);
  });

  test("does not begin before there are keys", async () => {
    const gateway = await serving();
    gateway.isReady = false;
    await ends(gateway.open(), "NotReady", true);
  });

  test("can't go on with another's, who is left alone", async () => {
    const gateway = await serving();
    const victim = await accepted(gateway);
    const thief = gateway.open(gateway.token({ sub: "mallory" }));
    thief.say(hello({ resume: { sessionId: victim.id, received: 0 } }));
    await ends(thief, "Forbidden", false);
    const other = await accepted(gateway, gateway.open(gateway.token({ sub: "mallory" })));
    expect(other.terms).toMatchObject({ generation: 1, resumed: false });
    expect(gateway.service.size.open).toBe(2);
    confirming(victim.client);
    expect(await gateway.service.send(alice, toAlice("d1"))).toBe("delivered");
    expect(other.client.heard).toHaveLength(1);
  });

  test("goes on through a rotation, also when its key is gone, and comes back with the new one", async () => {
    const gateway = await serving();
    const { client, id } = await accepted(gateway);
    gateway.showsRing({ signer: 1, standby: 2, retiring: [0] });
    gateway.showsRing({ signer: 1, standby: 2 });
    expect(gateway.memory.verifier?.keys.has(kid(0))).toBe(false);
    confirming(client);
    expect(await gateway.service.send(alice, toAlice("d1"))).toBe("delivered");
    const next = gateway.open(gateway.token({}, 1));
    const second = await accepted(gateway, next, { resume: { sessionId: id, received: 1 } });
    expect(second.terms).toMatchObject({ resumed: true });
    await ends(client, "Superseded", true);
    gateway.showsRing({ signer: 2, standby: 3, revoked: [1] });
    await ends(second.client, "Revoked", true);
  });

  test.each([
    ["key", true],
    ["grant", false],
    ["token", true],
    ["subject", false],
  ] as const)("ends in the tick in which its %s is revoked", async (kind, retry) => {
    const gateway = await serving();
    const claims = { sid: "g1", jti: "g1.1" };
    const { client } = await accepted(gateway, gateway.open(gateway.token(claims)));
    const early = gateway.open(gateway.token(claims));
    await gateway.clock.armed(5000);
    const other = await accepted(gateway, gateway.open(gateway.token({ sub: "bob" }, 1)));
    const value = { key: "", grant: "g1", token: "g1.1", subject: "alice" }[kind];
    const atMs = gateway.clock.nowMs();
    if (kind === "key") gateway.showsRing({ signer: 1, standby: 2, revoked: [0] });
    else gateway.revoked.add({ kind, value, atMs, endsAtMs: atMs + 3_600_000 });
    expect(gateway.service.size.open).toBe(1);
    await ends(client, "Revoked", retry);
    early.say(hello({ instanceId: "two" }));
    await ends(early, "Revoked", retry);
    confirming(other.client);
    expect(await gateway.service.send({ subject: "bob", instanceId: "one" }, toAlice("d1"))).toBe("delivered");
  });

  test.each(["Silent", "BadMessage"])("that ends as %s is told to the application with its code", async (code) => {
    const gateway = await serving();
    const { client } = await accepted(gateway, gateway.open());
    if (code === "Silent") await gateway.clock.advance(37_500);
    else client.say(hello({ instanceId: "two" }));
    expect(await client.ended).toMatchObject({ code });
    expect(gateway.news.at(-1)).toMatchObject({ kind: "closed", code });
  });

  test("is renewed in place, with another token of its subject that ends later", async () => {
    const gateway = await serving();
    const { client, id } = await accepted(gateway, gateway.open(gateway.token(gateway.ending(60))));
    await gateway.clock.advance(30_000);
    const endsAtMs = gateway.clock.nowMs() + 600_000;
    const later = gateway.token(gateway.ending(600));
    const renewed = await gateway.renew(id, later);
    expect(renewed).toMatchObject({ sessionExpiresAtUnixMs: endsAtMs, graceMs: 25_000 });
    expect(await client.next("renewed")).toMatchObject({ renewed });
    client.say({ heartbeat: {} });
    await client.next("heartbeat");
    const [denied, late] = transport.name === "gRPC" ? ["PERMISSION_DENIED", "FAILED_PRECONDITION"] : [403, 409];
    expect(await gateway.renew(id, gateway.token({ sub: "mallory" }))).toBe(denied);
    expect(await gateway.renew("session-77", later)).toBe(denied);
    expect(await gateway.renew(id, gateway.token(gateway.ending(60)))).toBe(late);
    expect(await gateway.renew(id, "abc")).toBe(transport.name === "gRPC" ? "UNAUTHENTICATED" : 401);
    expect(gateway.service.size.open).toBe(1);
  });

  test("must say hello in time", async () => {
    const gateway = await serving();
    const client = gateway.open();
    await gateway.clock.armed(5000);
    await gateway.clock.advance(4999);
    expect(client.heard).toEqual([]);
    await gateway.clock.advance(1);
    await ends(client, "NoHello", true);
  });

  test("is lost after two and a half heartbeats without a word, and kept for its owner", async () => {
    const gateway = await serving();
    const { client, id } = await accepted(gateway);
    await gateway.clock.advance(30_000);
    client.say({ heartbeat: {} });
    await client.next("heartbeat");
    await gateway.clock.advance(37_499);
    expect(gateway.service.size.open).toBe(1);
    await gateway.clock.advance(1);
    await ends(client, "Silent", true);
    const back = await accepted(gateway, gateway.open(), { resume: { sessionId: id, received: 0 } });
    expect(back.terms).toMatchObject({ resumed: true });
  });

  test.each([
    ["a second hello", hello()],
    ["nothing", {}],
    ["a message without an id", { message: { seq: 1 } }],
    ["a message that leaves a gap", message(2, "u2")],
    ["a confirmation of what was never sent", { received: { seq: 1 } }],
    ["a payload that is too large", { message: { seq: 1, id: "u1", payload: Buffer.alloc(65_537) } }],
  ])("ends for good with %s", async (_, frame) => {
    const gateway = await serving();
    const { client } = await accepted(gateway);
    client.say(frame);
    await ends(client, "BadMessage", false);
    expect(gateway.service.size).toMatchObject({ open: 0, peers: 0 });
  });

  test.each([
    ["a message", message(1, "early")],
    ["a hello without an instance", { hello: {} }],
    ["a hello with a name that is too long", { hello: { instanceId: "x".repeat(129) } }],
  ])("does not begin with %s", async (_, frame) => {
    const gateway = await serving();
    const client = gateway.open();
    client.say(frame);
    await ends(client, "BadMessage", false);
    expect(gateway.news).toEqual([]);
  });

  test("is one too many of its subject", async () => {
    const gateway = await serving({ peersOfSubject: 1 });
    await accepted(gateway);
    const other = gateway.open();
    other.say(hello({ instanceId: "two" }));
    await ends(other, "TooMany", true);
    expect(gateway.service.size.open).toBe(1);
  });

  test("is closed within the drain, and none begins", async () => {
    const gateway = await serving();
    const { client } = await accepted(gateway);
    gateway.service.drain(10_000);
    const other = gateway.open();
    other.say(hello({ instanceId: "two" }));
    await ends(other, "Draining", true);
    await gateway.clock.advance(4999);
    expect(gateway.service.size.open).toBe(1);
    await gateway.clock.advance(1);
    await ends(client, "Draining", true);
  });

  test("that its owner leaves is forgotten, and whoever waits for it is told", async () => {
    const gateway = await serving();
    const { client } = await accepted(gateway);
    const sent = gateway.service.send(alice, toAlice("d1"));
    client.leave();
    expect(await sent).toBe("gone");
    expect(gateway.service.size).toEqual({ open: 0, peers: 0, bytes: 0, remembered: 0 });
  });

  test("shows no token to anybody, whatever becomes of it", async () => {
    const gateway = await serving();
    const clients = [
      gateway.open(gateway.token(gateway.ending(10))),
      gateway.open(gateway.token({ aud: "elsewhere" })),
      gateway.open(gateway.token({ sub: "" })),
    ];
    const { client, id } = await accepted(gateway);
    client.say({});
    const answers = [await gateway.renew(id, gateway.token({ sub: "mallory" }))];
    await client.ended;
    await gateway.clock.advance(35_000);
    await Promise.all(clients.map(({ ended }) => ended));
    const said = JSON.stringify([answers, ...[client, ...clients].map(({ texts }) => texts), gateway.news]);
    expect(said).toContain("TokenRefused");
    for (const token of gateway.tokens) for (const part of token.split(".")) expect(said).not.toContain(part);
  });

  test("leaves nothing behind after three hundred connects and disconnects", { timeout: 120_000 }, async () => {
    const gateway = await serving();
    const token = gateway.token();
    for (let n = 0; n < 300; n++) {
      const { client } = await accepted(gateway, gateway.open(token), { instanceId: `i${n}` });
      if (n % 2 === 0) client.leave();
      else client.cut();
      await gateway.until(() => gateway.service.size.open === 0);
    }
    await gateway.clock.advance(60_000);
    expect(gateway.service.size).toEqual({ open: 0, peers: 0, bytes: 0, remembered: 0 });
    expect(gateway.clock.waits).toEqual([]);
  });
});
