import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeDisk } from "../../src/files/disk.ts";
import { FileAcks } from "../../src/holder/acks/file-acks.ts";
import { AckReader } from "../../src/standalone/loop/ack-reader.ts";
import { tempDir } from "../files/temp.ts";

const disk = nodeDisk();
const ack = { generation: 5, verifies: ["a", "b"], signs: "a" };
const nowMs = Date.UTC(2026, 10, 21);

async function sink(rotation: string | undefined = "gateway"): Promise<{ dir: string; acks: FileAcks }> {
  const dir = join(await tempDir(), "acks");
  await mkdir(dir, { mode: 0o700 });
  return {
    dir,
    acks: new FileAcks({ disk, dir, instance: "one", rotation: () => rotation, nowMs: () => nowMs }),
  };
}

describe("FileAcks", () => {
  test("writes what standalone reads", async () => {
    const { dir, acks } = await sink();
    await acks.write(ack);
    await acks.check();
    const reader = new AckReader(disk, dir, { nowMs: () => nowMs, monotonicMs: () => 0 });
    expect(await reader.read({ namespace: "default", name: "gateway" })).toEqual({
      gateways: [{ name: "one", ready: true, ack }],
      warnings: [],
    });
    expect((await stat(join(dir, "one.json"))).mode & 0o777).toBe(0o600);
  });

  test("touches the ack at each check, and gives back what stands", async () => {
    const { dir, acks } = await sink();
    await acks.write(ack);
    expect(await acks.check()).toEqual(ack);
    expect((await stat(join(dir, "one.json"))).mtimeMs).toBe(nowMs);
  });

  test.each([
    ["nothing", undefined],
    ["no ack", "{}"],
    ["the ack of another gateway", JSON.stringify({ podName: "two" })],
    ["the ack of another rotation", JSON.stringify({ rotation: "other" })],
  ])("finds no ack of its own in %s", async (_, change) => {
    const { dir, acks } = await sink();
    await acks.write(ack);
    const path = join(dir, "one.json");
    const document = JSON.parse(await readFile(path, "utf8")) as object;
    if (change === undefined) await acks.end();
    else if (change === "{}") await writeFile(path, change);
    else await writeFile(path, JSON.stringify({ ...document, ...(JSON.parse(change) as object) }));
    expect(await acks.check()).toBeUndefined();
  });

  test("waits for the rotation's name", async () => {
    const { dir } = await sink();
    const acks = new FileAcks({ disk, dir, instance: "one", rotation: () => undefined, nowMs: () => nowMs });
    await expect(acks.write(ack)).rejects.toMatchObject({ code: "NoRing" });
  });

  test("end takes the ack back", async () => {
    const { dir, acks } = await sink();
    await acks.write(ack);
    await acks.end();
    await acks.end();
    expect(await readdir(dir)).toEqual([]);
  });
});
