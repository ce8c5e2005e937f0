import { readdir } from "node:fs/promises";
import { expect } from "vitest";
import { readDataDir } from "../../../src/files/read-data-dir.ts";
import { nodeDisk } from "../../../src/files/disk.ts";
import { openKeyRing } from "../../../src/crypto/open.ts";
import { keysOf, type Ring } from "../../../src/ring/ring.ts";
import type { World } from "../world.ts";

/** What each reader has at this moment, whatever crashed: a whole and sound set, or nothing yet. */
export async function readersSee(world: World): Promise<{ readonly public?: Ring; readonly signer?: Ring }> {
  const seen: { public?: Ring; signer?: Ring } = {};
  for (const object of ["public", "signer"] as const) {
    const found = await readDataDir(nodeDisk(), world.path(object));
    expect(["missing", "data"], object).toContain(found.kind);
    if (found.kind !== "data") continue;
    const { ring } = await openKeyRing(found.files["keyring.json"] ?? "", object);
    seen[object] = ring;
    const jwks = JSON.parse(found.files["jwks.json"] ?? "") as { keys: { kid: string }[] };
    expect(jwks.keys.map(({ kid }) => kid)).toEqual(keysOf(ring).map(({ kid }) => kid));
    if (object === "signer") expect(found.files["kid"]).toBe(ring.signer.kid);
  }
  // Public first: nobody signs with what nobody can verify
  if (seen.signer) expect(keysOf(seen.public ?? seen.signer).map(({ kid }) => kid)).toContain(seen.signer.signer.kid);
  return seen;
}

/** The directory after a clean end: one ring, two projections of it, and nothing that a crash has left. */
export async function expectSound(world: World): Promise<Ring> {
  const ring = await world.ring();
  const seen = await readersSee(world);
  expect(seen.public?.generation).toBe(ring.generation);
  expect(seen.signer?.generation).toBe(ring.generation);
  expect(seen.signer?.signer.kid).toBe(ring.signer.kid);
  expect((await readdir(world.dir)).sort()).toEqual([
    "acks",
    "lock",
    "public",
    "ring",
    "rotation.json",
    "signer",
    "state.json",
  ]);
  expect(await readdir(world.path("lock"))).toEqual([]);
  const ringFiles = await world.ringFiles();
  expect(ringFiles.length).toBeLessThanOrEqual(3);
  for (const name of ringFiles) expect(name).toMatch(/^keyring\.\d+\.json$/);
  const names = ["jwks.json", "keyring.json"];
  expect((await readdir(world.path("public"))).filter(isKept)).toEqual(["..data", ...names]);
  expect((await readdir(world.path("signer"))).filter(isKept)).toEqual(
    ["..data", ...names, "kid", "private-jwks.json", "public.pem", "signing.pem"].sort(),
  );
  return ring;
}

/** Versions behind and before `..data` may be there; nothing unfinished may. */
const isKept = (name: string): boolean => !/^\.\.\d{4}_/.test(name);
