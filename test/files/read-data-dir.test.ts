import { mkdir, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { writeDataDir, type DataFiles } from "../../src/files/data-dir.ts";
import { nodeDisk, type Reader } from "../../src/files/disk.ts";
import { readDataDir } from "../../src/files/read-data-dir.ts";
import { disown, tempDir } from "./temp.ts";

const disk = nodeDisk();
const write = (dir: string, files: DataFiles): Promise<void> =>
  writeDataDir(disk, dir, { files, mode: 0o600, dirMode: 0o700, nowMs: 0 });

describe("readDataDir", () => {
  test("finds a missing directory missing", async () => {
    expect(await readDataDir(disk, join(await tempDir(), "data"))).toEqual({ kind: "missing" });
  });

  test("finds an empty directory missing, and one with an unfinished first write", async () => {
    const dir = await tempDir();
    expect(await readDataDir(disk, dir)).toEqual({ kind: "missing" });
    await mkdir(join(dir, "..1970_01_01"));
    expect(await readDataDir(disk, dir)).toEqual({ kind: "missing" });
  });

  test("finds files without ..data plain", async () => {
    const dir = await tempDir();
    await writeFile(join(dir, "signing.pem"), "");
    expect(await readDataDir(disk, dir)).toEqual({ kind: "plain", names: ["signing.pem"] });
  });

  test("finds ..data that points to nothing dangling", async () => {
    const dir = await tempDir();
    await write(dir, { a: "1" });
    await rm(join(dir, "..1970_01_01_00_00_00.000000000"), { recursive: true });
    expect(await readDataDir(disk, dir)).toEqual({ kind: "dangling" });
  });

  test("finds links through a ..data that is gone dangling", async () => {
    const dir = await tempDir();
    await write(dir, { a: "1" });
    await unlink(join(dir, "..data"));
    expect(await readDataDir(disk, dir)).toEqual({ kind: "dangling" });
  });

  test("finds all files of one write, and whether the links to them are whole", async () => {
    const dir = await tempDir();
    await write(dir, { a: "1", b: "2" });
    const version = "..1970_01_01_00_00_00.000000000";
    expect(await readDataDir(disk, dir)).toEqual({ kind: "data", version, files: { a: "1", b: "2" }, linked: true });
    await unlink(join(dir, "b"));
    expect(await readDataDir(disk, dir)).toMatchObject({ files: { a: "1", b: "2" }, linked: false });
    await writeFile(join(dir, "b"), "plain");
    expect(await readDataDir(disk, dir)).toMatchObject({ files: { a: "1", b: "2" }, linked: false });
  });

  test("begins anew when the version vanishes between its names and its texts", async () => {
    const dir = await tempDir();
    await write(dir, { a: "1" });
    let swaps = 0;
    const racing: Reader = {
      ...disk,
      readText: async (path) => {
        if (swaps++ < 2) {
          await write(dir, { a: `${swaps + 1}` });
          await write(dir, { a: `${swaps + 1}` });
        }
        return disk.readText(path);
      },
    };
    expect(await readDataDir(racing, dir)).toMatchObject({ kind: "data", files: { a: "3" } });
  });

  test("does not take a version that is being removed for a whole one", async () => {
    const dir = await tempDir();
    await write(dir, { a: "1", b: "1" });
    let isFirst = true;
    const racing: Reader = {
      ...disk,
      names: async (path) => {
        if (isFirst && path.includes("..1970")) {
          isFirst = false;
          await write(dir, { a: "2", b: "2" });
          await unlink(join(path, "a"));
        }
        return disk.names(path);
      },
    };
    expect(await readDataDir(racing, dir)).toMatchObject({ files: { a: "2", b: "2" } });
  });

  test("refuses a ..data that leads elsewhere", async () => {
    const dir = await tempDir();
    for (const target of ["/etc", "../other", "..", "."]) {
      await symlink(target, join(dir, "..data"));
      await expect(readDataDir(disk, dir), target).rejects.toThrow("must point to a directory beside it");
      await unlink(join(dir, "..data"));
    }
  });

  test("refuses a link in place of the version or of a file", async () => {
    const dir = await tempDir();
    await write(dir, { a: "1" });
    const version = join(dir, "..1970_01_01_00_00_00.000000000");
    await unlink(join(version, "a"));
    await symlink("/etc/passwd", join(version, "a"));
    await expect(readDataDir(disk, dir)).rejects.toThrow("must be a regular file, is a symbolic link");
    await rename(version, join(dir, "moved"));
    await symlink("moved", version);
    await expect(readDataDir(disk, dir)).rejects.toThrow("must be a directory, is a symbolic link");
  });

  test("refuses a file of a foreign owner", async () => {
    const dir = await tempDir();
    await write(dir, { a: "1" });
    const ours = await disown(join(dir, "..data", "a"));
    await expect(readDataDir(ours, dir)).rejects.toThrow("must belong to the user who runs this or to root");
  });

  test("reads what anyone owns when it is told to", async () => {
    const dir = await tempDir();
    await write(dir, { a: "1" });
    await disown(join(dir, "..data", "a"));
    expect(await readDataDir(nodeDisk({ alsoTrusted: "anyone" }), dir)).toMatchObject({ files: { a: "1" } });
  });
});
