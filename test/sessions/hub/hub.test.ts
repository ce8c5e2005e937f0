import { describe, expect, test } from "vitest";
import { HubScene } from "./support/scene.ts";

const one = { subject: "alice", instanceId: "one" };
const up = (seq: number, text: string) => ({ message: { seq, id: `u${seq}`, payload: Buffer.from(text) } });
const down = (id: string, peer = one) => ({ send: { peer, id, payload: Buffer.from(`text of ${id}`) } });

describe("the application at the hub", () => {
  test("hears of a session with its peer, and what its token says", async () => {
    const scene = await HubScene.open();
    const application = await scene.application();
    const token = scene.gateway.token({ scope: "read", client_id: "shop", tenant: "red" });
    const { id } = await scene.peer("one", { token });
    const { claimsJson, ...opened } = await application.next("opened");
    expect(opened).toEqual({
      ...{ peer: one, sessionId: id, generation: 1, resumed: false, lineage: id },
      kid: expect.any(String) as unknown,
    });
    expect(JSON.parse(String(claimsJson))).toMatchObject({
      ...{ sub: "alice", scope: "read", client_id: "shop", tenant: "red", exp: expect.any(Number) as unknown },
    });
    expect(application.texts.join("\n")).not.toContain(token.split(".")[2]);
  });

  test("gets what a peer sends, and says when it has it", async () => {
    const scene = await HubScene.open();
    const application = await scene.application();
    const { client, id } = await scene.peer("one");
    client.say(up(1, "from below"));
    const { claimsJson, payload, ...delivery } = await application.next("delivery");
    expect(delivery).toEqual({ peer: one, lineage: id, seq: 1, id: "u1", redelivered: false });
    expect(Buffer.from(payload as Uint8Array).toString()).toBe("from below");
    expect(JSON.parse(String(claimsJson))).toMatchObject({ sub: "alice" });
    expect(client.heard.filter((frame) => "received" in frame)).toEqual([]);
    application.say({ taken: { peer: one, lineage: id, seq: 1 } });
    expect(await client.next("received")).toMatchObject({ received: { seq: 1 } });
  });

  test("sends to a peer, and hears that it was delivered", async () => {
    const scene = await HubScene.open();
    const application = await scene.application();
    const { client } = await scene.peer("one");
    application.say(down("d1"));
    expect(await client.next("message")).toMatchObject({ message: { seq: 1, id: "d1" } });
    client.say({ received: { seq: 1 } });
    expect(await application.next("sent")).toEqual({ peer: one, id: "d1", outcome: "delivered" });
  });
});
