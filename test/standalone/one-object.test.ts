import { chmod, chown, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { hour, minute, second } from "./fake-time.ts";
import { hookedDisk } from "./hooked-disk.ts";
import { kidsOf, newWorld, type World } from "./world.ts";
import { needsRoot } from "../support/needs-root.ts";

const revoke = (world: World, kid: string): Promise<void> =>
  world.writeOverrides({ revokedKids: [{ kid, reason: "stolen" }] });

const signerKid = (world: World): Promise<string> => world.text("signer", "kid");
const publicKids = async (world: World): Promise<readonly string[]> => {
  const { keys } = JSON.parse(await world.text("public", "jwks.json")) as { keys: { kid: string }[] };
  return keys.map(({ kid }) => kid);
};

/** Refuses whatever would write below the directory. */
const refusing = (world: World, name: string, isRefused: () => boolean = () => true) =>
  hookedDisk({
    before: (effect, args) => {
      const path = String(args[effect === "symlink" || effect === "link" || effect === "rename" ? 1 : 0]);
      if (!path.startsWith(world.path(name)) || effect === "chmod" || !isRefused()) return;
      throw Object.assign(new Error("EACCES: permission denied"), { code: "EACCES", syscall: "open", path });
    },
  });

describe("a revocation, while one of the three objects is in trouble,", () => {
  test("takes the key from the signer object although the public one is somebody else's, which is not touched", async () => {
    const world = await newWorld();
    const before = await world.settle();
    await rm(world.path("public"), { recursive: true });
    await mkdir(world.path("public"));
    await writeFile(world.path("public", "index.html"), "mine");
    await revoke(world, before.signer.kid);
    await world.runFor(minute);
    expect(await signerKid(world)).toBe(before.standby?.kid);
    expect(await readFile(world.path("public", "index.html"), "utf8")).toBe("mine");
    expect(world.log.texts("error")).toEqual([expect.stringContaining("the public object is not Keyturn's")]);
  });

  test("takes the key from the public object although the signer one is somebody else's", async () => {
    const world = await newWorld();
    const before = await world.settle();
    await rm(world.path("signer"), { recursive: true });
    await mkdir(world.path("signer"));
    await writeFile(world.path("signer", "tls.key"), "mine");
    await revoke(world, before.signer.kid);
    await world.runFor(minute);
    expect(await publicKids(world)).not.toContain(before.signer.kid);
    expect(await readFile(world.path("signer", "tls.key"), "utf8")).toBe("mine");
  });

  test.each(["public", "signer"] as const)("reaches the other where %s can't be written", async (name) => {
    const world = await newWorld();
    const before = await world.settle();
    await revoke(world, before.signer.kid);
    let isRefused = true;
    const disk = refusing(world, name, () => isRefused);
    world.time.in(30 * second, async () => {
      expect(kidsOf(await world.ring())).not.toContain(before.signer.kid);
      if (name === "public") expect(await signerKid(world)).toBe(before.standby?.kid);
      else expect(await publicKids(world)).not.toContain(before.signer.kid);
      expect(world.log.texts("error")[0]).toContain("permission is denied");
      isRefused = false;
    });
    await world.runFor(2 * minute, { disk });
    expect(await signerKid(world)).toBe(before.standby?.kid);
    expect(await publicKids(world)).not.toContain(before.signer.kid);
  });

  test("is carried out within seconds, however long the pause after failures has grown", async () => {
    const world = await newWorld();
    const before = await world.settle();
    let isRefused = true;
    world.time.in(2 * hour, () => revoke(world, before.standby?.kid ?? ""));
    world.time.in(2 * hour + 3 * second, async () => {
      expect(kidsOf(await world.ring())).not.toContain(before.standby?.kid);
      isRefused = false;
    });
    await world.runFor(2 * hour + minute, { disk: refusing(world, "public", () => isRefused), pollMs: second });
  });
});

describe("a signer object that is lost", () => {
  test("is made anew while the public one can't be written", async () => {
    const world = await newWorld();
    const before = await world.settle();
    await rm(world.path("signer"), { recursive: true });
    await rm(world.path("public"), { recursive: true });
    await world.runFor(10 * second, { disk: refusing(world, "public") });
    expect(await signerKid(world)).toBe(before.signer.kid);
  });

  test("is made anew while the ring can't be written", async () => {
    const world = await newWorld();
    const before = await world.settle();
    await rm(world.path("signer"), { recursive: true });
    await revoke(world, before.standby?.kid ?? "");
    let isRefused = true;
    world.time.in(10 * second, async () => {
      expect(await signerKid(world)).toBe(before.signer.kid);
      isRefused = false;
    });
    await world.runFor(minute, { disk: refusing(world, "ring", () => isRefused) });
    const key = `key ${(before.standby?.kid ?? "").slice(0, 8)}…`;
    expect(world.log.texts("error")).toEqual([
      expect.stringContaining("permission is denied"),
      `a revocation is not carried out: ${key} is still in the ring object, the signer object, the public object`,
    ]);
    expect(world.log.texts("info")).toContain("every revocation is carried out");
  });
});

describe("a public object that belongs to somebody else", () => {
  test("is left as it is, and holds up no revocation", async (context) => {
    needsRoot(context);
    const world = await newWorld();
    const before = await world.settle();
    await chown(world.path("public"), 4711, 4711);
    await chmod(world.path("public"), 0o700);
    await revoke(world, before.signer.kid);
    await world.runFor(minute);
    expect(await signerKid(world)).toBe(before.standby?.kid);
    expect(await publicKids(world)).toContain(before.signer.kid);
  });
});
