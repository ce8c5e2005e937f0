import { execFile } from "node:child_process";
import { chmod, link, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { ensureDir, readIfThere, replaceFile } from "../../src/files/atomic.ts";
import { nodeDisk, type Disk } from "../../src/files/disk.ts";
import { disown, tempDir } from "./temp.ts";

const disk = nodeDisk();

describe("replaceFile", () => {
  test("leaves the new text with its mode, and nothing else", async () => {
    const dir = await tempDir();
    const path = join(dir, "file");
    await replaceFile(disk, path, { text: "one", mode: 0o600 });
    await replaceFile(disk, path, { text: "two", mode: 0o640 });
    expect(await readFile(path, "utf8")).toBe("two");
    expect((await stat(path)).mode & 0o7777).toBe(0o640);
    expect(await readdir(dir)).toEqual(["file"]);
  });

  test("goes on over what a crash has left", async () => {
    const dir = await tempDir();
    await writeFile(join(dir, "file.tmp"), "ha");
    await replaceFile(disk, join(dir, "file"), { text: "whole", mode: 0o600 });
    expect(await readdir(dir)).toEqual(["file"]);
  });

  test("keeps the old text when it fails half-way", async () => {
    const path = join(await tempDir(), "file");
    await replaceFile(disk, path, { text: "old", mode: 0o600 });
    const failing: Disk = { ...disk, rename: () => Promise.reject(new Error("no")) };
    await expect(replaceFile(failing, path, { text: "new", mode: 0o600 })).rejects.toThrow("no");
    expect(await readFile(path, "utf8")).toBe("old");
  });

  test("refuses a symbolic link, and a file of a foreign owner", async () => {
    const dir = await tempDir();
    await writeFile(join(dir, "target"), "kept");
    await symlink("target", join(dir, "file"));
    const file = { text: "new", mode: 0o600 };
    await expect(replaceFile(disk, join(dir, "file"), file)).rejects.toThrow("is a symbolic link");
    const ours = await disown(join(dir, "target"));
    await expect(replaceFile(ours, join(dir, "target"), file)).rejects.toThrow("must belong to");
    expect(await readFile(join(dir, "target"), "utf8")).toBe("kept");
  });
});

describe("ensureDir", () => {
  test("makes a directory once, with its mode", async () => {
    const dir = join(await tempDir(), "new");
    await ensureDir(disk, dir, 0o700);
    await ensureDir(disk, dir, 0o755);
    expect((await stat(dir)).mode & 0o7777).toBe(0o700);
  });

  test("takes one that somebody else makes in the same moment", async () => {
    const dir = join(await tempDir(), "new");
    const racing: Disk = {
      ...disk,
      makeDir: async (path, mode) => {
        await mkdir(path);
        await disk.makeDir(path, mode);
      },
    };
    await expect(ensureDir(racing, dir, 0o700)).resolves.toBeUndefined();
  });

  test("refuses a file and a link", async () => {
    const dir = await tempDir();
    await writeFile(join(dir, "file"), "");
    await symlink(".", join(dir, "link"));
    await expect(ensureDir(disk, join(dir, "file"), 0o700)).rejects.toThrow("must be a directory, is a regular file");
    await expect(ensureDir(disk, join(dir, "link"), 0o700)).rejects.toThrow("must be a directory, is a symbolic link");
  });
});

describe("nodeDisk", () => {
  test("writeNew replaces nothing, and follows no link", async () => {
    const dir = await tempDir();
    await writeFile(join(dir, "file"), "old");
    await symlink("missing", join(dir, "link"));
    for (const name of ["file", "link"]) {
      await expect(disk.writeNew(join(dir, name), "new", 0o600), name).rejects.toThrow("EEXIST");
    }
    expect(await readFile(join(dir, "file"), "utf8")).toBe("old");
    expect((await readdir(dir)).sort()).toEqual(["file", "link"]);
  });

  test("writeNew lets nobody else read before the file has its group", async () => {
    const path = join(await tempDir(), "file");
    // The kernel knows no such group: it stays as it was made
    const broken = nodeDisk({ group: 2 ** 40 });
    await expect(broken.writeNew(path, "secret", 0o666)).rejects.toThrow("out of range");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await expect(broken.makeDir(`${path}.d`, 0o777)).rejects.toThrow("out of range");
    expect((await stat(`${path}.d`)).mode & 0o777).toBe(0o700);
  });

  test("link replaces nothing", async () => {
    const dir = await tempDir();
    await disk.writeNew(join(dir, "a"), "a", 0o600);
    await disk.writeNew(join(dir, "b"), "b", 0o600);
    await expect(disk.link(join(dir, "a"), join(dir, "b"))).rejects.toThrow("EEXIST");
  });

  test("readText does not wait for a pipe in place of the file", async () => {
    const path = join(await tempDir(), "pipe");
    await promisify(execFile)("mkfifo", [path]);
    await expect(disk.readText(path)).rejects.toThrow("must be a regular file, is a device, pipe or socket");
  });

  test("readText refuses a directory and a file without end", async () => {
    const dir = await tempDir();
    await expect(disk.readText(dir)).rejects.toThrow("must be a regular file, is a directory");
    await writeFile(join(dir, "large"), "x".repeat(4 * 1_048_576 + 1));
    await expect(disk.readText(join(dir, "large"))).rejects.toThrow("must measure at most 4194304 bytes");
  });

  test("readIfThere is undefined for what is missing", async () => {
    expect(await readIfThere(disk, join(await tempDir(), "missing"))).toBeUndefined();
  });

  test("entry tells the same file under two names, and its permission bits", async () => {
    const dir = await tempDir();
    await writeFile(join(dir, "a"), "");
    await chmod(join(dir, "a"), 0o4711);
    await link(join(dir, "a"), join(dir, "b"));
    const [a, b] = [await disk.entry(join(dir, "a")), await disk.entry(join(dir, "b"))];
    expect(a?.identity).toBe(b?.identity);
    expect(a?.mode).toBe(0o4711);
  });
});
