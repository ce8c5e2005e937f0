import { lutimes, readdir, rm, symlink, unlink, utimes, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { nodeDisk } from "../../../src/files/disk.ts";
import { AckReader } from "../../../src/standalone/loop/ack-reader.ts";
import { hour, minute, second } from "../fake-time.ts";
import { resource } from "../resource.ts";
import { kidsOf, newWorld, type World } from "../world.ts";

const demo = { namespace: "default", name: "demo" };
const readerOf = (world: World): AckReader => new AckReader(nodeDisk(), world.path("acks"), world.time);
const namesIn = async (reader: AckReader): Promise<readonly string[]> =>
  (await reader.read(demo)).gateways.map(({ name }) => name);

/** A gateway that looks every ten seconds, and says what it has. */
function gateway(world: World, name: string): { stop(): void; freeze(): void } {
  let state: "running" | "frozen" | "stopped" = "running";
  world.time.every(10 * second, async () => {
    if (state === "running") {
      const { generation, signer, retiring, standby } = await world.ring();
      const verifies = [signer, ...(standby ? [standby] : []), ...retiring].map(({ kid }) => kid);
      await world.ack(name, { generation, verifies, signs: signer.kid });
    } else if (state === "frozen") await world.touch(name);
    return state !== "stopped";
  });
  return { stop: () => (state = "stopped"), freeze: () => (state = "frozen") };
}

describe("AckReader", () => {
  test.each([
    [59_999, ["a"]],
    [60_000, ["a"]],
    [60_001, []],
  ])("an ack that was touched %d ms ago: %j", async (ageMs, names) => {
    const world = await newWorld();
    await world.settle();
    await world.ack("a", { generation: 1, verifies: [] });
    world.time.pass(ageMs);
    expect(await namesIn(readerOf(world))).toEqual(names);
  });

  test("counts from when a file was seen to change, so a sleep or a set clock makes nobody dead", async () => {
    const world = await newWorld();
    await world.settle();
    await world.ack("a", { generation: 1, verifies: [] });
    const reader = readerOf(world);
    expect(await namesIn(reader)).toEqual(["a"]);
    world.time.wallMs += 8 * hour;
    expect(await namesIn(reader)).toEqual(["a"]);
    world.time.pass(60_001);
    expect(await namesIn(reader)).toEqual([]);
    await world.touch("a");
    expect(await namesIn(reader)).toEqual(["a"]);
  });

  test("a time in the future is as good as now, and no better", async () => {
    const world = await newWorld();
    await world.settle();
    await world.ack("a", { generation: 1, verifies: [] });
    world.time.wallMs -= hour;
    const reader = readerOf(world);
    expect(await namesIn(reader)).toEqual(["a"]);
    world.time.pass(60_001);
    expect(await namesIn(reader)).toEqual([]);
  });

  test("a bad ack is no ack, with one warning each, and never fatal", async () => {
    const world = await newWorld();
    await world.settle();
    await world.ack("good", { generation: 1, verifies: [] });
    await world.ack("other", { generation: 1, verifies: [] }, "other-rotation");
    await world.ack("bad", { generation: -1, verifies: [] });
    const nowSeconds = world.time.wallMs / 1000;
    await writeFile(world.path("acks", "json.json"), "{");
    await symlink("good.json", world.path("acks", "link.json"));
    await writeFile(world.path("acks", "README"), "");
    await utimes(world.path("acks", "json.json"), nowSeconds, nowSeconds);
    await lutimes(world.path("acks", "link.json"), nowSeconds, nowSeconds);
    const { gateways, warnings } = await readerOf(world).read(demo);
    expect(gateways).toEqual([{ name: "good", ready: true, ack: { generation: 1, verifies: [] } }]);
    expect(warnings).toEqual([
      expect.stringContaining("acks/bad.json: Cannot read acknowledgement: $.generation"),
      "acks/json.json: Cannot read acknowledgement: $: must be JSON",
      expect.stringContaining("acks/link.json: Cannot use"),
      'acks/other.json: Cannot use acknowledgement: must be about the rotation "demo"',
    ]);
  });

  test("finds nobody where there is no directory", async () => {
    const world = await newWorld();
    expect(await readerOf(world).read(demo)).toEqual({ gateways: [], warnings: [] });
  });
});

describe("activation", () => {
  test("waits for a gateway that does not accept the next key, and goes on when it does", async () => {
    const world = await newWorld();
    const first = await world.settle();
    await world.ack("slow", { generation: first.generation, verifies: [first.signer.kid], signs: first.signer.kid });
    const slow = gateway(world, "slow");
    slow.freeze();
    await world.runFor(2 * hour);
    expect((await world.ring()).signer.kid).toBe(first.signer.kid);
    await world.ack("slow", { generation: first.generation, verifies: kidsOf(first), signs: first.signer.kid });
    await world.runFor(minute);
    const second = await world.ring();
    expect(second.signer.kid).toBe(first.standby?.kid);
    expect(world.log.texts("info")).toContainEqual(expect.stringContaining("waiting: activate"));
    slow.stop();
  });

  test("does not wait for a gateway that is gone: its ack is older than a minute", async () => {
    const world = await newWorld();
    const first = await world.settle();
    await world.ack("dead", { generation: first.generation, verifies: [] });
    await world.runFor(hour);
    expect((await world.ring()).signer.kid).toBe(first.standby?.kid);
  });

  test("what a gateway that is long gone has left is taken away, and nothing of one that is there", async () => {
    const world = await newWorld();
    const first = await world.settle();
    const here = gateway(world, "here");
    await world.ack("here", { generation: first.generation, verifies: [] });
    await world.ack("dead", { generation: first.generation, verifies: [] });
    await world.runFor(hour);
    expect(await readdir(world.path("acks"))).toEqual(["here.json"]);
    here.stop();
  });

  test("waits for nobody when acknowledgements are ignored", async () => {
    const world = await newWorld();
    const first = await world.settle();
    const slow = gateway(world, "slow");
    await world.ack("slow", { generation: 1, verifies: [] });
    slow.freeze();
    const config = { resource: resource({ propagation: { minimum: "10m", acknowledgements: "Ignored" } }) };
    await world.runFor(hour, { config });
    expect((await world.ring()).signer.kid).toBe(first.standby?.kid);
    slow.stop();
  });
});

describe("quiescence", () => {
  test("waits for a gateway that may still sign with the old key, and never holds up a revocation", async () => {
    const world = await newWorld();
    const first = await world.settle();
    const slow = gateway(world, "slow");
    await world.runFor(hour - second);
    slow.freeze();
    await world.runFor(2 * hour);
    const second_ = await world.ring();
    expect(second_.retiring.find(({ kid }) => kid === first.signer.kid)).not.toHaveProperty("quiescedAtMs");
    await world.writeOverrides({ revokedKids: [{ kid: first.signer.kid }] });
    await world.runFor(second);
    expect(kidsOf(await world.ring())).not.toContain(first.signer.kid);
    slow.stop();
  });

  test("a gateway that goes on gets the old key pruned at its time", async () => {
    const world = await newWorld();
    const first = await world.settle();
    const good = gateway(world, "good");
    await world.runFor(hour + 40 * minute);
    const after = await world.ring();
    expect(after.signer.kid).toBe(first.standby?.kid);
    expect(after.retiring).toEqual([]);
    good.stop();
    await unlink(world.path("acks", "good.json"));
    await rm(world.path("acks"), { recursive: true });
  });
});
