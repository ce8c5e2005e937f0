import { link, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeDisk, type Disk } from "../../../src/files/disk.ts";
import { ChangeNeededError, TryLaterError } from "../../../src/errors/keyturn-error.ts";
import { readRingFile, tidyRingDir, writeRingFile } from "../../../src/standalone/store/ring-dir.ts";
import { start } from "../children/start.ts";
import { tempDir } from "../world.ts";

const disk = nodeDisk();
const write = (dir: string, baseGeneration: number, generation: number): Promise<boolean> =>
  writeRingFile(disk, dir, { baseGeneration, generation, text: `ring ${generation}` });

describe("readRingFile", () => {
  test("reads the highest generation by number, not by name", async () => {
    const dir = await tempDir();
    for (const n of [9, 10, 2]) await writeFile(join(dir, `keyring.${n}.json`), `ring ${n}`);
    expect(await readRingFile(disk, dir)).toMatchObject({ generation: 10, text: "ring 10" });
  });

  test("finds nothing in a missing directory, and passes over other names", async () => {
    const dir = await tempDir();
    expect(await readRingFile(disk, join(dir, "missing"))).toBeUndefined();
    for (const name of ["keyring.json", "keyring.01.json", "keyring.1.json.bak", ".after.5.json", "keyring.x.json"]) {
      await writeFile(join(dir, name), "");
    }
    expect(await readRingFile(disk, dir)).toBeUndefined();
  });

  test("looks again when the file was pruned between listing and reading", async () => {
    const dir = await tempDir();
    await writeFile(join(dir, "keyring.7.json"), "ring 7");
    let listings = 0;
    const racing: Disk = { ...disk, names: async () => [`keyring.${listings++ === 0 ? 5 : 7}.json`] };
    expect(await readRingFile(racing, dir)).toMatchObject({ generation: 7 });
  });

  test("refuses a link in place of the newest file, and does not fall back to an older one", async () => {
    const dir = await tempDir();
    await writeFile(join(dir, "keyring.1.json"), "ring 1");
    await symlink("keyring.1.json", join(dir, "keyring.2.json"));
    await expect(readRingFile(disk, dir)).rejects.toThrow("must be a regular file, is a symbolic link");
  });
});

describe("writeRingFile", () => {
  test("puts a whole file of mode 0600 under its generation, and leaves nothing else", async () => {
    const dir = await tempDir();
    await write(dir, 0, 1_795_305_600);
    expect(await readdir(dir)).toEqual(["keyring.1795305600.json"]);
    const path = join(dir, "keyring.1795305600.json");
    expect(await readFile(path, "utf8")).toBe("ring 1795305600");
    const { mode, nlink } = await stat(path);
    expect([mode & 0o7777, nlink]).toEqual([0o600, 1]);
  });

  test("keeps the last three", async () => {
    const dir = await tempDir();
    for (let n = 1; n <= 5; n++) await write(dir, n - 1, n);
    expect((await readdir(dir)).sort()).toEqual(["keyring.3.json", "keyring.4.json", "keyring.5.json"]);
  });

  test("loses against a newer file, whether its own name is free or taken", async () => {
    const dir = await tempDir();
    await write(dir, 0, 5);
    for (const generation of [5, 6, 100]) {
      await expect(write(dir, 0, generation), `${generation}`).rejects.toThrow(TryLaterError);
    }
    await expect(write(dir, 4, 5)).rejects.toThrow("generation 5 is there already");
    expect(await readdir(dir)).toEqual(["keyring.5.json"]);
  });

  test("a writer that slept through many writes does not come back from the dead", async () => {
    const dir = await tempDir();
    for (let n = 1; n <= 9; n++) await write(dir, n - 1, n);
    // keyring.3.json was pruned, so its name is free again
    await expect(write(dir, 2, 3)).rejects.toThrow("Cannot write the key ring: must follow what was read");
    expect((await readRingFile(disk, dir))?.generation).toBe(9);
  });

  test("of two writers on one base exactly one wins, also when their generations differ", async () => {
    for (let round = 0; round < 50; round++) {
      const dir = await tempDir();
      const results = await Promise.allSettled([write(dir, 0, 100 + round), write(dir, 0, 200)]);
      expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
      expect(await readdir(dir)).toHaveLength(1);
    }
  });

  test(
    "no count is lost between processes without a lock, although generations jump",
    { timeout: 60_000 },
    async () => {
      const dir = await tempDir();
      const children = [1, 7, 1000].map((step) => start("counter", [dir, "60", `${step}`]));
      const ends = await Promise.all(children.map(({ ended }) => ended));
      expect(ends.map(({ code }) => code)).toEqual([0, 0, 0]);
      expect(JSON.parse((await readRingFile(disk, dir))?.text ?? "")).toEqual({ count: 180 });
      expect((await readdir(dir)).filter((name) => name.startsWith("."))).toEqual([]);
    },
  );

  test("takes the answer of a file server that repeats a request for what it is", async () => {
    const dir = await tempDir();
    const repeating: Disk = {
      ...disk,
      link: async (from, to) => {
        await disk.link(from, to);
        await disk.link(from, to);
      },
    };
    await writeRingFile(repeating, dir, { baseGeneration: 0, generation: 1, text: "ring" });
    expect(await readdir(dir)).toEqual(["keyring.1.json"]);
  });

  test("says what is wrong with a file system without hard links", async () => {
    const dir = await tempDir();
    const fat: Disk = { ...disk, link: () => Promise.reject(Object.assign(new Error("EPERM"), { code: "EPERM" })) };
    const attempt = writeRingFile(fat, dir, { baseGeneration: 0, generation: 1, text: "ring" });
    await expect(attempt).rejects.toThrow("must be on a file system that has hard links");
    expect(await readdir(dir)).toEqual([]);
  });

  test("leaves no part behind when the disk is full, and can be called again", async () => {
    const dir = await tempDir();
    const full: Disk = {
      ...disk,
      writeNew: async (path, text, mode) => {
        await disk.writeNew(path, text.slice(0, 2), mode);
        throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
      },
    };
    await expect(writeRingFile(full, dir, { baseGeneration: 0, generation: 1, text: "ring" })).rejects.toThrow(
      "ENOSPC",
    );
    expect(await readdir(dir)).toEqual([]);
    await write(dir, 0, 1);
  });

  test("is done when only the cleaning fails, and says so", async () => {
    const dir = await tempDir();
    const failing: Disk = { ...disk, removeFile: () => Promise.reject(new Error("no")) };
    expect(await writeRingFile(failing, dir, { baseGeneration: 0, generation: 1, text: "ring" })).toBe(false);
    expect(await write(dir, 1, 2)).toBe(true);
  });

  test("does not write below a file that can't be followed", async () => {
    const dir = await tempDir();
    await writeFile(join(dir, "keyring.9007199254740991.json"), "planted");
    const attempt = write(dir, 9_007_199_254_740_991, 1_795_305_600);
    await expect(attempt).rejects.toThrow(ChangeNeededError);
    await expect(attempt).rejects.toThrow("move the file away");
    expect(await readdir(dir)).toEqual(["keyring.9007199254740991.json"]);
  });
});

describe("tidyRingDir", () => {
  test("removes what a crash has left: a claim, linked or not, and surplus files", async () => {
    const dir = await tempDir();
    for (const n of [1, 2, 3, 4]) await writeFile(join(dir, `keyring.${n}.json`), "");
    await writeFile(join(dir, ".after.4.json"), "half");
    await link(join(dir, "keyring.4.json"), join(dir, ".after.3.json"));
    await writeFile(join(dir, "notes.txt"), "mine");
    await tidyRingDir(disk, dir, { nowMs: 0, isAlone: true });
    expect((await readdir(dir)).sort()).toEqual(["keyring.2.json", "keyring.3.json", "keyring.4.json", "notes.txt"]);
  });

  test.each([
    [60_000, true],
    [60_001, false],
  ])("leaves a claim of %d ms alone where others may write: %s", async (ageMs, stays) => {
    const dir = await tempDir();
    await writeFile(join(dir, ".after.4.json"), "");
    const { mtimeMs } = await stat(join(dir, ".after.4.json"));
    await tidyRingDir(disk, dir, { nowMs: mtimeMs + ageMs, isAlone: false });
    expect(await readdir(dir)).toHaveLength(stays ? 1 : 0);
  });
});
