import { describe, expect, test } from "vitest";
import { nodeDisk } from "../../src/files/disk.ts";
import { layoutOf } from "../../src/standalone/layout.ts";
import { Loop } from "../../src/standalone/loop.ts";
import { Store } from "../../src/standalone/store.ts";
import { hour, minute, FakeTime } from "./fake-time.ts";
import { expectSound } from "./crash/sound.ts";
import { resource } from "./resource.ts";
import { newWorld, World } from "./world.ts";

/** Two loops on one directory, without the lock: each for itself, in real parallel. */
async function bothFor(world: World, ms: number): Promise<readonly string[]> {
  const times = [new FakeTime(world.time.wallMs), new FakeTime(world.time.wallMs)];
  const worlds = times.map((time) => new World(world.dir, time));
  await Promise.all(
    worlds.map(async ({ time, log }) => {
      const controller = new AbortController();
      time.endIn(ms, () => controller.abort());
      const disk = nodeDisk();
      const layout = layoutOf(world.dir);
      const store = new Store(disk, layout);
      await store.prepare();
      const parts = { disk, layout, store, config: { resource: resource() }, clock: time, waker: time, log };
      await new Loop({
        ...parts,
        ...{ signal: controller.signal, chance: Math.random, pollMs: Infinity, isAlone: false },
      }).run();
    }),
  );
  world.time.pass(ms);
  return worlds.flatMap(({ log }) => log.texts("error"));
}

describe("two processes without the lock", () => {
  test("make one ring, one rotation an hour, and leave whole files", { timeout: 120_000 }, async () => {
    for (let round = 0; round < 5; round++) {
      const world = await newWorld();
      expect(await bothFor(world, minute)).toEqual([]);
      const first = await world.settle();
      expect(first.retiring).toEqual([]);
      expect(await bothFor(world, hour)).toEqual([]);
      const second = await world.settle();
      await expectSound(world);
      expect(second.signer.kid).toBe(first.standby?.kid);
      expect(second.retiring.map(({ kid }) => kid)).toEqual([first.signer.kid]);
    }
  });
});
