import { execFileSync } from "node:child_process";
import { cp, mkdir, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FakeTime, hour, minute, second } from "./fake-time.ts";
import { hookedDisk } from "./hooked-disk.ts";
import { newWorld, tempDir, World } from "./world.ts";
import { canMount } from "../support/mount.ts";
import { expectSound, readersSee } from "./crash/sound.ts";

const everywhere = { timeout: 600_000 };

const noSpace = (): Error =>
  Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC", syscall: "write" });

describe("a disk that is full", () => {
  test(
    "at any one effect of a rotation: the loop goes on by itself, and comes to the same end",
    everywhere,
    async () => {
      const origin = await newWorld();
      const first = await origin.settle();
      let warnings = 0;
      const injected = new Set([-1]);
      for (let failAt = 0; injected.has(failAt - 1); failAt++) {
        const world = new World(join(await tempDir(), "home"), new FakeTime(origin.time.wallMs + hour - second));
        await cp(origin.dir, world.dir, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
        let effects = 0;
        const disk = hookedDisk({
          before: async (effect, args) => {
            if (effects++ !== failAt) return;
            injected.add(failAt);
            // As a full disk does it: the name is there, the content is not
            if (effect === "writeNew") await writeFile(String(args[0]), "");
            await readersSee(world);
            throw noSpace();
          },
        });
        await world.runFor(minute, { disk });
        const label = `effect ${failAt}`;
        expect((await expectSound(world)).signer.kid, label).toBe(first.standby?.kid);
        // What only cleans up is done again without a word
        expect(world.log.texts("warn").length, label).toBeLessThanOrEqual(injected.has(failAt) ? 1 : 0);
        warnings += world.log.texts("warn").length;
        expect(world.log.texts("error"), label).toEqual([]);
      }
      expect(warnings).toBeGreaterThan(50);
    },
  );

  test("for hours: the old ring stays readable, nothing is lost, and it backs off", everywhere, async () => {
    const world = await newWorld();
    const first = await world.settle();
    let full = true;
    const disk = hookedDisk({
      before: (effect) => {
        if (full && ["writeNew", "makeDir", "symlink", "link"].includes(effect)) throw noSpace();
      },
    });
    world.time.in(hour + 30 * minute, async () => {
      const seen = await readersSee(world);
      expect(seen.signer?.signer.kid).toBe(first.signer.kid);
      full = false;
    });
    await world.runFor(hour + 32 * minute, { disk });
    const after = await expectSound(world);
    expect(after.signer.kid).toBe(first.standby?.kid);
    // Half an hour with pauses of up to thirty seconds
    expect(world.log.texts("warn").length).toBeLessThan(150);
    expect(world.log.texts("warn")[0]).toContain("there is no space left on the disk");
  });

  test("a process that is ended while the disk is full leaves a directory that the next one goes on with", async () => {
    const world = await newWorld();
    const first = await world.settle();
    let effects = 0;
    const disk = hookedDisk({
      before: () => {
        if (++effects > 3) throw noSpace();
      },
    });
    await world.runFor(hour + minute, { disk });
    expect((await readersSee(world)).signer?.signer.kid).toBe(first.signer.kid);
    await world.settle();
    expect((await expectSound(world)).signer.kid).toBe(first.standby?.kid);
  });

  test("a real one, of half a megabyte", everywhere, async (context) => {
    if (!canMount()) context.skip("needs root, to mount it");
    const mount = join(await tempDir(), "small");
    await mkdir(mount);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=512k", "keyturn-test", mount]);
    try {
      await onSmallDisk(mount);
    } finally {
      execFileSync("umount", [mount]);
    }
  });
});

async function onSmallDisk(mount: string): Promise<void> {
  const world = new World(join(mount, "home"));
  await world.settle();
  // A start removes what the one before has left, and makes room by that
  const first = await world.settle();
  await fill(join(mount, "ballast"));
  world.time.in(hour + 10 * minute, async () => {
    // One projection that fits is written, and its old version makes room for the other
    const seen = await readersSee(world);
    expect([first.signer.kid, first.standby?.kid]).toContain(seen.signer?.signer.kid);
    await unlink(join(mount, "ballast"));
  });
  await world.runFor(hour + 12 * minute);
  expect(world.log.texts("warn")[0]).toContain("there is no space left on the disk");
  expect((await expectSound(world)).signer.kid).toBe(first.standby?.kid);
}

/** Takes all the room that is left. */
async function fill(path: string): Promise<void> {
  await writeFile(path, Buffer.alloc(1_048_576)).catch((error: unknown) => {
    expect(String(error)).toContain("ENOSPC");
  });
}
