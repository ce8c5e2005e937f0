import { chmod, link, mkdir, rename, rm, rmdir, symlink, unlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";
import type { Disk } from "../../../src/files/disk.ts";
import { FakeTime, hour, minute } from "../fake-time.ts";
import { hookedDisk } from "../hooked-disk.ts";
import { kidsOf, newWorld, tempDir, World } from "../world.ts";
import { readersSee } from "./sound.ts";

/** One effect as it was done, with paths relative to the directory. */
interface Op {
  readonly effect: string;
  readonly args: readonly unknown[];
  readonly nowMs: number;
  /** The directories whose names it changes. */
  readonly changes: readonly string[];
  /** The highest generation that any reader has seen by then. */
  readonly shown: number;
}

async function record(): Promise<readonly Op[]> {
  const world = await newWorld();
  const ops: Op[] = [];
  let shown = 0;
  let written = 0;
  const within = (value: unknown): unknown =>
    typeof value === "string" && value.startsWith("/") ? relative(world.dir, value) : value;
  const disk: Disk = hookedDisk({
    after: (effect, args) => {
      const [first = "", second = ""] = args.map(within).map(String);
      if (effect === "writeNew" && first.endsWith("/keyring.json")) written = generationIn(second);
      if (effect === "rename" && second.endsWith("..data")) shown = Math.max(shown, written);
      const changes = {
        syncDir: [],
        chmod: [],
        link: [dirname(second)],
        symlink: [dirname(second)],
        rename: [dirname(first), dirname(second)],
      }[effect] ?? [dirname(first)];
      ops.push({ effect, args: args.map(within), nowMs: world.time.nowMs(), changes, shown });
    },
  });
  await world.runFor(hour + 30 * minute, { disk });
  return ops;
}

const generationIn = (text: string): number => (JSON.parse(text) as { generation: number }).generation;

/** Which effects a power failure after the last one can't undo: all names of theirs were synchronised since. */
function durable(ops: readonly Op[]): readonly boolean[] {
  return ops.map((op, index) =>
    op.changes.every((dir) =>
      ops
        .slice(index + 1)
        .some(({ effect, args }) => effect === "syncDir" && (args[0] === dir || (dir === "." && args[0] === ""))),
    ),
  );
}

/**
 * What may be on the disk after a power failure: nothing that is not synchronised, all but one of it, or one. (All of it
 * is what a kill leaves.) Single ones only where most is loose: just before the next synchronisation.
 */
function* survivors(ops: readonly Op[], next: Op | undefined): Generator<readonly Op[]> {
  const safe = durable(ops);
  const loose = ops.flatMap((_, index) => (safe[index] === true ? [] : [index]));
  yield ops.filter((_, index) => safe[index]);
  if (loose.length < 2 || (next && next.effect !== "syncDir")) return;
  for (const lost of loose) yield ops.filter((_, index) => index !== lost);
  for (const kept of loose) yield ops.filter((_, index) => safe[index] === true || index === kept);
}

/** Does again what survived; what depends on something that was lost can't be done. */
async function replay(ops: readonly Op[], dir: string): Promise<void> {
  await mkdir(dir);
  for (const { effect, args } of ops) {
    const [a = "", b = ""] = args.map(String);
    const [pathA, pathB] = [join(dir, a), join(dir, b)];
    const again: Record<string, () => Promise<unknown>> = {
      makeDir: async () => {
        await mkdir(pathA);
        await chmod(pathA, Number(args[1]));
      },
      writeNew: () => writeFile(pathA, b, { mode: Number(args[2]) }),
      link: () => link(pathA, pathB),
      symlink: () => symlink(a, pathB),
      rename: () => rename(pathA, pathB),
      removeFile: () => unlink(pathA),
      removeDir: () => rmdir(pathA),
    };
    await again[effect]?.().catch(() => undefined);
  }
}

test(
  "a power failure after every effect of a whole rotation: whatever was not synchronised is lost, the next start goes on",
  { timeout: 1_800_000 },
  async () => {
    const ops = await record();
    const tried = new Set<string>();
    for (let end = 1; end <= ops.length; end++) {
      for (const left of survivors(ops.slice(0, end), ops[end])) {
        const key = JSON.stringify(left.map((op) => ops.indexOf(op)));
        if (tried.has(key)) continue;
        tried.add(key);
        await failAt(ops.slice(0, end), left);
      }
    }
    expect(tried.size).toBeGreaterThan(150);
  },
);

async function failAt(ops: readonly Op[], left: readonly Op[]): Promise<void> {
  const last = ops.at(-1);
  const lost = ops.filter((op) => !left.includes(op)).map(({ effect, args }) => `${effect} ${String(args[0])}`);
  const label = `after ${ops.length} effects, the last one ${last?.effect ?? ""}, lost: ${lost.join("; ")}`;
  const dir = join(await tempDir(), "home");
  await replay(left, dir);
  const world = new World(dir, new FakeTime(last?.nowMs ?? 0));
  const rings = await world.rings();
  // No reader has ever seen a ring that is gone now
  expect(rings[0]?.generation ?? 0, label).toBeGreaterThanOrEqual(last?.shown ?? 0);
  const seen = await readersSee(world);
  for (const ring of [seen.public, seen.signer]) {
    if (ring) expect(rings.flatMap(kidsOf), label).toEqual(expect.arrayContaining([...kidsOf(ring)]));
  }
  const before = rings[0];
  const ring = await world.settle();
  expect([...world.log.texts("warn"), ...world.log.texts("error")], label).toEqual([]);
  // It goes on with the ring that was there, and makes no other
  if (before) expect(ring.generation - before.generation, label).toBeLessThanOrEqual(2);
  await rm(dir, { recursive: true });
}
