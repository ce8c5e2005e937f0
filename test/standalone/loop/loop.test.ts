import { readdir, stat } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { hour, minute, second } from "../fake-time.ts";
import { isIdle, kidsOf, newWorld } from "../world.ts";

describe("runStandalone", () => {
  test("makes a ring with a signer and a standby, and both projections of the same generation", async () => {
    const world = await newWorld();
    const ring = await world.settle();
    expect(ring.signer.state).toBe("active");
    expect(ring.standby?.publishedAtMs).toBeDefined();
    for (const object of ["signer", "public"]) {
      const seen = JSON.parse(await world.text(object, "..data", "keyring.json")) as { generation: number };
      expect(seen.generation).toBe(ring.generation);
    }
    expect(await world.text("signer", "kid")).toBe(ring.signer.kid);
  });

  test("rotates by the schedule, in three writes a rotation and one to prune", async () => {
    const world = await newWorld();
    const first = await world.settle();
    await world.runFor(hour);
    const second = await world.ring();
    expect(second.signer.kid).toBe(first.standby?.kid);
    expect(second.retiring.map(({ kid }) => kid)).toEqual([first.signer.kid]);
    await world.runFor(30 * minute);
    const third = await world.ring();
    expect(kidsOf(third)).toEqual([second.signer.kid, second.standby?.kid]);
    expect(third.generation - first.generation).toBe(3);
  });

  test("does nothing at all when nothing is due", async () => {
    const world = await newWorld();
    await world.settle();
    const before = await world.ringFiles();
    const reports = await world.run({ until: isIdle });
    expect(reports).toHaveLength(1);
    expect(await world.ringFiles()).toEqual(before);
  });

  test("keeps three ring files, and the current version alone behind ..data after the grace", async () => {
    const world = await newWorld();
    await world.runFor(3 * hour + minute);
    expect(await world.ringFiles()).toHaveLength(3);
    for (const object of ["signer", "public"]) {
      const versions = (await readdir(world.path(object))).filter((name) => /^\.\.\d/.test(name));
      expect(versions, object).toHaveLength(1);
    }
  });

  test("a restart leaves the versions before to their readers, for the grace that a running process gives", async () => {
    const world = await newWorld();
    await world.runFor(hour - second);
    await world.runFor(2 * second);
    const versions = async (): Promise<readonly string[]> =>
      (await readdir(world.path("signer"))).filter((name) => /^\.\.\d/.test(name));
    const swapped = await versions();
    expect(swapped).toHaveLength(2);
    await world.runFor(9 * second);
    expect(await versions()).toEqual(swapped);
    await world.runFor(10 * second);
    expect(await versions()).toEqual(swapped.slice(-1));
  });

  test("says that it has stopped, after everything else", async () => {
    const world = await newWorld();
    await world.settle();
    expect(world.log.lines.at(-1)).toEqual({
      level: "info",
      fields: { dir: world.dir },
      message: "stopped, as asked: the lock is free, and the keys stay",
    });
  });

  test("gives private halves to nobody else, and the public object to everybody", async () => {
    const world = await newWorld();
    await world.settle();
    const modeOf = async (...names: string[]): Promise<string> =>
      ((await stat(world.path(...names))).mode & 0o7777).toString(8);
    const [ringFile = ""] = await world.ringFiles();
    expect(await modeOf("ring")).toBe("700");
    expect(await modeOf("ring", ringFile)).toBe("600");
    expect(await modeOf("signer")).toBe("700");
    expect(await modeOf("signer", "..data")).toBe("700");
    expect(await modeOf("signer", "signing.pem")).toBe("600");
    expect(await modeOf("public")).toBe("755");
    expect(await modeOf("public", "..data")).toBe("755");
    expect(await modeOf("public", "jwks.json")).toBe("644");
    expect(await modeOf("acks")).toBe("700");
    expect(await modeOf("rotation.json")).toBe("600");
    expect(await modeOf("state.json")).toBe("600");
  });

  test("logs each step with key, reason and generation, and never a private half", async () => {
    const world = await newWorld();
    const ring = await world.settle();
    await world.runFor(2 * hour);
    expect(world.log.lines[0]).toEqual({
      level: "info",
      fields: { step: "begin", kid: ring.signer.kid, generation: Math.floor(world.time.wallMs / 1000) - 7200 },
      message: `key ${ring.signer.kid.slice(0, 8)}… (ES256) starts the ring as its signer`,
    });
    const all = JSON.stringify(world.log.lines);
    expect(all).not.toMatch(/"d"|privateJwk|PRIVATE/);
  });
});
