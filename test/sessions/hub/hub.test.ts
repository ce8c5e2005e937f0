import { describe, expect, test } from "vitest";
import { overWebSocket } from "../faces/support/clients.ts";
import { transports } from "../faces/support/gateway.ts";
import { alice, closed, down, HubScene, received, taken, textOf, up } from "./support/scene.ts";

describe.each(transports)("the application at the hub, of peers over $name", (transport) => {
  test("hears of a session with its peer, and what its token says", async () => {
    const scene = await HubScene.open({}, transport);
    const application = await scene.application();
    const token = scene.gateway.token({ scope: "read", client_id: "shop", tenant: "red" });
    const { id } = await scene.peer("one", { token });
    const { claimsJson, ...opened } = await application.next("opened");
    expect(opened).toEqual({
      ...{ peer: alice("one"), sessionId: id, generation: 1, resumed: false, lineage: id },
      kid: expect.any(String) as unknown,
    });
    expect(JSON.parse(String(claimsJson))).toMatchObject({
      ...{ sub: "alice", scope: "read", client_id: "shop", tenant: "red", exp: expect.any(Number) as unknown },
    });
    expect(application.texts.join("\n")).not.toContain(token.split(".")[2]);
  });

  test("gets what a peer sends, and says when it has it", async () => {
    const scene = await HubScene.open({}, transport);
    const application = await scene.application();
    const { client, id } = await scene.peer("one");
    client.say(up(1, "from below"));
    const { claimsJson, payload, ...delivery } = await application.next("delivery");
    expect(delivery).toEqual({ peer: alice("one"), lineage: id, seq: 1, id: "u1", redelivered: false });
    expect(textOf(payload)).toBe("from below");
    expect(JSON.parse(String(claimsJson))).toMatchObject({ sub: "alice" });
    expect(client.heard.filter((frame) => "received" in frame)).toEqual([]);
    application.say(taken("one", id, 1));
    expect(await client.next("received")).toMatchObject({ received: { seq: 1 } });
  });

  test("sends to a peer, and hears that it was delivered", async () => {
    const scene = await HubScene.open({}, transport);
    const application = await scene.application();
    const { client } = await scene.peer("one");
    application.say(down("one", "d1"));
    expect(await client.next("message")).toMatchObject({ message: { seq: 1, id: "d1" } });
    client.say(received(1));
    expect(await application.next("sent")).toEqual({ peer: alice("one"), id: "d1", outcome: "delivered" });
  });

  test("hears that a session goes on, begins anew, and ends, and why", async () => {
    const scene = await HubScene.open({}, transport);
    const application = await scene.application();
    const first = await scene.peer("one");
    const second = await scene.peer("one", { resume: { sessionId: first.id, received: 0 } });
    const third = await scene.peer("one");
    third.client.cut();
    expect(await application.next("closed")).toEqual(closed("one", third.id, ""));
    const fourth = await scene.peer("one", { token: scene.gateway.token(scene.gateway.ending(5)) });
    await scene.gateway.clock.advance(31_000);
    expect(await application.next("closed")).toEqual(closed("one", fourth.id, "Expired"));
    const sessions = [
      await application.next("opened"),
      await application.next("opened"),
      await application.next("opened"),
    ];
    expect(sessions).toMatchObject([
      { sessionId: first.id, generation: 1, resumed: false, lineage: first.id },
      { sessionId: second.id, generation: 2, resumed: true, lineage: first.id },
      { sessionId: third.id, generation: 3, resumed: false, lineage: third.id },
    ]);
  });
});

describe("the application at the hub", () => {
  test("judges each message by the token that was in force when it came", async () => {
    const scene = await HubScene.open();
    const application = await scene.application();
    const { client, id } = await scene.peer("one", { token: scene.gateway.token({ scope: "read" }) });
    client.say(up(1, "before"));
    const before = await application.next("delivery");
    await scene.gateway.renew(id, scene.gateway.token({ scope: "write" }));
    client.say(up(2, "after"));
    const after = await application.next("delivery");
    const scopes = [before, after].map(({ claimsJson }) => (JSON.parse(String(claimsJson)) as { scope: string }).scope);
    expect(scopes).toEqual(["read", "write"]);
  });

  test("hears at its beginning who is there, what waits also of those who are away, and then that this was all", async () => {
    const scene = await HubScene.open();
    const away = await scene.peer("away", { token: scene.gateway.token({ scope: "read" }) });
    away.client.say(up(1, "said before it went"));
    const there = await Promise.all(Array.from({ length: 30 }, (_, n) => scene.peer(`there-${n}`)));
    there[3]?.client.say(up(1, "one"));
    there[3]?.client.say(up(2, "two"));
    await scene.waiting(3);
    away.client.cut();
    await scene.until(() => scene.gateway.service.size.open === 30);
    const application = await scene.application();
    const [opened, ready] = [application.kinds("opened"), application.heard.findIndex((frame) => "ready" in frame)];
    expect(opened.map(({ sessionId }) => sessionId)).toEqual(there.map(({ id }) => id));
    expect(application.heard.findLastIndex((frame) => "opened" in frame)).toBeLessThan(ready);
    const deliveries = [
      await application.next("delivery"),
      await application.next("delivery"),
      await application.next("delivery"),
    ];
    expect(deliveries.map(({ payload, redelivered }) => [textOf(payload), redelivered])).toEqual([
      ["said before it went", false],
      ["one", false],
      ["two", false],
    ]);
    expect(JSON.parse(String(deliveries[0]?.["claimsJson"]))).toMatchObject({ scope: "read" });
  });

  test("that was killed before it said `taken` gets the message again, marked, until it has", async () => {
    const scene = await HubScene.open();
    const first = await scene.application();
    const { client, id } = await scene.peer("one");
    for (const seq of [1, 2, 3]) client.say(up(seq, `text ${seq}`));
    for (const seq of [1, 2, 3]) expect(await first.next("delivery")).toMatchObject({ seq, redelivered: false });
    first.say(taken("one", id, 1));
    await client.next("received");
    await scene.killed(first);
    client.say(up(4, "text 4"));
    await scene.waiting(3);
    const second = await scene.application();
    for (const seq of [2, 3]) expect(await second.next("delivery")).toMatchObject({ seq, redelivered: true });
    expect(await second.next("delivery")).toMatchObject({ seq: 4, redelivered: false });
    expect(scene.counts).toEqual({ redelivered: 2 });
    second.say(taken("one", id, 4));
    expect(await client.next("received")).toMatchObject({ received: { seq: 4 } });
    await scene.killed(second);
    const third = await scene.application();
    client.say(up(5, "text 5"));
    expect(await third.next("delivery")).toMatchObject({ seq: 5, redelivered: false });
    expect(third.kinds("delivery")).toHaveLength(1);
  });

  test("is one at a time: a newer one takes over, and nothing counts that the one before says", async () => {
    const scene = await HubScene.open();
    const first = await scene.application();
    const { client, id } = await scene.peer("one");
    client.say(up(1, "text"));
    await first.next("delivery");
    const second = await scene.application();
    expect(await first.ended).toEqual({ status: "ABORTED", code: "Superseded", retry: "false" });
    expect(second.kinds("opened")).toMatchObject([{ sessionId: id }]);
    expect(await second.next("delivery")).toMatchObject({ seq: 1, redelivered: true });
    first.say(taken("one", id, 1));
    second.say(down("one", "d1"));
    await client.next("message");
    expect(client.heard.filter((frame) => "received" in frame)).toEqual([]);
    expect(scene.hub.isAttached).toBe(true);
    expect(scene.log.lines.join()).not.toContain("has left");
    second.say(taken("one", id, 1));
    await client.next("received");
  });

  test("takes a peer away, which is told", async () => {
    const scene = await HubScene.open();
    const application = await scene.application();
    const { client, id } = await scene.peer("one");
    application.say(down("one", "d1"));
    application.say({ remove: { peer: alice("one") } });
    expect(await client.ended).toMatchObject({ code: "Removed" });
    expect(await application.next("sent")).toMatchObject({ id: "d1", outcome: "gone" });
    expect(await application.next("closed")).toEqual(closed("one", id, "Removed"));
  });

  test("is told when the gateway stops, and may come back", async () => {
    const scene = await HubScene.open();
    const application = await scene.application();
    void scene.drain();
    expect(await application.ended).toEqual({ status: "UNAVAILABLE", code: "Draining", retry: "true" });
    expect(scene.hub.isAttached).toBe(false);
  });

  test("may leave in good order", async () => {
    const scene = await HubScene.open();
    const application = await scene.application();
    application.stream.end();
    expect(await application.ended).toMatchObject({ status: "OK" });
    expect(scene.hub.isAttached).toBe(false);
  });

  test("never sees a name that it could not read: half of a pair of surrogates is none", async () => {
    const scene = await HubScene.open({}, overWebSocket);
    const client = scene.gateway.open();
    client.say({ hello: { instanceId: "one \ud800" } });
    expect(await client.ended).toMatchObject({ code: "BadMessage" });
  });
});
