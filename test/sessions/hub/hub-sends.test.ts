import { describe, expect, test } from "vitest";
import { alice, down, HubScene, received } from "./support/scene.ts";

const sent = (id: string, outcome: string, instanceId = "one") => ({ peer: alice(instanceId), id, outcome });

describe("what the application sends", () => {
  test("to nobody is gone, at once", async () => {
    const scene = await HubScene.open();
    const application = await scene.application();
    application.say(down("nobody", "d1"));
    application.say({ send: { id: "d2" } });
    application.say({ send: {} });
    expect(await application.next("sent")).toEqual(sent("d1", "gone", "nobody"));
    expect(await application.next("sent")).toMatchObject({ id: "d2", outcome: "gone" });
    expect(await application.next("sent")).toMatchObject({ id: "", outcome: "refused" });
  });

  test("with one id is one message, and answered once; sent again later it is delivered already", async () => {
    const scene = await HubScene.open();
    const application = await scene.application();
    const { client } = await scene.peer("one");
    for (const id of ["d1", "d1", "d2", "d1"]) application.say(down("one", id));
    await client.next("message");
    await client.next("message");
    client.say(received(2));
    expect([await application.next("sent"), await application.next("sent")]).toEqual([
      sent("d1", "delivered"),
      sent("d2", "delivered"),
    ]);
    application.say(down("one", "d1"));
    expect(await application.next("sent")).toEqual(sent("d1", "delivered"));
    expect(client.heard.filter((frame) => "message" in frame)).toHaveLength(2);
  });

  test("is full beyond what may be unconfirmed, and nothing of it is lost", async () => {
    const scene = await HubScene.open({ queueMessages: 3 });
    const application = await scene.application();
    const { client } = await scene.peer("one");
    for (const id of ["d1", "d2", "d3", "d4"]) application.say(down("one", id));
    expect(await application.next("sent")).toEqual(sent("d4", "full"));
    for (const seq of [1, 2, 3]) expect(await client.next("message")).toMatchObject({ message: { seq } });
    client.say(received(3));
    for (const id of ["d1", "d2", "d3"]) expect(await application.next("sent")).toEqual(sent(id, "delivered"));
    application.say(down("one", "d4"));
    expect(await client.next("message")).toMatchObject({ message: { seq: 4, id: "d4" } });
  });

  test.each([
    ["of more than 64 KiB", { id: "big", payload: Buffer.alloc(65_537) }],
    ["of a megabyte", { id: "huge", payload: Buffer.alloc(1_000_000) }],
    ["without an id", { id: "", payload: Buffer.alloc(1) }],
    ["with an id of 129 characters", { id: "d".repeat(129), payload: Buffer.alloc(1) }],
  ])("%s is refused, and the application goes on", async (_, message) => {
    const scene = await HubScene.open();
    const application = await scene.application();
    const { client } = await scene.peer("one");
    application.say({ send: { peer: alice("one"), ...message } });
    expect(await application.next("sent")).toEqual(sent(message.id, "refused"));
    application.say({ send: { peer: alice("one"), id: "d".repeat(128), payload: Buffer.alloc(65_536) } });
    expect(await client.next("message")).toMatchObject({ message: { seq: 1 } });
  });

  test("by one that was killed is answered to the next one", async () => {
    const scene = await HubScene.open();
    const first = await scene.application();
    const { client } = await scene.peer("one");
    first.say(down("one", "d1"));
    await client.next("message");
    await scene.killed(first);
    const second = await scene.application();
    second.say(down("one", "d1"));
    second.say(down("one", "d2"));
    expect(await client.next("message")).toMatchObject({ message: { seq: 2, id: "d2" } });
    client.say(received(2));
    expect([await second.next("sent"), await second.next("sent")]).toEqual([
      sent("d1", "delivered"),
      sent("d2", "delivered"),
    ]);
  });

  test("that was answered while nobody was there can be asked after by its id", async () => {
    const scene = await HubScene.open();
    const first = await scene.application();
    const { client } = await scene.peer("one");
    first.say(down("one", "d1"));
    await client.next("message");
    await scene.killed(first);
    client.say(received(1));
    await scene.until(() => scene.gateway.service.size.bytes === 0);
    const second = await scene.application();
    second.say(down("one", "d1"));
    expect(await second.next("sent")).toEqual(sent("d1", "delivered"));
    expect(client.heard.filter((frame) => "message" in frame)).toHaveLength(1);
  });
});
