import { watch } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeDataDir } from "../../src/files/data-dir.ts";
import { nodeDisk } from "../../src/files/disk.ts";
import { watchDirs } from "../../src/files/watch-dirs.ts";
import { tempDir } from "./temp.ts";

const disk = nodeDisk();
const write = (dir: string, text: string): Promise<void> =>
  writeDataDir(disk, dir, { files: { a: text }, mode: 0o600, dirMode: 0o700, nowMs: 0 });

test("watchDirs tells of a change, and passes over directories that are missing", async () => {
  const dir = await tempDir();
  const controller = new AbortController();
  const told = new Promise<void>((resolve) => {
    watchDirs([join(dir, "missing"), dir], resolve, controller.signal);
  });
  await writeFile(join(dir, "file"), "");
  await told;
  controller.abort();
});

test("watchDirs tells of each swap of ..data, not of the first alone", async () => {
  const dir = await tempDir();
  await write(dir, "0");
  const controller = new AbortController();
  let heard = 0;
  let swapped: () => void = () => undefined;
  watchDirs([dir], () => swapped(), controller.signal);
  for (const n of [1, 2, 3]) {
    const told = new Promise<void>((resolve) => {
      swapped = resolve;
    });
    await write(dir, `${n}`);
    await told;
    heard += 1;
  }
  expect(heard).toBe(3);
  controller.abort();
});

test("watchDirs does not tell of a database that is written beside, and tells of what is written after it", async () => {
  const dir = await tempDir();
  const controller = new AbortController();
  const { promise, resolve: told } = Promise.withResolvers<unknown>();
  const heard: string[] = [];
  watchDirs(
    [dir],
    () => {
      heard.push("watchDirs");
      told(undefined);
    },
    controller.signal,
  );
  // Of the same directory, told of each event after the first one
  const files = ["grants.db", "grants.db-wal", "grants.db-shm", "file"];
  const lastOf = new Map(files.map((name) => [name, Promise.withResolvers<unknown>()]));
  watch(dir, { signal: controller.signal }, (_, name) => lastOf.get(name ?? "")?.resolve(undefined));
  for (const name of files.slice(0, -1)) {
    await writeFile(join(dir, name), "");
    await lastOf.get(name)?.promise;
  }
  expect(heard).toEqual([]);
  await writeFile(join(dir, "file"), "");
  await promise;
  controller.abort();
});
