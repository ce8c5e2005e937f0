import { expect, test } from "vitest";
import type { Attachment, HubPipe } from "../../../src/sessions/hub/attachment.ts";
import type { HubFrame } from "../../../src/sessions/hub/hub-frames.ts";
import { overWebSocket } from "../faces/support/clients.ts";
import { alice, closed, HubScene, up } from "./support/scene.ts";

/** A pipe that is full whenever a test says so. */
class Pipe implements HubPipe {
  readonly frames: HubFrame[] = [];
  hasRoom = true;
  pause = (): void => undefined;
  resume = (): void => undefined;
  close = (): void => undefined;

  write(frame: HubFrame): boolean {
    this.frames.push(frame);
    return this.hasRoom;
  }
}

interface Stalled {
  readonly scene: HubScene;
  readonly attachment: Attachment;
  /** Everything that comes once there is room. */
  readonly read: () => readonly HubFrame[];
}

/** An application that knows of these peers, and for which there is no room. */
async function stalled(...instanceIds: readonly string[]): Promise<Stalled & { readonly peers: OpenPeers }> {
  const scene = await HubScene.open({}, overWebSocket);
  const pipe = new Pipe();
  const attachment = scene.hub.attach(scene.gateway.service, pipe);
  const peers = await Promise.all(instanceIds.map((instanceId) => scene.peer(instanceId)));
  pipe.hasRoom = false;
  // The last frame that there is room for
  attachment.answer({ peer: alice("nobody"), id: "", outcome: "gone" });
  const before = pipe.frames.length;
  return {
    ...{ scene, attachment, peers },
    read: () => {
      expect(pipe.frames).toHaveLength(before);
      pipe.hasRoom = true;
      attachment.drained();
      return pipe.frames.slice(before);
    },
  };
}

type OpenPeers = readonly Awaited<ReturnType<HubScene["peer"]>>[];

const openPeers = (scene: HubScene): number => scene.gateway.service.size.open;

test("an attachment without room hears later how things are, not all that they were", async () => {
  const { scene, read } = await stalled();
  const first = await scene.peer("one");
  let { id } = first;
  for (let n = 0; n < 10; n++) ({ id } = await scene.peer("one", { resume: { sessionId: id, received: 0 } }));
  const guest = await scene.peer("guest");
  guest.client.leave();
  await scene.until(() => openPeers(scene) === 1);
  expect(read()).toMatchObject([{ opened: { peer: alice("one"), sessionId: id, generation: 11, lineage: first.id } }]);
});

test("an attachment without room hears of each peer what it has sent, in turn, before its end", async () => {
  const { scene, read } = await stalled();
  const [one, two] = [await scene.peer("one"), await scene.peer("two")];
  for (const { client } of [one, two]) for (const seq of [1, 2]) client.say(up(seq, "text"));
  await scene.waiting(4);
  one.client.cut();
  await scene.until(() => openPeers(scene) === 1);
  // Of one nothing was said while it was there
  expect(read().map((frame) => Object.keys(frame)[0])).toEqual([
    "delivery",
    "opened",
    "delivery",
    "delivery",
    "delivery",
  ]);
});

test("an attachment without room hears of the end of what it knew, and of what is there instead", async () => {
  const { scene, peers, read } = await stalled("gone", "lost", "back");
  const [gone, lost, back] = peers;
  gone?.client.leave();
  lost?.client.say(up(1, "text"));
  await scene.waiting(1);
  lost?.client.cut();
  back?.client.cut();
  await scene.until(() => openPeers(scene) === 0);
  const { id } = await scene.peer("back");
  const frames = read();
  const of = (instanceId: string) => frames.filter((frame) => JSON.stringify(frame).includes(instanceId));
  expect(frames).toHaveLength(4);
  expect(of("gone")).toEqual([{ closed: closed("gone", gone?.id ?? "", "") }]);
  expect(of("lost")).toMatchObject([{ delivery: { seq: 1 } }, { closed: { sessionId: lost?.id } }]);
  expect(of("back")).toMatchObject([{ opened: { sessionId: id } }]);
});

test("an attachment without room hears that a session is over also where newer ones began and ended meanwhile", async () => {
  const { scene, peers, read } = await stalled("known");
  const [known] = peers;
  const newer = await scene.peer("known", { resume: { sessionId: known?.id ?? "", received: 0 } });
  scene.gateway.service.remove(alice("known"));
  await newer.client.ended;
  expect(read()).toEqual([{ closed: closed("known", known?.id ?? "", "Removed") }]);
});

test("an attachment without room keeps no more for peers that come and go, and forgets none that it knew", async () => {
  const { scene, attachment, peers, read } = await stalled("known");
  const [known] = peers;
  known?.client.leave();
  await scene.until(() => openPeers(scene) === 0);
  const counts: number[] = [];
  for (let n = 0; n < 200; n++) {
    const { client } = await scene.peer(`guest-${n}`);
    client.leave();
    await scene.until(() => openPeers(scene) === 0);
    counts.push(attachment.remembered);
  }
  // 64, and twice those who are there and told of
  expect(Math.max(...counts)).toBeLessThan(75);
  expect(read()).toEqual([{ closed: closed("known", known?.id ?? "", "") }]);
});

test("an attachment that is over counts no more, and keeps nothing", async () => {
  const { scene, attachment, read } = await stalled("known");
  const { client, id } = await scene.peer("one");
  client.say(up(1, "text"));
  await scene.waiting(1);
  expect(attachment.remembered).toBeGreaterThan(0);
  scene.hub.attach(scene.gateway.service, new Pipe());
  attachment.heard({ kind: "taken", peer: alice("one"), lineage: id, seq: 1 });
  attachment.answer({ peer: alice("one"), id: "d1", outcome: "gone" });
  await scene.waiting(1);
  expect(attachment.remembered).toBe(0);
  expect(read()).toEqual([]);
  attachment.lost();
  expect(scene.hub.isAttached).toBe(true);
});

test("an attachment that looks at a peer before its message has arrived has it once, when it has", async () => {
  const scene = await HubScene.open();
  const { client, id } = await scene.peer("one");
  const pipe = new Pipe();
  scene.hub.attach(scene.gateway.service, pipe);
  const deliver = scene.hub.deliver.bind(scene.hub);
  // What a client says with its hello, while another replica is asked: it waits already when the session is told of
  scene.hub.deliver = (peer, delivery) => {
    scene.hub.tell(peer, { kind: "opened", sessionId: id, generation: 1 });
    deliver(peer, delivery);
  };
  client.say(up(1, "text"));
  await scene.waiting(1);
  const deliveries = pipe.frames.filter((frame) => "delivery" in frame);
  expect(deliveries).toMatchObject([{ delivery: { seq: 1, redelivered: false } }]);
});
