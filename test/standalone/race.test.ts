import { mkdir, readdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeDisk } from "../../src/files/disk.ts";
import { layoutOf } from "../../src/standalone/store/layout.ts";
import { Loop } from "../../src/standalone/loop/loop.ts";
import { DirectoryStore } from "../../src/standalone/store/directory-store.ts";
import { hour, minute, FakeTime } from "./fake-time.ts";
import { expectSound } from "./crash/sound.ts";
import { hookedDisk } from "./hooked-disk.ts";
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
      const store = new DirectoryStore({ disk, layout, clock: time });
      await store.prepare();
      const parts = { disk, layout, store, config: { resource: resource() }, clock: time, bell: time, log };
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

  test("what one of them writes to a version that the other removes delays it, and ends nothing", async () => {
    const world = await newWorld();
    const ring = await world.settle();
    const unfinished = world.path("public", "..2999_01_01_00_00_00.000000000");
    await mkdir(unfinished);
    let writes = 1;
    const disk = hookedDisk({
      before: async (effect, [path]) => {
        if (effect === "removeDir" && path === unfinished && writes-- > 0) await writeFile(join(unfinished, "a"), "");
      },
    });
    await world.runFor(minute, { disk });
    expect(world.log.texts("warn")).toEqual([`Cannot rmdir "${unfinished}": something was written there just now`]);
    expect(await readdir(world.path("public"))).not.toContain(basename(unfinished));
    expect((await expectSound(world)).signer.kid).toBe(ring.signer.kid);
  });
});
