import {
  chmod,
  chown,
  cp,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  unlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { generateKey } from "../../src/crypto/keypair.ts";
import { hour, minute, second } from "./fake-time.ts";
import { resource } from "./resource.ts";
import { isIdle, kidsOf, newWorld, type World } from "./world.ts";
import { needsRoot } from "../support/needs-root.ts";

const stalls = (world: World): readonly string[] => world.log.texts("error");

/** The newest ring file's path. */
async function newest(world: World): Promise<string> {
  return world.path("ring", (await world.ringFiles()).at(-1) ?? "");
}

const askRecovery = (world: World, members: object = {}): Promise<void> =>
  world.writeOverrides({ recoverRequestedAt: new Date(world.time.wallMs).toISOString(), ...members });

describe("a ring file that can't be read", () => {
  test("stalls, is never written over, and no older one is taken for it", async () => {
    const world = await newWorld();
    const ring = await world.settle();
    const path = await newest(world);
    await writeFile(path, "damaged");
    await world.runFor(3 * hour);
    expect(stalls(world)).toEqual([expect.stringContaining("the ring object can't be read")]);
    expect(await readFile(path, "utf8")).toBe("damaged");
    expect(await world.text("signer", "kid")).toBe(ring.signer.kid);
  });

  test("is rebuilt from its projections when a recovery is asked for: the same signer, the standby verifies", async () => {
    const world = await newWorld();
    const before = await world.settle();
    await writeFile(await newest(world), "damaged");
    await world.runFor(minute);
    await askRecovery(world);
    await world.runFor(minute);
    const after = await world.ring();
    expect(after.signer.kid).toBe(before.signer.kid);
    expect(after.signer.canSign).toBe(true);
    expect(after.retiring.map(({ kid }) => kid)).toEqual([before.standby?.kid]);
    expect(after.generation).toBeGreaterThan(before.generation);
    expect(world.log.texts("warn")).toContain("the ring is rebuilt from what is left of it, as requested");
  });

  test("is rebuilt once for one request, whatever happens later", async () => {
    const world = await newWorld();
    await world.settle();
    await writeFile(await newest(world), "damaged");
    await world.runFor(minute);
    await askRecovery(world);
    await world.runFor(minute);
    const path = await newest(world);
    await writeFile(path, "damaged again");
    await world.runFor(hour);
    expect(await readFile(path, "utf8")).toBe("damaged again");
    world.time.pass(second);
    await askRecovery(world);
    await world.runFor(minute);
    expect((await world.ring()).signer.canSign).toBe(true);
  });

  test("a request that was made while nobody ran, after the damage, is not lost", async () => {
    const world = await newWorld();
    const before = await world.settle();
    await writeFile(await newest(world), "damaged");
    world.time.pass(hour);
    await askRecovery(world);
    world.time.pass(hour);
    await world.runFor(minute);
    expect((await world.ring()).signer.kid).toBe(before.signer.kid);
  });

  test("a request that was made while the ring was sound is used up", async () => {
    const world = await newWorld();
    await world.settle();
    await askRecovery(world);
    await world.runFor(minute);
    const path = await newest(world);
    await writeFile(path, "damaged");
    await world.runFor(hour);
    expect(await readFile(path, "utf8")).toBe("damaged");
  });

  test("an old request does not recover by itself when state.json is gone", async () => {
    const world = await newWorld();
    await world.settle();
    await askRecovery(world);
    await world.runFor(minute);
    const path = await newest(world);
    await writeFile(path, "damaged");
    await unlink(world.path("state.json"));
    await world.runFor(hour);
    expect(await readFile(path, "utf8")).toBe("damaged");
  });

  test("one whose name and content differ counts as damaged", async () => {
    const world = await newWorld();
    const ring = await world.settle();
    await rename(await newest(world), world.path("ring", `keyring.${ring.generation + 5}.json`));
    await world.runFor(minute);
    expect(stalls(world)).toEqual([
      expect.stringContaining(`keyring.${ring.generation + 5}.json holds generation ${ring.generation}`),
    ]);
  });
});

describe("a ring that is lost or older than its projections", () => {
  test("a lost ring directory is rebuilt from the projections, without a request", async () => {
    const world = await newWorld();
    const before = await world.settle();
    await rm(world.path("ring"), { recursive: true });
    world.time.pass(minute);
    const after = await world.settle();
    expect(after.signer.kid).toBe(before.signer.kid);
    expect(after.retiring.map(({ kid }) => kid)).toEqual([before.standby?.kid]);
    expect(after.standby?.kid).not.toBe(before.standby?.kid);
    expect(stalls(world)).toEqual([]);
  });

  test("a restored older ring file is rebuilt from the newer projections", async () => {
    const world = await newWorld();
    const first = await world.settle();
    const backup = await readFile(await newest(world));
    await world.runFor(hour);
    const second = await world.ring();
    await rm(world.path("ring"), { recursive: true });
    await mkdir(world.path("ring"), { mode: 0o700 });
    await writeFile(world.path("ring", `keyring.${first.generation}.json`), backup, { mode: 0o600 });
    const after = await world.settle();
    expect(after.signer.kid).toBe(second.signer.kid);
    expect(kidsOf(after)).toEqual(expect.arrayContaining([...kidsOf(second)]));
    expect(after.generation).toBeGreaterThan(second.generation);
    // It may have signed in the time that the backup does not know
    expect(after.retiring.map(({ kid }) => kid)).toContain(second.standby?.kid);
  });

  test("all three gone while others know more: stalled until a recovery, which orders after them", async () => {
    const world = await newWorld();
    const before = await world.settle();
    await world.ack("gateway-1", { generation: before.generation + 3, verifies: kidsOf(before) });
    for (const name of ["ring", "signer", "public"]) await rm(world.path(name), { recursive: true });
    await world.runFor(minute);
    const claims = `gateway-1 (generation ${before.generation + 3}), state.json (generation ${before.generation})`;
    expect(stalls(world)).toEqual([
      `stalled: ${claims} saw a newer ring, and there is no ring any more; restore it or request a recovery`,
    ]);
    world.time.pass(second);
    await world.touch("gateway-1");
    await askRecovery(world);
    await world.runFor(second);
    expect((await world.ring()).generation).toBeGreaterThan(before.generation + 3);
  });

  test("all three restored from an older copy: stalled, and goes on when the newer ones come back", async () => {
    const world = await newWorld();
    await world.settle();
    const names = ["ring", "signer", "public"];
    for (const name of names)
      await cp(world.path(name), world.path("..", "backup", name), { recursive: true, verbatimSymlinks: true });
    await world.runFor(hour);
    const newer = await world.ring();
    for (const name of names) {
      await rename(world.path(name), world.path("..", `newer-${name}`));
      await cp(world.path("..", "backup", name), world.path(name), { recursive: true, verbatimSymlinks: true });
    }
    await world.runFor(minute);
    expect(stalls(world)).toEqual([expect.stringContaining(`state.json (generation ${newer.generation}) saw a newer`)]);
    for (const name of names) {
      await rm(world.path(name), { recursive: true });
      await rename(world.path("..", `newer-${name}`), world.path(name));
    }
    await world.settle();
    expect(await world.ring()).toEqual(newer);
  });

  test("a ring directory that is lost while it runs is rebuilt at once", async () => {
    const world = await newWorld();
    const before = await world.settle();
    world.time.in(minute, () => rm(world.path("ring"), { recursive: true }));
    await world.runFor(2 * minute);
    expect((await world.ring()).signer.kid).toBe(before.signer.kid);
    expect(stalls(world)).toEqual([]);
  });

  test("a recovery takes along the public keys that a person brings", async () => {
    const world = await newWorld();
    const before = await world.settle();
    const jwks = await world.text("public", "jwks.json");
    for (const name of ["ring", "signer"]) await rm(world.path(name), { recursive: true });
    await writeFile(world.path("public", "..data", "keyring.json"), "damaged");
    await world.runFor(minute);
    expect(stalls(world)).toHaveLength(1);
    await askRecovery(world, { recoverJwks: jwks });
    await world.runFor(minute);
    const after = await world.ring();
    expect(after.retiring.map(({ kid }) => kid)).toEqual(expect.arrayContaining([...kidsOf(before)]));
    expect(after.signer.kid).not.toBe(before.signer.kid);
  });
});

test("a JWKS that can't be used holds a recovery up, and says so", async () => {
  const world = await newWorld();
  await world.settle();
  const path = await newest(world);
  await writeFile(path, "damaged");
  world.time.pass(second);
  await askRecovery(world, { recoverJwks: "{}" });
  await world.runFor(minute);
  expect(await readFile(path, "utf8")).toBe("damaged");
  expect(world.log.texts("warn")).toEqual(["the recovery waits: Cannot read JWKS: $.keys: is missing"]);
});

test("a key that was adopted and revoked does not come back with a recovery, whatever it is called", async () => {
  const { material } = await generateKey("ES256");
  const world = await newWorld();
  await mkdir(world.path("signer"), { recursive: true, mode: 0o700 });
  const adopted = { keys: [{ ...material.privateJwk, kid: "theirs", alg: "ES256" }] };
  await writeFile(world.path("signer", "private-jwks.json"), JSON.stringify(adopted));
  await world.settle();
  await world.writeOverrides({ revokedKids: [{ kid: "theirs", reason: "stolen" }] });
  await world.settle();
  await writeFile(await newest(world), "damaged");
  await world.runFor(minute);
  await askRecovery(world, { recoverJwks: JSON.stringify({ keys: [{ ...material.publicJwk, kid: "mine" }] }) });
  await world.runFor(minute);
  const after = await world.ring();
  expect(after.revoked.map(({ kid }) => kid)).toEqual(["theirs", "mine"]);
  expect(kidsOf(after)).not.toContain("mine");
});

describe("a damaged projection", () => {
  const damages: Record<string, (world: World) => Promise<void>> = {
    "a file cut short": (world) => writeFile(world.path("public", "..data", "jwks.json"), "{"),
    "a ring cut short": (world) => writeFile(world.path("signer", "..data", "keyring.json"), "{"),
    "a file gone": (world) => unlink(world.path("signer", "..data", "signing.pem")),
    "a file too many": (world) => writeFile(world.path("public", "..data", "more"), ""),
    "..data gone": (world) => unlink(world.path("signer", "..data")),
    "the version gone": async (world) => {
      for (const name of await readdir(world.path("public"))) {
        if (name.startsWith("..2")) await rm(world.path("public", name), { recursive: true });
      }
    },
    "a visible link gone": (world) => unlink(world.path("public", "jwks.json")),
    "the whole directory gone": (world) => rm(world.path("signer"), { recursive: true }),
  };
  for (const [name, damage] of Object.entries(damages)) {
    test(`is simply written again: ${name}`, async () => {
      const world = await newWorld();
      const before = await world.settle();
      const files = [await world.text("signer", "signing.pem"), await world.text("public", "jwks.json")];
      await damage(world);
      const after = await world.settle();
      expect(after).toEqual(before);
      expect([await world.text("signer", "signing.pem"), await world.text("public", "jwks.json")]).toEqual(files);
      expect(stalls(world)).toEqual([]);
    });
  }
});

describe("what is somebody else's", () => {
  test("another rotation's ring is not touched", async () => {
    const world = await newWorld();
    const before = await world.settle();
    await world.run({ config: { resource: resource({}, { name: "other" }) }, until: isIdle });
    expect(world.log.texts("error")).toEqual([
      expect.stringContaining('metadata.name: must stay "default/demo", whose keys are in the directory'),
    ]);
    expect(await world.ring()).toEqual(before);
  });

  test("plain files that are no keys to adopt are not touched", async () => {
    const world = await newWorld();
    await mkdir(world.path("signer"), { recursive: true });
    await writeFile(world.path("signer", "tls.key"), "mine");
    await world.run({ until: isIdle });
    expect(stalls(world)).toEqual([expect.stringContaining("the signer object is not Keyturn's")]);
    expect(await readdir(world.path("signer"))).toEqual(["tls.key"]);
    expect(await world.ringFiles()).toEqual([]);
  });

  test("plain files in the place of the public object are not touched", async () => {
    const world = await newWorld();
    await mkdir(world.path("public"), { recursive: true });
    await writeFile(world.path("public", "index.html"), "mine");
    await world.run({ until: isIdle });
    expect(stalls(world)).toEqual([expect.stringContaining("the public object is not Keyturn's")]);
  });

  test.each(["ring", "acks", "lock"])("a link in place of the directory %s is refused at the start", async (name) => {
    const world = await newWorld();
    await mkdir(world.path("elsewhere"), { recursive: true });
    await symlink("elsewhere", world.path(name));
    await expect(world.settle()).rejects.toThrow("must be a directory, is a symbolic link");
    expect(await readdir(world.path("elsewhere"))).toEqual([]);
  });

  test.each(["overrides.json", "state.json", "rotation.json"])("a link in place of %s is refused", async (name) => {
    const world = await newWorld();
    await mkdir(world.dir, { recursive: true });
    await writeFile(world.path("target"), "{}");
    await symlink("target", world.path(name));
    await world
      .runFor(minute)
      .then(() => expect(stalls(world)).toEqual([expect.stringContaining("is a symbolic link")]))
      .catch((error: unknown) => expect(String(error)).toContain("is a symbolic link"));
    expect(await readFile(world.path("target"), "utf8")).toBe("{}");
  });

  test("a link in place of the newest ring file stalls", async () => {
    const world = await newWorld();
    await world.settle();
    const path = await newest(world);
    await rename(path, join(world.dir, "moved.json"));
    await symlink("../moved.json", path);
    await world.run({ until: isIdle });
    expect(stalls(world)).toEqual([expect.stringContaining("must be a regular file, is a symbolic link")]);
  });

  test("a file of a foreign owner in the signer object stalls", async (context) => {
    needsRoot(context);
    const world = await newWorld();
    await world.settle();
    await chown(world.path("signer", "..data", "kid"), 4711, 4711);
    await world.run({ until: isIdle });
    expect(stalls(world)).toEqual([expect.stringContaining("belongs to uid 4711")]);
  });

  test("permissions that a mount has opened are closed again", async () => {
    const world = await newWorld();
    await world.settle();
    for (const name of ["ring", "signer"]) await chmod(world.path(name), 0o2770);
    await world.settle();
    for (const name of ["ring", "signer"]) {
      expect((await stat(world.path(name))).mode & 0o777, name).toBe(0o700);
    }
  });
});
