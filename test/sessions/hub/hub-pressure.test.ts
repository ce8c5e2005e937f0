import { describe, expect, test } from "vitest";
import { overWebSocket } from "../faces/support/clients.ts";
import { turn } from "../../support/fake-clock.ts";
import { alice, Application, down, HubScene, taken, up } from "./support/scene.ts";

/** More than sockets and streams hold by themselves. */
const text = "x".repeat(64_000);
const sixty = Array.from({ length: 60 }, (_, n) => n + 1);
const wide = { queueBytes: 8_388_608 };

/** An application that does not read, and for which more waits than there is room for. */
async function stalled(scene: HubScene): Promise<Application> {
  const application = await scene.application();
  const { client } = await scene.peer("filler");
  await application.next("opened");
  application.stream.pause();
  for (const seq of sixty) client.say(up(seq, text));
  await scene.waiting(sixty.length);
  return application;
}

const seqsOf = (application: Application, instanceId: string): readonly unknown[] =>
  application
    .kinds("delivery")
    .filter(({ peer }) => (peer as { instanceId: string }).instanceId === instanceId)
    .map(({ seq }) => seq);

describe("an application that does not read for a while", () => {
  test("has every message afterwards, once and in order, and knows who is there", async () => {
    const scene = await HubScene.open(wide);
    const application = await stalled(scene);
    const first = await scene.peer("one");
    let { id } = first;
    for (const seq of sixty.slice(0, 30)) first.client.say(up(seq, text));
    await scene.waiting(90);
    for (let n = 0; n < 10; n++) {
      ({ id } = await scene.peer("one", { resume: { sessionId: id, received: 0 } }));
      const other = await scene.peer("guest");
      other.client.leave();
      await scene.until(() => scene.gateway.service.size.peers === 2);
    }
    const last = await scene.peer("last");
    application.stream.resume();
    last.client.say(up(1, "done"));
    while (application.kinds("delivery").length < 91) await application.next("delivery");
    expect(seqsOf(application, "filler")).toEqual(sixty);
    expect(seqsOf(application, "one")).toEqual(sixty.slice(0, 30));
    expect(application.kinds("delivery").some(({ redelivered }) => redelivered === true)).toBe(false);
    const ofOne = application
      .kinds("opened")
      .filter(({ peer }) => (peer as { instanceId: string }).instanceId === "one");
    expect(ofOne.at(-1)).toMatchObject({ sessionId: id, generation: 11, lineage: first.id });
  });

  test("is not read from while a thousand answers wait for it, and gets them all", async () => {
    const scene = await HubScene.open(wide);
    const application = await stalled(scene);
    const ids = Array.from({ length: 4000 }, (_, n) => `d${n}`);
    for (const id of ids) application.say(down("nobody", id));
    await scene.until(() => scene.hub.remembered >= 1024);
    for (let n = 0; n < 300; n++) await turn();
    expect(scene.hub.remembered).toBeLessThan(1100);
    application.stream.resume();
    for (const id of ids) expect(await application.next("sent")).toMatchObject({ id, outcome: "gone" });
    expect(scene.hub.remembered).toBeLessThan(3);
  });

  test("is taken over from all the same", async () => {
    const scene = await HubScene.open(wide);
    await stalled(scene);
    const second = await scene.application();
    for (const seq of sixty) expect(await second.next("delivery")).toMatchObject({ seq });
  });
});

describe("an application", () => {
  test("that never says `taken` stops its peers, and what they said is there when it does", async () => {
    const scene = await HubScene.open({ queueMessages: 3 });
    const application = await scene.application();
    const first = await scene.peer("one");
    for (const seq of [1, 2, 3, 4]) first.client.say(up(seq, `text ${seq}`));
    expect(await first.client.ended).toMatchObject({ code: "TooMany" });
    expect(await application.next("closed")).toMatchObject({ code: "TooMany" });
    expect(application.kinds("delivery")).toHaveLength(3);
    application.say(taken("one", first.id, 3));
    await scene.waiting(0);
    const second = await scene.peer("one", { resume: { sessionId: first.id, received: 0 } });
    expect(second.terms).toMatchObject({ resumed: true, received: 3 });
    second.client.say(up(4, "text 4"));
    for (const seq of [1, 2, 3, 4]) expect(await application.next("delivery")).toMatchObject({ seq });
  });

  test("that is killed at any moment loses nothing, and has nothing twice without being told", async () => {
    const scene = await HubScene.open({}, overWebSocket);
    const { client, id } = await scene.peer("one");
    const had = new Set<number>();
    let application = await scene.application();
    const hear = async (): Promise<number> => {
      const delivery = await application.next("delivery");
      const seq = Number(delivery["seq"]);
      if (had.has(seq)) expect(delivery).toMatchObject({ redelivered: true });
      else expect(seq).toBe(had.size + 1);
      had.add(seq);
      return seq;
    };
    for (let last = 1; last <= 200; last++) {
      client.say(up(last, `text ${last}`));
      if (last % 7 === 0) {
        await hear();
        await scene.killed(application);
        application = await scene.application();
      }
      while (!had.has(last)) {
        const seq = await hear();
        if (seq % 3 !== 0) application.say(taken("one", id, seq));
      }
    }
    expect(had.size).toBe(200);
  });

  test.each([
    ["no frame", Buffer.from("ffffffff", "hex"), "INVALID_ARGUMENT"],
    ["an empty frame, such as one of a newer protocol", Buffer.from("fa0100", "hex"), "INVALID_ARGUMENT"],
    ["more than 4 MiB at once", Buffer.alloc(4_200_000), "RESOURCE_EXHAUSTED"],
  ])("that says %s is cut off, and nobody else suffers", async (_, bytes, status) => {
    const scene = await HubScene.open();
    const { client, id } = await scene.peer("one");
    client.say(up(1, "text"));
    const application = new Application(scene.path, () => bytes);
    await application.next("ready");
    application.say({});
    expect(await application.ended).toMatchObject({ status });
    await scene.until(() => !scene.hub.isAttached);
    const next = await scene.application();
    expect(await next.next("opened")).toMatchObject({ sessionId: id });
    expect(await next.next("delivery")).toMatchObject({ seq: 1, redelivered: true });
  });

  test("that names what is not there changes nothing", async () => {
    const scene = await HubScene.open();
    const application = await scene.application();
    const { client, id } = await scene.peer("one");
    client.say(up(1, "text"));
    await application.next("delivery");
    const nonsense = [
      ...[taken("two", id, 1), taken("one", "other", 1), taken("one", id, 2), taken("one", id, 0)],
      ...[{ taken: {} }, { remove: {} }, { remove: { peer: alice("two") } }],
    ];
    for (const frame of nonsense) application.say(frame);
    application.say(down("one", "d1"));
    await client.next("message");
    expect(client.heard.filter((frame) => "received" in frame)).toEqual([]);
    await scene.waiting(1);
  });
});
