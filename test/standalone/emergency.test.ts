import { execFile } from "node:child_process";
import { mkdir, readFile, rm, stat, symlink, truncate, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { viewOf } from "../../src/ring/view.ts";
import type { RingHome } from "../../src/keeper/home.ts";
import { directoryHome } from "../../src/standalone/directory-home.ts";
import type { Ring } from "../../src/ring/ring.ts";
import { hour, minute, second } from "./fake-time.ts";
import { resource } from "./resource.ts";
import { isIdle, kidsOf, newWorld, type World } from "./world.ts";

interface Place {
  readonly world: World;
  readonly path: string;
  readonly config: { readonly path: string };
  readonly first: Ring;
}

/** A rotation by a config file, that has run. */
async function newPlace(): Promise<Place> {
  const world = await newWorld();
  const path = join(world.dir, "..", "config.json");
  await write(path, resource());
  const config = { path };
  return { world, path, config, first: await world.settle({ config }) };
}

const write = (path: string, value: unknown): Promise<void> => writeFile(path, JSON.stringify(value));
const homeOf = (world: World): Promise<RingHome> => directoryHome(world.dir, { clock: world.time });
const typo = { rotation: { interval: "soon" } };

/** What befalls a config file, and a word of what is said of it. */
const mishaps: readonly (readonly [string, string, (path: string) => Promise<void>])[] = [
  ["a typo in a field", "spec.rotation.interval: must be whole seconds", (path) => write(path, resource(typo))],
  ["a text that is no YAML", "must be YAML or JSON", (path) => writeFile(path, "{]")],
  ["another kind alone in it", "must hold one JwtKeyRotation, has none", (path) => write(path, { kind: "List" })],
  ["another rotation's name", "metadata.name: must stay", (path) => write(path, resource({}, { name: "other" }))],
  ["nothing where it was", "is not there", (path) => unlink(path)],
  ["a pipe into which nobody writes", "must be a file, since it is read again and again", pipeAt],
  ["a file without end", "must measure at most 4194304 bytes", (path) => truncate(path, 2 ** 33)],
];

async function pipeAt(path: string): Promise<void> {
  await unlink(path);
  await promisify(execFile)("mkfifo", [path]);
}

/** What `keyturn status` and `--wait` have to go by. */
async function conditionsAt(world: World): Promise<readonly string[]> {
  const view = viewOf(await (await homeOf(world)).observe());
  return view.conditions.map(({ type, status, reason, message }) => `${type} ${status} ${reason}: ${message}`);
}

describe("a config file that turns bad while the loop runs", () => {
  test.each(mishaps)("%s silences no revocation, and is told with its reason", async (_, words, befall) => {
    const { world, path, config, first } = await newPlace();
    world.time.in(second, () => befall(path));
    world.time.in(2 * second, async () => {
      await (await homeOf(world)).change({ kind: "revoke", kid: first.signer.kid, reason: "stolen" });
    });
    const reports = await world.runFor(minute, { config });
    const ring = await world.ring();
    expect(ring.signer.kid).toBe(first.standby?.kid);
    expect(ring.revoked).toMatchObject([{ kid: first.signer.kid, reason: "stolen" }]);
    expect(reports.at(-1)?.seen.observation.refused).toMatchObject({ holds: false });
    expect(reports.at(-1)?.seen.observation.refused?.message).toContain(words);
    const [ready, stalled] = await conditionsAt(world);
    expect([ready?.slice(0, 11), stalled?.slice(0, 12)]).toEqual(["Ready False", "Stalled True"]);
    expect(ready).toContain(words);
  });

  test("goes on by the settings before it, and obeys the revocations that stand in it", async () => {
    const { world, path, config, first } = await newPlace();
    const { kid } = first.signer;
    world.time.in(minute, () =>
      write(path, resource({ ...typo, algorithm: "EdDSA", activeKid: "x", revokedKids: ["bad", { kid }] })),
    );
    const reports = await world.runFor(2 * hour, { config, pollMs: 10 * minute });
    const steps = reports.flatMap((report) => report.steps).filter(({ type }) => type === "activate");
    expect(steps).toMatchObject([{ why: "signerRevoked", kid: first.standby?.kid }, { why: "schedule" }]);
    const ring = await world.ring();
    expect(ring.revoked).toMatchObject([{ kid }]);
    expect(ring.signer.profile.algorithm).toBe("ES256");
  });

  test("takes its word back when it is good again", async () => {
    const { world, path, config } = await newPlace();
    world.time.in(second, () => write(path, resource(typo)));
    world.time.in(minute, () => write(path, resource()));
    await world.runFor(2 * minute, { config });
    await expect(readFile(world.path("refused.json"), "utf8")).rejects.toThrow("ENOENT");
    expect((await conditionsAt(world))[0]).toContain("Ready True");
    expect(world.log.texts("info")).toContain("all settings are in force again");
  });
});

describe("a start with a bad config file", () => {
  test.each(mishaps)("%s, carries out what the tools ask for, and tells its reason", async (_, words, befall) => {
    const { world, path, config, first } = await newPlace();
    await (await homeOf(world)).change({ kind: "revoke", kid: first.signer.kid, reason: "stolen" });
    await befall(path);
    const ring = await world.settle({ config });
    expect(ring.signer.kid).toBe(first.standby?.kid);
    expect(kidsOf(ring)).not.toContain(first.signer.kid);
    const [ready] = await conditionsAt(world);
    expect(ready).toContain(words);
    expect(ready).toContain("only revocation runs");
    expect(world.log.texts("error").join()).toContain(words);
  });

  test("obeys the revocations that stand in it, by the settings that the ring has stored", async () => {
    const { world, path, config, first } = await newPlace();
    await world.runFor(minute, { config });
    const instant = new Date(world.time.nowMs()).toISOString();
    await write(
      path,
      resource({ ...typo, algorithm: "EdDSA", revokeKeysCreatedBefore: instant, revokedKids: ["bad"] }),
    );
    const ring = await world.settle({ config });
    expect(kidsOf(ring)).not.toContain(first.signer.kid);
    expect(kidsOf(ring)).not.toContain(first.standby?.kid);
    expect(ring.signer.profile).toEqual(first.signer.profile);
    expect(ring.settings).toEqual(first.settings);
  });

  test("holds all else, and goes on as soon as there is a good one", async () => {
    const { world, path, config, first } = await newPlace();
    await write(path, resource(typo));
    await world.runFor(3 * hour, { config, pollMs: 10 * minute });
    expect((await world.ring()).signer.kid).toBe(first.signer.kid);
    world.time.in(minute, () => write(path, resource()));
    await world.runFor(2 * minute, { config });
    expect((await world.ring()).signer.kid).toBe(first.standby?.kid);
  });

  test("does not obey what stands in another rotation's", async () => {
    const { world, path, config, first } = await newPlace();
    await write(path, resource({ ...typo, revokedKids: [{ kid: first.signer.kid }] }, { name: "other" }));
    expect((await world.settle({ config })).signer.kid).toBe(first.signer.kid);
  });
});

describe("a config that is no path, but what belongs into the file", () => {
  test("is not repeated, however long it is", async () => {
    const world = await newWorld();
    const path = "c2VjcmV0".repeat(64);
    const error: unknown = await world.settle({ config: { path } }).catch((cause: unknown) => cause);
    expect(String(error)).toContain("Cannot open a text of 512 characters: the path is too long");
    expect(String(error)).not.toContain("c2VjcmV0");
  });
});

describe("overrides.json that is damaged", () => {
  test("does not stop the config from taking effect, nor make what it said before forgotten", async () => {
    const { world, path, config, first } = await newPlace();
    await world.writeOverrides({ activeKid: first.signer.kid });
    // The next rotation is due by then, and the pin alone holds it
    world.time.in(2 * hour + 50 * minute, () => writeFile(world.path("overrides.json"), "{"));
    world.time.in(2 * hour + 55 * minute, () => write(path, resource({ rotationWindow: "7h" })));
    await world.runFor(3 * hour, { config, pollMs: 10 * minute });
    const ring = await world.ring();
    expect(ring.signer.kid).toBe(first.signer.kid);
    expect(ring.settings.rotationWindowMs).toBe(7 * hour);
    expect((await conditionsAt(world))[0]).toContain(
      "OverridesUnreadable: Cannot read overrides.json: $: must be JSON",
    );
  });

  test("is obeyed where it can be read, at a start, too", async () => {
    const { world, config, first } = await newPlace();
    const revokedKids = [5, { kid: first.signer.kid, reason: 5, why: "" }, {}];
    await world.writeOverrides({ activeKids: "typo", rotateRequestedAt: 5, revokedKids });
    const ring = await world.settle({ config });
    expect(ring.signer.kid).toBe(first.standby?.kid);
    expect(ring.revoked).toMatchObject([{ kid: first.signer.kid }]);
  });

  test("is set aside for a revocation, and for nothing else", async () => {
    const { world, config, first } = await newPlace();
    const damaged = JSON.stringify({ activeKids: "typo", revokedKids: [{ kid: "known" }] });
    await writeFile(world.path("overrides.json"), damaged, { mode: 0o600 });
    const home = await homeOf(world);
    const words = "Cannot read overrides.json: $.activeKids: is not known";
    await expect(home.change({ kind: "rotate", requestedAt: "x" })).rejects.toThrow(words);
    const revocation = { kind: "revoke", kid: first.signer.kid, reason: "stolen" } as const;
    expect((await home.precheck?.(revocation))?.notes.join()).toContain(words);
    await home.change(revocation);
    expect(await world.text("overrides.json.damaged")).toBe(damaged);
    const ring = await world.settle({ config });
    expect(ring.revoked.map(({ kid }) => kid).sort()).toEqual(["known", first.signer.kid].sort());
  });

  test("even a directory, is set aside beside what was set aside before", async () => {
    const { world, first } = await newPlace();
    await writeFile(world.path("overrides.json.damaged"), "before");
    await mkdir(world.path("overrides.json"));
    const home = await homeOf(world);
    const revocation = { kind: "revoke", kid: first.signer.kid, reason: "stolen" } as const;
    expect((await home.precheck?.(revocation))?.notes.join()).toContain("set aside as overrides.json.damaged.2, and");
    await home.change(revocation);
    expect(await world.text("overrides.json.damaged")).toBe("before");
    expect((await stat(world.path("overrides.json.damaged.2"))).isDirectory()).toBe(true);
    expect(await world.text("overrides.json")).toContain(first.signer.kid);
  });
});

describe("a home whose rotation.json is damaged", () => {
  test("is looked at by what the ring has stored, and takes a revocation", async () => {
    const { world, config, first } = await newPlace();
    await writeFile(world.path("rotation.json"), "{");
    expect((await conditionsAt(world))[0]).toContain("Ready False ConfigUnreadable");
    await (await homeOf(world)).change({ kind: "revoke", kid: first.signer.kid, reason: "stolen" });
    await world.run({ config, until: isIdle });
    expect((await world.ring()).signer.kid).toBe(first.standby?.kid);
  });
});

describe("what can't be put where the tools look", () => {
  test.each(["rotation.json", "refused.json"])(
    "%s of somebody else is told, and holds up no revocation",
    async (name) => {
      const { world, path, config, first } = await newPlace();
      await rm(world.path(name), { force: true });
      await symlink(path, world.path(name));
      await write(
        path,
        resource({ revokedKids: [{ kid: first.signer.kid }], suspend: name === "refused.json" ? "no" : false }),
      );
      await world.run({ config, until: ({ steps }) => steps.some(({ type }) => type === "revoke") });
      expect((await world.ring()).signer.kid).toBe(first.standby?.kid);
    },
  );
});
