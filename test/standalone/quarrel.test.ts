import { rmSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { viewOf } from "../../src/ring/view.ts";
import { directoryHome } from "../../src/standalone/directory-home.ts";
import { minute, second } from "./fake-time.ts";
import { newWorld } from "./world.ts";

describe("somebody who removes the public object after each write", () => {
  test("is in the log, heats no machine, holds up no revocation, and is forgiven", async () => {
    const world = await newWorld();
    const before = await world.settle();
    const start = world.time.steadyMs;
    const revokedAfter: number[] = [];
    const { kid } = before.signer;
    // Amidst a rest of ten seconds
    world.time.in(33 * second, () => world.writeOverrides({ revokedKids: [{ kid }] }));
    const reports = await world.runFor(2 * minute, {
      until: ({ steps }) => {
        rmSync(world.path("public"), { recursive: true, force: true });
        if (steps.some(({ type }) => type === "revoke")) revokedAfter.push(world.time.steadyMs - start);
        return false;
      },
    });
    // A hundred at once, and then one every ten seconds until a minute is calm; twice
    expect(reports.length).toBeLessThan(250);
    expect(reports.length).toBeGreaterThan(100);
    expect(revokedAfter).toEqual([33 * second]);
    expect(world.log.texts("error").filter((text) => text.startsWith("more than 100 writes in a minute"))).not.toEqual(
      [],
    );
    await world.runFor(2 * minute);
    expect(await world.text("public", "..data", "keyring.json")).toContain((await world.ring()).signer.kid);
  });

  test("is said once, and once that it is over", async () => {
    const world = await newWorld();
    await world.settle();
    let left = 150;
    await world.runFor(30 * minute, {
      until: () => {
        if (left-- > 0) rmSync(world.path("public"), { recursive: true, force: true });
        return false;
      },
    });
    const told = [...world.log.texts("error"), ...world.log.texts("info")].filter((text) => /writes/.test(text));
    expect(told).toEqual([
      expect.stringContaining("another writer changes what Keyturn keeps; a pass comes every ten seconds"),
      "nobody undoes any more what Keyturn writes",
    ]);
  });

  test("is known to who only looks at the directory, as long as it lasts, and no longer after a restart", async () => {
    const world = await newWorld();
    await world.settle();
    const home = await directoryHome(world.dir, { clock: world.time });
    const stalled = async (): Promise<string | undefined> =>
      viewOf(await home.observe()).conditions.find(({ type }) => type === "Stalled")?.reason;
    const seen: (string | undefined)[] = [await stalled()];
    await world.runFor(5 * second, {
      until: () => {
        rmSync(world.path("public"), { recursive: true, force: true });
        return false;
      },
    });
    seen.push(await stalled());
    await world.runFor(second);
    seen.push(await stalled());
    expect(seen).toEqual([undefined, "Quarrel", undefined]);
  });
});
