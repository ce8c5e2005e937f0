import { stat } from "node:fs/promises";
import { expect, test } from "vitest";
import type { Address } from "../../../src/http/address.ts";
import type { HubFrame } from "../../../src/sessions/hub/hub-frames.ts";
import { openHub } from "../../../src/sessions/hub/open-hub.ts";
import { alice, HubScene, up } from "./support/scene.ts";

test("the hub's socket is for its user and its group, and for nobody else", async () => {
  const scene = await HubScene.open();
  expect((await stat(scene.path)).mode & 0o777).toBe(0o660);
});

test.each<Address>([
  { kind: "tcp", port: 0 },
  { kind: "tcp", host: "0.0.0.0", port: 0 },
  { kind: "tcp", host: "192.0.2.1", port: 0 },
])("the hub is not opened to other machines: %o", async (address) => {
  const { hub, gateway } = await HubScene.open();
  await expect(openHub(address, hub, gateway.service)).rejects.toThrow(/must be a Unix socket or a loopback address/);
});

test("an attachment that is over counts no more, and keeps nothing", async () => {
  const scene = await HubScene.open();
  const { service } = scene.gateway;
  const frames: HubFrame[] = [];
  const pipe = {
    write: (frame: HubFrame) => frames.push(frame) < 2,
    pause: () => undefined,
    resume: () => undefined,
    close: () => undefined,
  };
  const { client, id } = await scene.peer("one");
  client.say(up(1, "text"));
  await scene.waiting(1);
  const first = scene.hub.attach(service, pipe);
  expect(first.remembered).toBeGreaterThan(0);
  scene.hub.attach(service, pipe);
  first.heard({ kind: "taken", peer: alice("one"), lineage: id, seq: 1 });
  first.answer({ peer: alice("one"), id: "d1", outcome: "gone" });
  await scene.waiting(1);
  expect(first.remembered).toBe(0);
  const before = frames.length;
  first.drained();
  first.lost();
  expect(frames).toHaveLength(before);
  expect(scene.hub.isAttached).toBe(true);
});
