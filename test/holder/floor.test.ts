import { readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeDisk } from "../../src/files/disk.ts";
import { FloorFile } from "../../src/holder/floor.ts";
import type { Floor } from "../../src/holder/state.ts";
import { secretsOf } from "../support/keys.ts";
import { tempDir } from "../files/temp.ts";
import { keyRing, kid, opened } from "../gateway/support/rings.ts";

const disk = nodeDisk();
const floor: Floor = {
  ring: opened({ generation: 5, retiring: [2], revoked: [3] }),
  refused: new Set([kid(3), "another"]),
  confirmed: { kid: kid(0), askedAtMs: Date.UTC(2026, 10, 21, 3, 0, 0, 7) },
};

describe("FloorFile", () => {
  test("gives back what was kept, without the half", async () => {
    const dir = join(await tempDir(), "floor");
    const file = new FloorFile(disk, dir);
    expect(await file.read()).toBeUndefined();
    await file.write(floor);
    const read = await file.read();
    if (read === undefined || read === "lost") throw new Error("there is no floor");
    expect(read.ring.ring.generation).toBe(5);
    expect(read.ring.half).toBeUndefined();
    expect([...read.ring.publicJwks.keys()]).toEqual([kid(0), kid(1), kid(2)]);
    expect(read.refused).toEqual(floor.refused);
    expect(read.confirmed).toEqual(floor.confirmed);
  });

  test("never holds a private half", async () => {
    const dir = await tempDir();
    await new FloorFile(disk, dir).write(floor);
    const text = await readFile(join(dir, "floor.json"), "utf8");
    for (const secret of secretsOf(keyRing({ generation: 5 }).materials.values())) expect(text).not.toContain(secret);
  });

  test.each([
    ["half written", '{"format":"keyturn.dev/floor/v1","keyr'],
    ["of another form", '{"format":"keyturn.dev/floor/v2"}'],
    ["without a ring", '{"format":"keyturn.dev/floor/v1","keyring":"{}","refused":[]}'],
  ])("calls one that is %s lost", async (_, text) => {
    const dir = await tempDir();
    await writeFile(join(dir, "floor.json"), text);
    expect(await new FloorFile(disk, dir).read()).toBe("lost");
  });

  test("calls a link in its place lost", async () => {
    const dir = await tempDir();
    await symlink("/etc/hostname", join(dir, "floor.json"));
    expect(await new FloorFile(disk, dir).read()).toBe("lost");
  });
});
