import { execFile } from "node:child_process";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { epochMs, FakeTime, hour, minute } from "../fake-time.ts";
import { kidsOf, tempDir, World } from "../world.ts";
import { expectSound, readersSee } from "./sound.ts";

/** From nothing over the first key and one rotation to the end of the old key. */
const storyMs = hour + 30 * minute;

const child = join(import.meta.dirname, "child.ts");

interface Died {
  readonly effect?: string;
  readonly effects?: readonly string[];
  readonly nowMs: number;
}

function runChild(dir: string, killAt: number, torn = false): Promise<Died> {
  const args = [dir, epochMs, storyMs, killAt, torn ? "torn" : ""].map(String);
  return new Promise((resolve, reject) => {
    // Without the cache each child spends most of its time on stripping types
    const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), "keyturn-compile-cache") };
    execFile(process.execPath, [child, ...args], { env }, (error, stdout, stderr) => {
      if (error && error.signal !== "SIGKILL") reject(new Error(stderr, { cause: error }));
      else resolve(JSON.parse(stdout) as Died);
    });
  });
}

async function killedAt(killAt: number, torn: boolean): Promise<void> {
  const dir = join(await tempDir(), "home");
  const died = await runChild(dir, killAt, torn);
  const world = new World(dir, new FakeTime(died.nowMs));
  const label = `killed at effect ${killAt}: ${died.effect ?? "none"}`;
  // What readers have at the moment of the crash is whole
  const seen = await readersSee(world);
  const known = (await world.rings()).flatMap(kidsOf);
  for (const ring of [seen.public, seen.signer])
    if (ring) expect(known, label).toEqual(expect.arrayContaining([...kidsOf(ring)]));
  await world.runFor(epochMs + storyMs - world.time.wallMs + minute);
  expect([...world.log.texts("warn"), ...world.log.texts("error")], label).toEqual([]);
  const ring = await expectSound(world);
  // One rotation at its time, the first key gone, a standby that everybody has: as if nothing had happened
  expect(ring.signer.activatedAtMs, label).toBe(epochMs + hour);
  expect(ring.standby?.publishedAtMs, label).toBeDefined();
  expect(ring.retiring, label).toEqual([]);
}

test(
  "SIGKILL at every effect of a whole rotation: readers see whole files, the next start goes on",
  { timeout: 1_800_000 },
  async () => {
    const { effects = [] } = await runChild(join(await tempDir(), "home"), 0);
    expect(effects.length).toBeGreaterThan(100);
    const clean = effects.map((_, index): [number, boolean] => [index + 1, false]);
    const torn = clean
      .filter(([killAt]) => effects[killAt - 1] === "writeNew")
      .map(([killAt]): [number, boolean] => [killAt, true]);
    const todo = [...clean, ...torn];
    const worker = async (): Promise<void> => {
      for (let job = todo.pop(); job; job = todo.pop()) await killedAt(...job);
    };
    await Promise.all(Array.from({ length: availableParallelism() }, worker));
  },
);
