import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { signerObject, publicObject } from "../../src/crypto/objects.ts";
import { writeDataDir } from "../../src/files/data-dir.ts";
import { nodeDisk } from "../../src/files/disk.ts";
import { Directory } from "../../src/holder/sources/directory.ts";
import type { SourceReading } from "../../src/holder/sources/ring-source.ts";
import { type Clock, systemClock } from "../../src/time/clock.ts";
import { tempDir } from "../files/temp.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { keyRing, kid, type RingPlan } from "../gateway/support/rings.ts";

const disk = nodeDisk();
const files = (plan: RingPlan) => {
  const { ring, materials } = keyRing(plan);
  return signerObject(ring, materials);
};
/** As the kubelet and standalone do it. */
const swap = (dir: string, data: Readonly<Record<string, string>>) =>
  writeDataDir(disk, dir, { files: data, mode: 0o600, dirMode: 0o700, nowMs: Date.now() });

/** What a directory tells, awaited one by one. */
class Telling {
  readonly #told: SourceReading[] = [];
  #arrived: (() => void) | undefined;

  static over(dir: string, pollMs = 10, clock: Clock = systemClock): Telling {
    const telling = new Telling();
    const source = new Directory({ disk, dir, kind: "signer", withHalf: true, clock, pollMs });
    const stop = new AbortController();
    const running = source.run(stop.signal, (reading) => {
      telling.#told.push(reading);
      telling.#arrived?.();
    });
    onTestFinished(async () => {
      stop.abort();
      await running;
    });
    return telling;
  }

  /** The next reading that fits; those before it are gone. */
  async next(fits: (reading: SourceReading) => boolean): Promise<SourceReading> {
    for (;;) {
      const reading = this.#told.shift();
      if (reading && fits(reading)) return reading;
      if (reading) continue;
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }

  /** Resolves when a ring of this generation is told; the same one may be told twice. */
  async shows(generation: number): Promise<void> {
    await this.next((reading) => reading.kind === "ring" && reading.ring.ring.generation === generation);
  }
}

const read = (dir: string, change: { kind?: "signer" | "public"; withHalf?: boolean } = {}): Promise<SourceReading> =>
  new Directory({ disk, dir, kind: "signer", withHalf: true, clock: systemClock, ...change }).read();

describe("Directory.read", () => {
  test("opens the ring behind ..data, with the signer's half where it is wanted", async () => {
    const dir = await tempDir();
    await swap(dir, files({ generation: 5 }));
    expect(await read(dir)).toMatchObject({ kind: "ring", ring: { ring: { generation: 5 }, half: { kid: kid(0) } } });
    expect(await read(dir, { withHalf: false })).not.toHaveProperty("ring.half");
  });

  test("opens a plain file", async () => {
    const dir = await tempDir();
    await writeFile(join(dir, "keyring.json"), files({ generation: 5 })["keyring.json"] ?? "");
    expect(await read(dir)).toMatchObject({ kind: "ring", ring: { ring: { generation: 5 } } });
  });

  test("takes the public object for the public one alone", async () => {
    const dir = await tempDir();
    const { ring, materials } = keyRing({ generation: 5 });
    await swap(dir, publicObject(ring, materials));
    expect(await read(dir, { kind: "public" })).toMatchObject({ kind: "ring" });
    await swap(dir, signerObject(ring, materials));
    expect(await read(dir, { kind: "public" })).toMatchObject({
      kind: "unfit",
      problem: expect.stringContaining("is private and must not be public") as string,
    });
  });

  test("says that nothing is there, or why it can't be used", async () => {
    const dir = await tempDir();
    expect(await read(join(dir, "none"))).toMatchObject({ kind: "missing" });
    expect(await read(dir)).toMatchObject({ kind: "missing" });
    await symlink("nowhere", join(dir, "..data"));
    expect(await read(dir)).toMatchObject({ kind: "missing", problem: expect.stringContaining("..data") as string });
    await rm(join(dir, "..data"));
    await swap(dir, { "other.json": "{}" });
    expect(await read(dir)).toEqual({ kind: "unfit", problem: 'must have a "keyring.json"' });
    const link = join(await tempDir(), "link");
    await symlink(dir, link);
    expect(await read(link)).toMatchObject({ kind: "unfit" });
  });

  const good = files({ generation: 5 })["keyring.json"] ?? "";
  test.each([
    ["empty", ""],
    ["cut off", good.slice(0, good.length / 2)],
    ["no JSON", "key"],
    ["another document", '{"kind":"Secret"}'],
    ["with a kid that is no thumbprint", good.replaceAll(kid(1), kid(1).split("").reverse().join(""))],
  ])("never takes a document that is %s, and never quotes it", async (_, text) => {
    const dir = await tempDir();
    await swap(dir, { "keyring.json": text });
    const reading = await read(dir);
    expect(reading.kind).toBe("unfit");
    expect(JSON.stringify(reading)).not.toMatch(/"d"|thumbprint of [\w-]{20}/);
  });
});

describe("Directory.run", () => {
  test("tells of every swap", async () => {
    const dir = await tempDir();
    await swap(dir, files({ generation: 5 }));
    const telling = Telling.over(dir, 60_000);
    await telling.shows(5);
    await swap(dir, files({ generation: 6 }));
    await telling.shows(6);
    await swap(dir, files({ generation: 7 }));
    await telling.shows(7);
  });

  test("waits for a directory that is not there yet", async () => {
    const dir = join(await tempDir(), "later");
    const telling = Telling.over(dir);
    await telling.next(({ kind }) => kind === "missing");
    await swap(dir, files({ generation: 5 }));
    await telling.shows(5);
  });

  test("tells that a mount was removed, and of the next one", async () => {
    const dir = join(await tempDir(), "mount");
    await swap(dir, files({ generation: 5 }));
    const telling = Telling.over(dir);
    await telling.shows(5);
    await rename(dir, `${dir}.gone`);
    await telling.next(({ kind }) => kind === "missing");
    await mkdir(dir);
    await swap(dir, files({ generation: 6 }));
    await telling.shows(6);
    await swap(dir, files({ generation: 7 }));
    await telling.shows(7);
  });

  test("hears of swaps at once in a directory that was put in place of another", async () => {
    const dir = join(await tempDir(), "mount");
    await swap(dir, files({ generation: 5 }));
    const clock = new FakeClock();
    const telling = Telling.over(dir, 1000, clock);
    await telling.shows(5);
    await clock.armed(1000);
    await swap(`${dir}.next`, files({ generation: 6 }));
    await rename(dir, `${dir}.gone`);
    await rename(`${dir}.next`, dir);
    await clock.armed(1000);
    await clock.advance(1000);
    await telling.shows(6);
    // No more time passes
    await clock.armed(1000);
    await swap(dir, files({ generation: 7 }));
    await telling.shows(7);
  });

  test("looks again at a plain file that was half written", async () => {
    const dir = await tempDir();
    const text = files({ generation: 5 })["keyring.json"] ?? "";
    await writeFile(join(dir, "keyring.json"), text.slice(0, 100));
    const telling = Telling.over(dir);
    await telling.next(({ kind }) => kind === "unfit");
    await writeFile(join(dir, "keyring.json"), text);
    await telling.shows(5);
    await writeFile(join(dir, "keyring.json"), files({ generation: 6 })["keyring.json"] ?? "");
    await telling.shows(6);
  });

  test("shows one whole ring after the other while it is swapped all the time", async () => {
    const dir = await tempDir();
    await swap(dir, files({ generation: 1 }));
    const source = new Directory({ disk, dir, kind: "signer", withHalf: true, clock: systemClock });
    const writing = (async () => {
      for (let generation = 2; generation <= 25; generation++) await swap(dir, files({ generation }));
    })();
    const kinds = new Set<string>();
    let last = 0;
    while (last < 25) {
      const reading = await source.read();
      kinds.add(reading.kind);
      const generation = reading.kind === "ring" ? reading.ring.ring.generation : 0;
      expect(generation).toBeGreaterThanOrEqual(last);
      last = generation;
    }
    await writing;
    expect([...kinds]).toEqual(["ring"]);
  });
});
