import { cp, mkdir, readdir, readFile, readlink, rm, stat, symlink, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { generateKey } from "../../src/crypto/keypair.ts";
import { pkcs8Pem, spkiPem } from "../../src/crypto/pem.ts";
import type { Ring } from "../../src/ring/ring.ts";
import { minute, second } from "./fake-time.ts";
import { isIdle, kidsOf, newWorld, type World } from "./world.ts";

type Object = "signer" | "public";

/** What is left of a directory: names of files of the two projections, and whether ring files are. */
interface Left {
  readonly signer?: readonly string[];
  readonly public?: readonly string[];
  /** Damaged: the newest file can't be read; earlier: and the one before it can. @default gone */
  readonly ring?: "damaged" | "earlier";
}

const dataOf = async (world: World, object: Object): Promise<string> =>
  world.path(object, await readlink(world.path(object, "..data")));

async function leave(world: World, left: Left): Promise<void> {
  for (const object of ["signer", "public"] as const) {
    const dir = await dataOf(world, object);
    for (const name of await readdir(dir)) {
      if (left[object]?.includes(name) !== true) await unlink(join(dir, name));
    }
  }
  const files = await world.ringFiles();
  for (const name of files.slice(0, left.ring === "earlier" ? -2 : -1)) await unlink(world.path("ring", name));
  const newest = world.path("ring", files.at(-1) ?? "");
  await (left.ring === undefined ? unlink(newest) : writeFile(newest, "damaged"));
}

async function recovered(world: World): Promise<Ring> {
  await world.runFor(second);
  world.time.pass(second);
  await world.writeOverrides({ recoverRequestedAt: new Date(world.time.wallMs).toISOString() });
  await world.runFor(minute);
  return world.ring();
}

const everything = ["keyring.json", "jwks.json", "private-jwks.json", "signing.pem", "public.pem", "kid"];
const beside = everything.filter((name) => name !== "keyring.json");
const three = ["signing.pem", "public.pem", "kid"];

/** The one place where that file is kept. */
async function setAsideIn(world: World, object: string, name: string): Promise<string> {
  const generations = await readdir(world.path("set-aside"));
  expect(generations).toHaveLength(1);
  const dir = world.path("set-aside", generations[0] ?? "", object);
  for (const path of [world.path("set-aside"), dir]) expect((await stat(path)).mode & 0o777).toBe(0o700);
  return join(dir, name);
}

describe("what a recovery makes of what is left", () => {
  /** s: the signer before, p: its standby, +: a key that was not there before. */
  test.each<readonly [Left, signs: string, verifies: string]>([
    [{ signer: everything, public: ["keyring.json", "jwks.json"], ring: "damaged" }, "s", "p"],
    [{ signer: everything }, "s", "p"],
    [{ signer: ["keyring.json"] }, "s", "p"],
    [{ signer: beside }, "s", "p"],
    [{ signer: ["private-jwks.json"], ring: "damaged" }, "s", "p"],
    [{ signer: three }, "s", ""],
    [{ signer: three, public: ["jwks.json"], ring: "damaged" }, "s", "p"],
    [{ signer: ["signing.pem"], ring: "damaged" }, "s", ""],
    [{ signer: ["signing.pem", "kid"], public: ["keyring.json"] }, "s", "p"],
    [{ signer: ["private-jwks.json"], public: ["keyring.json"], ring: "damaged" }, "s", "p"],
    [{ signer: ["jwks.json"], ring: "damaged" }, "+", "sp"],
    [{ public: ["jwks.json"] }, "+", "sp"],
    [{ signer: ["public.pem", "kid"], ring: "damaged" }, "+", "s"],
    [{ ring: "earlier" }, "s", "p"],
    [{ signer: ["jwks.json"], ring: "earlier" }, "s", "p"],
    [{ ring: "damaged" }, "+", ""],
  ])("%j: %s signs, %s verify", async (left, signs, verifies) => {
    const world = await newWorld();
    const before = await world.settle();
    await leave(world, left);
    const after = await recovered(world);
    const names: Readonly<Record<string, string>> = { [before.signer.kid]: "s", [before.standby?.kid ?? ""]: "p" };
    const short = (kid: string): string => names[kid] ?? "+";
    expect(short(after.signer.kid)).toBe(signs);
    expect(after.signer.canSign).toBe(true);
    expect(after.retiring.map(({ kid }) => short(kid)).join("")).toBe(verifies);
    expect(short(after.standby?.kid ?? "")).toBe("+");
    expect(after.generation).toBeGreaterThan(before.generation);
    // Not adopted: it goes on by its schedule
    expect(after.signer.adoptedAtMs).toBeUndefined();
    if (left.ring === undefined) return;
    const kept = await setAsideIn(world, "ring", `keyring.${before.generation}.json`);
    expect(await readFile(kept, "utf8")).toBe("damaged");
  });

  test("a copy of the directory that was made through its links is the ring that it was", async () => {
    const world = await newWorld();
    const before = await world.settle();
    for (const object of ["signer", "public"] as const) {
      await cp(world.path(object), world.path(`${object}-copy`), { recursive: true, dereference: true });
      await rm(world.path(object), { recursive: true });
      await cp(world.path(`${object}-copy`), world.path(object), { recursive: true });
      await rm(world.path(`${object}-copy`), { recursive: true });
    }
    await rm(world.path("ring"), { recursive: true });
    const after = await world.settle();
    expect(after.signer).toMatchObject({ kid: before.signer.kid, canSign: true });
    expect(world.log.texts("error")).toEqual([]);
    expect(await readdir(world.dir)).not.toContain("set-aside");
  });

  test("versions whose ..data is gone are no empty directory: nothing is made anew, and a recovery finds the keys", async () => {
    const world = await newWorld();
    const before = await world.settle();
    for (const object of ["signer", "public"] as const) {
      for (const name of await readdir(world.path(object))) {
        if (!/^\.\.\d/.test(name)) await unlink(world.path(object, name));
      }
    }
    await rm(world.path("ring"), { recursive: true });
    await unlink(world.path("state.json"));
    await world.runFor(minute);
    expect(await world.ringFiles()).toEqual([]);
    expect(world.log.texts("error")).toEqual([expect.stringContaining("..data is gone")]);
    const after = await recovered(world);
    expect(after.signer).toMatchObject({ kid: before.signer.kid, canSign: true });
    expect(kidsOf(after)).toContain(before.standby?.kid);
  });
});

describe("key material that is not taken over", () => {
  /** Another key in the three files, behind `..data`, where the document can't be read. */
  async function withStranger(world: World): Promise<string> {
    const { material } = await generateKey("ES256");
    const dir = await dataOf(world, "signer");
    const pem = pkcs8Pem(material.privateJwk);
    await writeFile(join(dir, "signing.pem"), pem);
    await writeFile(join(dir, "keyring.json"), "{}");
    return pem;
  }

  test("is set aside before a projection is written over, byte for byte, closed, and said", async () => {
    const world = await newWorld();
    const before = await world.settle();
    const pem = await withStranger(world);
    const after = await world.settle();
    expect(after.signer.kid).toBe(before.signer.kid);
    const kept = await setAsideIn(world, "signer", "signing.pem");
    expect(await readFile(kept, "utf8")).toBe(pem);
    expect(world.log.texts("warn")).toEqual([
      `the signer object held what the ring does not have: it is kept in ${dirname(kept)}`,
    ]);
    expect(await world.text("signer", "signing.pem")).not.toBe(pem);
    await world.runFor(minute);
    expect(await readFile(kept, "utf8")).toBe(pem);
  });

  test("is kept when it stands in the place of a link", async () => {
    const world = await newWorld();
    await world.settle();
    const { material } = await generateKey("ES256");
    await unlink(world.path("signer", "signing.pem"));
    await writeFile(world.path("signer", "signing.pem"), pkcs8Pem(material.privateJwk));
    await world.settle();
    const kept = await setAsideIn(world, "signer", "signing.pem");
    expect(await readFile(kept, "utf8")).toBe(pkcs8Pem(material.privateJwk));
  });

  /** What the ring itself did not write, beside a document that is whole. */
  test.each(["signing.pem", "private-jwks.json", "old.pem"])(
    "is set aside from %s behind ..data beside a document that is whole, and nothing else with it",
    async (name) => {
      const world = await newWorld();
      await world.settle();
      const { material } = await generateKey("ES256");
      const jwk = { ...material.privateJwk, kid: "stranger", alg: "ES256" };
      const text = name.endsWith(".json") ? JSON.stringify({ keys: [jwk] }) : pkcs8Pem(material.privateJwk);
      await writeFile(join(await dataOf(world, "signer"), name), text);
      await world.settle();
      const kept = await setAsideIn(world, "signer", name);
      expect(await readFile(kept, "utf8")).toBe(text);
      expect(await readdir(dirname(kept))).toEqual([name]);
      await world.settle();
      expect(await readdir(world.path("set-aside"))).toHaveLength(1);
    },
  );

  test("is none in files that an older ring wrote: a rotation and a restored copy leave nothing aside", async () => {
    const world = await newWorld();
    const before = await world.settle();
    await cp(world.path("signer"), world.path("signer-copy"), { recursive: true, verbatimSymlinks: true });
    await world.run({ until: ({ ring }) => ring !== undefined && !kidsOf(ring).includes(before.signer.kid) });
    expect(await readdir(world.dir)).not.toContain("set-aside");
    await rm(world.path("signer"), { recursive: true });
    await cp(world.path("signer-copy"), world.path("signer"), { recursive: true, verbatimSymlinks: true });
    // As another version of Keyturn may have formatted it
    const jwks = join(await dataOf(world, "signer"), "private-jwks.json");
    await writeFile(jwks, JSON.stringify(JSON.parse(await readFile(jwks, "utf8"))));
    await world.settle();
    expect(await world.text("signer", "kid")).toBe((await world.ring()).signer.kid);
    expect(await readdir(world.dir)).not.toContain("set-aside");
  });

  test("stays where nothing is written over it: a file of another name in the directory", async () => {
    const world = await newWorld();
    await world.settle();
    const { material } = await generateKey("ES256");
    await writeFile(world.path("signer", "mine.pem"), pkcs8Pem(material.privateJwk));
    await writeFile(join(await dataOf(world, "signer"), "kid"), "changed");
    await world.settle();
    expect(await world.text("signer", "mine.pem")).toBe(pkcs8Pem(material.privateJwk));
    expect(await readdir(world.dir)).not.toContain("set-aside");
  });

  test("is none where the ring has all keys: nothing is set aside, so that no old private half outlives its key", async () => {
    const world = await newWorld();
    await world.settle();
    await unlink(join(await dataOf(world, "signer"), "keyring.json"));
    await world.settle();
    expect(await world.text("signer", "keyring.json")).toContain("keyturn.dev");
    expect(await readdir(world.dir)).not.toContain("set-aside");
  });
});

describe("keys in a directory as the kubelet mounts them", () => {
  /** As its AtomicWriter writes a Secret. */
  async function mounted(files: Readonly<Record<string, string>>): Promise<World> {
    const world = await newWorld();
    const version = "..2026_11_21_03_00_00.123456789";
    await mkdir(world.path("signer", version), { recursive: true, mode: 0o700 });
    for (const [name, text] of Object.entries(files)) {
      await writeFile(world.path("signer", version, name), text);
      await symlink(`..data/${name}`, world.path("signer", name));
    }
    await symlink(version, world.path("signer", "..data"));
    return world;
  }

  async function single(): Promise<Readonly<Record<string, string>>> {
    const { material } = await generateKey("ES256");
    return { "signing.pem": pkcs8Pem(material.privateJwk), "public.pem": spkiPem(material.publicJwk), kid: "old-key" };
  }

  test("are adopted as the plain form is, without a recovery, and stay readable all the time", async () => {
    const files = await single();
    const world = await mounted(files);
    const ring = await world.settle();
    expect(ring.signer).toMatchObject({ kid: "old-key", canSign: true, adoptedAtMs: world.time.wallMs });
    expect(await world.text("signer", "signing.pem")).toBe(files["signing.pem"]);
    expect(world.log.texts("error")).toEqual([]);
    expect(await readdir(world.dir)).not.toContain("set-aside");
  });

  test("are adopted from private-jwks.json, too", async () => {
    const { material } = await generateKey("ES256");
    const set = { keys: [{ ...material.privateJwk, kid: "old-set", alg: "ES256" }] };
    const world = await mounted({ "private-jwks.json": JSON.stringify(set) });
    expect((await world.settle()).signer).toMatchObject({ kid: "old-set", canSign: true });
  });

  test("are somebody else's when they are of another form, and no recovery touches them", async () => {
    const world = await mounted({ "tls.key": (await single())["signing.pem"] ?? "", "tls.crt": "x" });
    await world.run({ until: isIdle });
    world.time.pass(second);
    await world.writeOverrides({ recoverRequestedAt: new Date(world.time.wallMs).toISOString() });
    await world.runFor(minute);
    for (const text of world.log.texts("error")) expect(text).toContain("the signer object is not Keyturn's");
    expect((await readdir(world.path("signer"))).sort()).toContain("tls.key");
    expect(await world.ringFiles()).toEqual([]);
  });
});
