import { mkdir, readdir, readFile, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { dropUnfinished, tidyDataDir, writeDataDir, type DataFiles } from "../../src/files/data-dir.ts";
import { nodeDisk } from "../../src/files/disk.ts";
import { readDataDir } from "../../src/files/read-data-dir.ts";
import { disown, tempDir } from "./temp.ts";

const disk = nodeDisk();
const nowMs = Date.UTC(2026, 10, 22, 1, 2, 3, 4);
const write = (dir: string, files: DataFiles, change = {}): Promise<void> =>
  writeDataDir(disk, dir, { files, mode: 0o640, dirMode: 0o750, nowMs, ...change });
const versionsIn = async (dir: string): Promise<readonly string[]> =>
  (await readdir(dir)).filter((name) => /^\.\.\d/.test(name)).sort();

describe("writeDataDir", () => {
  test("makes the form that the kubelet makes: a version, ..data, and a link for each file", async () => {
    const dir = join(await tempDir(), "data");
    await write(dir, { a: "1", b: "2" });
    expect((await readdir(dir)).sort()).toEqual(["..2026_11_22_01_02_03.004000000", "..data", "a", "b"]);
    expect(await readlink(join(dir, "..data"))).toBe("..2026_11_22_01_02_03.004000000");
    expect(await readlink(join(dir, "a"))).toBe("..data/a");
    expect(await readFile(join(dir, "b"), "utf8")).toBe("2");
  });

  test("gives exactly the modes that were asked for, whatever the umask", async () => {
    const dir = join(await tempDir(), "data");
    const before = process.umask(0o077);
    await write(dir, { a: "1" }).finally(() => process.umask(before));
    expect((await stat(dir)).mode & 0o7777).toBe(0o750);
    expect((await stat(join(dir, "..data"))).mode & 0o7777).toBe(0o750);
    expect((await stat(join(dir, "a"))).mode & 0o7777).toBe(0o640);
  });

  test("keeps the version before the current one, and no older one", async () => {
    const dir = join(await tempDir(), "data");
    for (const text of ["1", "2", "3"]) await write(dir, { a: text });
    expect(await versionsIn(dir)).toEqual(["..2026_11_22_01_02_03.004000001", "..2026_11_22_01_02_03.004000002"]);
    expect(await readFile(join(dir, "a"), "utf8")).toBe("3");
  });

  test("gives every version a later name, also when the clock was set back", async () => {
    const dir = join(await tempDir(), "data");
    const names: string[] = [];
    for (const atMs of [nowMs, nowMs, nowMs - 86_400_000, nowMs - 1, nowMs + 1]) {
      await write(dir, { a: "1" }, { nowMs: atMs });
      names.push(await readlink(join(dir, "..data")));
    }
    expect(names).toEqual([...new Set(names)].sort());
    expect(names.at(-1)).toBe("..2026_11_22_01_02_03.005000000");
  });

  test("takes away the link of a file that is no more", async () => {
    const dir = join(await tempDir(), "data");
    await write(dir, { a: "1", b: "2" });
    await write(dir, { a: "1" });
    expect((await readdir(dir)).filter((name) => !name.startsWith(".."))).toEqual(["a"]);
  });

  test("leaves files of others alone", async () => {
    const dir = await tempDir();
    await writeFile(join(dir, "README"), "mine");
    await symlink("elsewhere", join(dir, "link"));
    await write(dir, { a: "1" });
    await write(dir, { a: "2" });
    expect(await readFile(join(dir, "README"), "utf8")).toBe("mine");
    expect(await readlink(join(dir, "link"))).toBe("elsewhere");
  });

  test("replaces a plain file in the place of a link", async () => {
    const dir = await tempDir();
    await writeFile(join(dir, "a"), "old");
    await write(dir, { a: "new" });
    expect(await readlink(join(dir, "a"))).toBe("..data/a");
  });

  test("goes on where a crash has left unfinished links", async () => {
    const dir = await tempDir();
    await symlink("..nowhere", join(dir, "..data_tmp"));
    await symlink("nowhere", join(dir, "..link_tmp"));
    await write(dir, { a: "1" });
    expect(await readFile(join(dir, "a"), "utf8")).toBe("1");
    expect(await readdir(dir)).not.toContain("..data_tmp");
    expect(await readdir(dir)).not.toContain("..link_tmp");
  });

  test("refuses a symbolic link in place of the directory", async () => {
    const dir = await tempDir();
    await mkdir(join(dir, "real"));
    await symlink("real", join(dir, "data"));
    await expect(write(join(dir, "data"), { a: "1" })).rejects.toThrow("must be a directory, is a symbolic link");
    expect(await readdir(join(dir, "real"))).toEqual([]);
  });

  test("refuses a directory of a foreign owner", async () => {
    const dir = join(await tempDir(), "data");
    await mkdir(dir);
    const ours = await disown(dir);
    const attempt = writeDataDir(ours, dir, { files: { a: "1" }, mode: 0o600, dirMode: 0o700, nowMs });
    await expect(attempt).rejects.toThrow(/must belong to the user who runs this or to root, belongs to uid \d+/);
    expect(await readdir(dir)).toEqual([]);
  });

  test("never shows a reader files of two writes, however often it is written", async () => {
    const dir = join(await tempDir(), "data");
    await write(dir, { a: "0", b: "0", c: "0" });
    const writing = { last: 0 };
    const writer = (async () => {
      for (let n = 1; n <= 100; n++) {
        await write(dir, { a: `${n}`, b: `${n}`, c: `${n}` });
        writing.last = n;
      }
    })();
    const seen = new Set<string>();
    while (writing.last < 100) {
      const found = await readDataDir(disk, dir);
      if (found.kind !== "data") throw new Error(`found ${found.kind}`);
      expect(new Set(Object.values(found.files)).size).toBe(1);
      expect(Object.keys(found.files)).toEqual(["a", "b", "c"]);
      seen.add(found.files["a"] ?? "");
    }
    await writer;
    expect(seen.size).toBeGreaterThan(1);
  });
});

describe("tidyDataDir", () => {
  test("removes all but the current version, and unfinished links", async () => {
    const dir = join(await tempDir(), "data");
    await write(dir, { a: "1" });
    await write(dir, { a: "2" });
    await mkdir(join(dir, "..2026_99_unfinished"));
    await writeFile(join(dir, "..2026_99_unfinished", "a"), "half");
    await symlink("..nowhere", join(dir, "..data_tmp"));
    await tidyDataDir(disk, dir);
    expect((await readdir(dir)).sort()).toEqual(["..2026_11_22_01_02_03.004000001", "..data", "a"]);
    expect(await readFile(join(dir, "a"), "utf8")).toBe("2");
  });

  test("does nothing where there is no directory", async () => {
    await expect(tidyDataDir(disk, join(await tempDir(), "missing"))).resolves.toBeUndefined();
  });
});

describe("dropUnfinished", () => {
  test("removes versions that never were current, and leaves the one before to its readers", async () => {
    const dir = join(await tempDir(), "data");
    await write(dir, { a: "1" });
    await write(dir, { a: "2" });
    await mkdir(join(dir, "..2026_99_unfinished"));
    await symlink("..nowhere", join(dir, "..data_tmp"));
    await dropUnfinished(disk, dir, false);
    const versions = ["..2026_11_22_01_02_03.004000000", "..2026_11_22_01_02_03.004000001"];
    expect((await readdir(dir)).sort()).toEqual([...versions, "..data", "a"]);
  });

  test.each([
    ["are orphans", true, []],
    ["may be the last copies", false, ["..2026_99_unfinished"]],
  ])("where no version is current, all of them %s", async (_, orphans, kept) => {
    const dir = await tempDir();
    await mkdir(join(dir, "..2026_99_unfinished"));
    await dropUnfinished(disk, dir, orphans);
    expect(await readdir(dir)).toEqual(kept);
  });

  test.each([
    ["dropUnfinished", (dir: string) => dropUnfinished(disk, dir, false)],
    ["tidyDataDir", (dir: string) => tidyDataDir(disk, dir)],
  ])("%s removes no version where ..data points to nothing", async (_, tidy) => {
    const dir = join(await tempDir(), "data");
    await write(dir, { a: "1" });
    await mkdir(join(dir, "..2026_99_other"));
    await rm(join(dir, "..2026_11_22_01_02_03.004000000"), { recursive: true });
    await tidy(dir);
    expect(await readdir(dir)).toContain("..2026_99_other");
  });
});
