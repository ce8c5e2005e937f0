import { chown, readdir, rm, stat, unlink, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { generateKey } from "../../src/crypto/keypair.ts";
import { pkcs8Pem } from "../../src/crypto/pem.ts";
import type { Change } from "../../src/ring/change.ts";
import { decide } from "../../src/ring/decide.ts";
import { directoryHome } from "../../src/standalone/directory-home.ts";
import type { RingHome } from "../../src/keeper/home.ts";
import { withChange } from "../../src/tools/change/suppose.ts";
import { minute, second } from "./fake-time.ts";
import { resource } from "./resource.ts";
import { newWorld, tempDir, type World } from "./world.ts";
import { needsRoot } from "../support/needs-root.ts";

const homeOf = (world: World): Promise<RingHome> => directoryHome(world.dir, { clock: world.time, pollMs: 5 });
const overridesOf = async (world: World): Promise<unknown> => JSON.parse(await world.text("overrides.json"));

describe("directoryHome", () => {
  test("is what the tools call a home", async () => {
    const world = await newWorld();
    await world.settle();
    const home: RingHome = await homeOf(world);
    expect(home.where).toBe(`directory ${world.dir}`);
  });

  test("observes what a pass would read, and writes nothing", async () => {
    const world = await newWorld();
    const ring = await world.settle();
    const before = await world.fingerprint();
    const decision = decide(await (await homeOf(world)).observe());
    expect(decision.kind === "plan" && decision.plan.steps).toEqual([]);
    expect(decision.kind === "plan" && decision.input.stored).toMatchObject({ kind: "ring", ring });
    expect(await world.fingerprint()).toEqual(before);
  });

  test("gives the published JWKS and the signer's, byte for byte", async () => {
    const world = await newWorld();
    await world.settle();
    const home = await homeOf(world);
    expect(await home.publicJwks()).toBe(await world.text("public", "jwks.json"));
    expect(await home.keyRing("signer")).toBe(await world.text("signer", "keyring.json"));
    expect(await home.keyRing("public")).toBe(await world.text("public", "keyring.json"));
  });

  test("says what is missing: the directory, a rotation in it, a ring", async () => {
    const dir = await tempDir();
    const world = await newWorld();
    await expect(directoryHome(`${dir}/none`, { clock: world.time })).rejects.toThrow(`"${dir}/none"`);
    const home = await directoryHome(dir, { clock: world.time });
    await expect(home.observe()).rejects.toThrow(`Cannot use directory "${dir}": must hold a rotation`);
    await expect(home.publicJwks()).rejects.toThrow("nothing is published yet");
  });

  test("takes another config instead of the one that runs", async () => {
    const world = await newWorld();
    await world.settle();
    const config = { resource: resource({ suspend: true }) };
    const home = await directoryHome(world.dir, { clock: world.time, config });
    expect((await home.observe()).policy.suspend).toBe(true);
  });
});

describe("setsAside", () => {
  test("foretells what a recovery sets aside, and where, and writes nothing", async () => {
    const world = await newWorld();
    await world.settle();
    const newest = (await world.ringFiles()).at(-1) ?? "";
    await writeFile(world.path("ring", newest), "damaged");
    const { material } = await generateKey("ES256");
    await unlink(world.path("signer", "signing.pem"));
    await writeFile(world.path("signer", "signing.pem"), pkcs8Pem(material.privateJwk));
    await world.runFor(second);
    const home = await homeOf(world);
    const before = await world.fingerprint();
    const recovery: Change = { kind: "recover", requestedAtMs: world.time.wallMs };
    const told = await home.setsAside?.(decide(withChange(await home.observe(), recovery)), recovery);
    expect(await world.fingerprint()).toEqual(before);
    expect(await readdir(world.dir)).not.toContain("set-aside");

    world.time.pass(second);
    await home.change({ ...recovery, requestedAtMs: world.time.wallMs });
    await world.runFor(minute);
    const generations = await readdir(world.path("set-aside"));
    const places = ["ring", "signer"].map((name) => world.path("set-aside", generations.join(), name));
    expect(told).toEqual([
      { object: "ring", from: "the ring object", to: world.path("set-aside", "<generation>", "ring") },
      { object: "signer", from: "the signer object", to: world.path("set-aside", "<generation>", "signer") },
    ]);
    expect(await Promise.all(places.map((dir) => readdir(dir)))).toEqual([[newest], ["signing.pem"]]);
  });

  test("is empty where everything is taken over, keys that are brought along among it", async () => {
    const world = await newWorld();
    await world.settle();
    const saved = await world.text("public", "jwks.json");
    for (const dir of ["ring", "signer"]) await rm(world.path(dir), { recursive: true });
    await writeFile(world.path("public", "keyring.json"), "damaged");
    await world.runFor(second);
    const home = await homeOf(world);
    const recovery: Change = { kind: "recover", requestedAtMs: world.time.wallMs, jwks: saved };
    expect(await home.setsAside?.(decide(withChange(await home.observe(), recovery)), recovery)).toEqual([]);
  });
});

describe("change", () => {
  test("a rotation is asked for in overrides.json of mode 0600, and happens", async () => {
    const world = await newWorld();
    const first = await world.settle();
    await world.runFor(15 * minute);
    await (await homeOf(world)).change({ kind: "rotate", requestedAt: "2026-11-22T00:15:00.000Z" });
    expect((await stat(world.path("overrides.json"))).mode & 0o7777).toBe(0o600);
    expect((await world.settle()).signer.kid).toBe(first.standby?.kid);
  });

  test("a pin and its end", async () => {
    const world = await newWorld();
    const first = await world.settle();
    const home = await homeOf(world);
    await home.change({ kind: "pin", kid: first.signer.kid });
    await world.runFor(90 * minute);
    expect((await world.ring()).signer.kid).toBe(first.signer.kid);
    await home.change({ kind: "pin", kid: undefined });
    await world.settle();
    expect((await world.ring()).signer.kid).toBe(first.standby?.kid);
  });

  test("a revocation of the pinned key takes the pin away, whoever pinned", async () => {
    const world = await newWorld();
    const first = await world.settle();
    const home = await homeOf(world);
    await home.change({ kind: "pin", kid: first.signer.kid });
    await home.change({ kind: "revoke", kid: first.signer.kid, reason: "stolen" });
    expect(await overridesOf(world)).toEqual({
      activeKid: "",
      revokedKids: [{ kid: first.signer.kid, reason: "stolen" }],
    });
    expect((await world.settle()).signer.kid).toBe(first.standby?.kid);
    const pinned = { resource: resource({ activeKid: "x" }) };
    const other = await directoryHome(world.dir, { clock: world.time, config: pinned });
    await other.change({ kind: "revoke", kid: "x", reason: "" });
    expect(await overridesOf(world)).toMatchObject({ activeKid: "" });
  });

  test("of many revocations at the same time none is lost", async () => {
    const world = await newWorld();
    await world.settle();
    const kids = Array.from({ length: 12 }, (_, n) => `kid-${n}`);
    await Promise.all(kids.map(async (kid) => (await homeOf(world)).change({ kind: "revoke", kid, reason: "" })));
    const { revokedKids } = (await overridesOf(world)) as { revokedKids: { kid: string }[] };
    expect(revokedKids.map(({ kid }) => kid).sort()).toEqual([...kids].sort());
  });

  test("revocations that the ring remembers make room for new ones", async () => {
    const world = await newWorld();
    await world.settle();
    const home = await homeOf(world);
    for (let n = 0; n < 40; n++) {
      await home.change({ kind: "revoke", kid: `kid-${n}`, reason: "" });
      if (n % 20 === 19) await world.settle();
    }
    const ring = await world.settle();
    expect(ring.revoked).toHaveLength(40);
  });

  test("the later cutoff counts, also when the earlier one comes last", async () => {
    const world = await newWorld();
    await world.settle();
    const home = await homeOf(world);
    await home.change({ kind: "revokeCreatedBefore", atMs: Date.UTC(2026, 0, 2) });
    await home.change({ kind: "revokeCreatedBefore", atMs: Date.UTC(2026, 0, 1) });
    expect(await overridesOf(world)).toEqual({ revokeKeysCreatedBefore: "2026-01-02T00:00:00.000Z" });
  });

  test("a second recovery does not bring the keys of the first one along again", async () => {
    const world = await newWorld();
    await world.settle();
    const home = await homeOf(world);
    const jwks = await home.publicJwks();
    await home.change({ kind: "recover", requestedAtMs: Date.UTC(2026, 0, 1), jwks });
    await home.change({ kind: "recover", requestedAtMs: Date.UTC(2026, 0, 2) });
    expect(await overridesOf(world)).toEqual({ recoverRequestedAt: "2026-01-02T00:00:00.000Z" });
  });

  test("refuses what nobody could obey, and leaves the file as it was", async () => {
    const world = await newWorld();
    await world.settle();
    const home = await homeOf(world);
    await expect(home.change({ kind: "rotate", requestedAt: "x".repeat(129) })).rejects.toThrow("128");
    await expect(home.change({ kind: "pin", kid: "x".repeat(257) })).rejects.toThrow("$.activeKid: must be a text");
    await expect(home.change({ kind: "recover", requestedAtMs: 0, jwks: "{}" })).rejects.toThrow("Cannot read JWKS");
    await expect(overridesOf(world)).rejects.toThrow("ENOENT");
  });

  test("root writes it for the owner of the directory", async (context) => {
    needsRoot(context);
    const world = await newWorld();
    await world.settle();
    await chown(world.dir, 4711, 4712);
    await (await homeOf(world)).change({ kind: "rotate", requestedAt: "x" });
    const { uid, gid } = await stat(world.path("overrides.json"));
    expect([uid, gid]).toEqual([4711, 4712]);
  });
});

describe("changes", () => {
  test.each([
    ["what was asked for", (world: World, n: number) => world.writeOverrides({ rotateRequestedAt: `x${n}` })],
    ["a pass has written", (world: World) => world.runFor(60 * minute)],
  ])("tells when something changes that observe reads: %s; and ends with the signal", async (_, change) => {
    const world = await newWorld();
    await world.settle();
    const home = await homeOf(world);
    const controller = new AbortController();
    const changes = home.changes(controller.signal)[Symbol.asyncIterator]();
    const told = new AbortController();
    const next = changes.next().finally(() => told.abort());
    // What changes before it has looked for the first time is no change to it
    for (let n = 0; !told.signal.aborted; n++) await change(world, n);
    expect((await next).done).toBe(false);
    controller.abort();
    let last = await changes.next();
    while (last.done !== true) last = await changes.next();
  });
});
