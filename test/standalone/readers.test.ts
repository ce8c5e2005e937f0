import { chmod, chown, mkdir, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { hour, second } from "./fake-time.ts";
import { hookedDisk } from "./hooked-disk.ts";
import { newWorld, type RunOptions, type World } from "./world.ts";
import { needsRoot } from "../support/needs-root.ts";

const group = 4712;

/** Mode and group of all that readers of an object go through. */
async function accessOf(world: World, object: "signer" | "public" | "ring"): Promise<ReadonlyMap<string, string>> {
  const dir = world.path(object);
  const inside = object === "ring" ? dir : join(dir, "..data");
  const paths = [dir, `${inside}/`, ...(await readdir(inside)).map((name) => join(inside, name))];
  const all = await Promise.all(paths.map(async (path) => [path, await stat(path)] as const));
  return new Map(all.map(([path, { mode, gid }]) => [path, `${(mode & 0o7777).toString(8)} ${gid}`]));
}

/** One whose parent lets everybody in. */
async function openWorld(): Promise<World> {
  const world = await newWorld();
  await chmod(dirname(world.dir), 0o755);
  return world;
}

const kindsOf = async (world: World, object: "signer" | "public" | "ring"): Promise<readonly string[]> =>
  [...new Set((await accessOf(world, object)).values())].sort();

/** The loop goes on for so long, with something that happens after a second. */
async function after(world: World, act: () => Promise<void>, groups: RunOptions["groups"] = {}): Promise<void> {
  world.time.in(second, act);
  await world.runFor(3 * second, { pollMs: second, groups });
}

const ownGroup = process.getegid?.() ?? 0;

describe("without a group", () => {
  test("the signer object is its owner's alone, and the public one everybody's, whatever the umask", async () => {
    const before = process.umask(0o077);
    try {
      const world = await newWorld();
      await world.settle();
      expect((await stat(world.dir)).mode & 0o777).toBe(0o755);
      expect(await kindsOf(world, "signer")).toEqual([`600 ${ownGroup}`, `700 ${ownGroup}`]);
      expect(await kindsOf(world, "public")).toEqual([`644 ${ownGroup}`, `755 ${ownGroup}`]);
    } finally {
      process.umask(before);
    }
  });

  test("what somebody opened by hand is closed again within a second, and said", async () => {
    const world = await newWorld();
    await world.settle();
    await after(world, () => chmod(world.path("signer"), 0o755));
    expect((await stat(world.path("signer"))).mode & 0o777).toBe(0o700);
    expect(world.log.texts("warn")).toEqual([
      `"${world.path("signer")}" was open to everybody on this machine (mode 0755), with private keys in it: it has its mode 0700 again; --signer-group names who may read it; whoever may have read it can sign: if that is nobody you trust, keyturn rotate, and then revoke the key`,
    ]);
    await after(world, () => chmod(world.path("ring"), 0o705));
    expect(world.log.texts("warn").at(-1)).toContain("(mode 0705)");
    expect(world.log.texts("warn").at(-1)).toContain("nobody but Keyturn reads it");
  });

  test("what was opened to the group alone, as a mount with fsGroup does, is closed at the start without a warning", async () => {
    const world = await newWorld();
    await world.settle();
    for (const name of ["ring", "signer", "acks"]) await chmod(world.path(name), 0o770);
    await world.settle();
    for (const name of ["ring", "signer", "acks"]) expect((await stat(world.path(name))).mode & 0o777).toBe(0o700);
    expect(world.log.texts("warn")).toEqual([]);
    expect(world.log.texts("info").filter((text) => text.includes("was open to the group"))).toHaveLength(2);
  });

  test.each(["..", "."])("what ..data leads to outside of its own versions stays as it is: %s", async (target) => {
    const world = await newWorld();
    await world.settle();
    const link = join(world.path("signer"), "..data");
    const refused: string[] = [];
    const disk = hookedDisk({
      before: (effect, [path]) => {
        if (effect === "chmod" && dirname(String(path)) !== world.dir) refused.push(String(path));
      },
    });
    await rm(link);
    await symlink(target, link);
    await chmod(world.dir, 0o750);
    await world.runFor(second, { disk });
    expect((await stat(world.dir)).mode & 0o777).toBe(0o750);
    expect((await stat(world.path("public"))).mode & 0o777).toBe(0o755);
    expect(refused).toEqual([]);
  });

  test("what belongs to somebody who is not trusted stays as it is", async (context) => {
    needsRoot(context);
    const world = await newWorld();
    await world.settle();
    const path = join(world.path("signer"), "..data", "theirs");
    await writeFile(path, "");
    await chown(path, 4713, 4713);
    await chmod(path, 0o644);
    await world.runFor(second);
    expect((await stat(path)).mode & 0o777).toBe(0o644);
  });

  test("public/ itself stays as a person has set it", async () => {
    const world = await newWorld();
    await world.settle();
    await chmod(world.path("public"), 0o750);
    await world.runFor(2 * hour);
    expect((await stat(world.path("public"))).mode & 0o777).toBe(0o750);
  });
});

describe("with a group", () => {
  beforeEach(needsRoot);
  const groups = { signer: String(group), public: String(group + 1) };

  test("it has what is written from the first moment on, with each swap", async () => {
    const world = await openWorld();
    const swaps: { object: string; kinds: readonly string[] }[] = [];
    const disk = hookedDisk({
      after: async (effect, [, path]) => {
        if (effect !== "rename" || !String(path).endsWith("/..data")) return;
        const object = String(path).includes("/signer/") ? "signer" : "public";
        swaps.push({ object, kinds: await kindsOf(world, object) });
      },
    });
    await world.runFor(3 * hour, { groups, disk });
    for (const [object, gid] of [
      ["signer", group],
      ["public", group + 1],
    ] as const) {
      const kinds = swaps.filter((swap) => swap.object === object).map((swap) => swap.kinds);
      expect(kinds.length).toBeGreaterThan(3);
      for (const seen of kinds) expect(seen).toEqual([`640 ${gid}`, `750 ${gid}`]);
    }
    expect(await kindsOf(world, "signer")).toEqual([`640 ${group}`, `750 ${group}`]);
    expect(await kindsOf(world, "public")).toEqual([`640 ${group + 1}`, `750 ${group + 1}`]);
    expect(await kindsOf(world, "ring")).toEqual([`600 ${ownGroup}`, `700 ${ownGroup}`]);
    expect(world.log.texts("warn")).toEqual([]);
  });

  test("it gets a directory that was there before, at the start, and loses it without the flag", async () => {
    const world = await openWorld();
    await world.settle();
    await world.settle({ groups });
    expect(await kindsOf(world, "signer")).toEqual([`640 ${group}`, `750 ${group}`]);
    await world.settle();
    expect((await stat(world.path("signer"))).mode & 0o777).toBe(0o700);
  });

  test.each([
    ["the mode of the directory", (world: World) => chmod(world.path("signer"), 0o755), "(mode 0755)"],
    ["the group of the directory", (world: World) => chown(world.path("signer"), 0, 4799), undefined],
    ["the group of public/", (world: World) => chown(world.path("public"), 0, 4799), undefined],
    ["the mode of a file", (world: World) => chmod(world.path("signer", "signing.pem"), 0o666), "(mode 0666)"],
    ["the group of a file", (world: World) => chown(world.path("public", "jwks.json"), 0, 4799), undefined],
  ])("what a person changes by hand is set anew: %s", async (_, change, warning) => {
    const world = await openWorld();
    await world.settle({ groups });
    const before = await Promise.all([accessOf(world, "signer"), accessOf(world, "public")]);
    let meanwhile: unknown;
    const act = async (): Promise<void> => {
      await change(world);
      meanwhile = await Promise.all([accessOf(world, "signer"), accessOf(world, "public")]);
    };
    await after(world, act, groups);
    expect(meanwhile).not.toEqual(before);
    expect(await Promise.all([accessOf(world, "signer"), accessOf(world, "public")])).toEqual(before);
    const warnings = world.log.texts("warn");
    expect(warnings).toHaveLength(warning === undefined ? 0 : 1);
    expect(warnings.join()).toContain(warning ?? "");
  });

  test("a setgid directory above gives nothing its own group", async () => {
    const world = await openWorld();
    await mkdir(world.dir);
    await chown(world.dir, 0, 4799);
    await chmod(world.dir, 0o2755);
    await world.settle({ groups });
    expect(await kindsOf(world, "signer")).toEqual([`640 ${group}`, `750 ${group}`]);
    expect(await kindsOf(world, "public")).toEqual([`640 ${group + 1}`, `750 ${group + 1}`]);
  });

  test("a way there that lets the group not in is said", async () => {
    const world = await openWorld();
    await mkdir(world.dir, { mode: 0o750 });
    await world.settle({ groups: { signer: String(group) } });
    const warning = `the group ${group} can't get to its files: "${world.dir}" must let it in (chmod o+x, or the same group)`;
    expect(world.log.texts("warn")).toEqual([warning]);
    await chown(world.dir, 0, group);
    await world.settle({ groups: { signer: String(group) } });
    expect(world.log.texts("warn")).toEqual([warning]);
  });
});
