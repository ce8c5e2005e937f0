import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { writeDataDir } from "../../src/files/data-dir.ts";
import { nodeDisk } from "../../src/files/disk.ts";
import { newWaker, watchDataDir, watchDirs } from "../../src/files/watch-dirs.ts";
import { tempDir } from "./temp.ts";

const disk = nodeDisk();
const write = (dir: string, text: string): Promise<void> =>
  writeDataDir(disk, dir, { files: { a: text }, mode: 0o600, dirMode: 0o700, nowMs: 0 });

describe("watchDataDir", () => {
  test("yields the version that is there, and each one after it, also after many swaps", async () => {
    const dir = await tempDir();
    await write(dir, "0");
    const controller = new AbortController();
    const versions = watchDataDir(disk, dir, { signal: controller.signal, pollMs: 60_000 });
    expect((await versions.next()).value).toMatch(/000$/);
    for (const n of [1, 2, 3]) {
      const next = versions.next();
      await write(dir, `${n}`);
      expect((await next).value).toMatch(new RegExp(`00${n}$`));
    }
    controller.abort();
    expect((await versions.next()).done).toBe(true);
  });

  test("finds a directory that is made later by polling", async () => {
    const dir = join(await tempDir(), "later");
    const controller = new AbortController();
    const versions = watchDataDir(disk, dir, { signal: controller.signal, pollMs: 5 });
    const next = versions.next();
    await write(dir, "0");
    expect((await next).value).toMatch(/000$/);
    controller.abort();
  });
});

describe("newWaker", () => {
  test("a wake before the wait is not lost, and counts once", async () => {
    const waker = newWaker();
    const { signal } = new AbortController();
    waker.wake();
    await waker.wait(60_000, signal);
    const waiting = waker.wait(60_000, signal);
    waker.wake();
    await waiting;
  });

  test("the signal ends a wait, and every later one", async () => {
    const waker = newWaker();
    const controller = new AbortController();
    const waiting = waker.wait(60_000, controller.signal);
    controller.abort();
    await waiting;
    await waker.wait(60_000, controller.signal);
  });

  test("a wait of no time or of more than a timer holds ends and does not end at once", async () => {
    const waker = newWaker();
    const controller = new AbortController();
    await waker.wait(-1, controller.signal);
    let ended = false;
    const waiting = waker.wait(2 ** 40, controller.signal).then(() => (ended = true));
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    expect(ended).toBe(false);
    controller.abort();
    await waiting;
  });
});

describe("watchDirs", () => {
  test("tells of a change, and passes over directories that are missing", async () => {
    const dir = await tempDir();
    const controller = new AbortController();
    const told = new Promise<void>((resolve) => {
      watchDirs([join(dir, "missing"), dir], resolve, controller.signal);
    });
    await writeFile(join(dir, "file"), "");
    await told;
    controller.abort();
  });
});
