import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { publicObject } from "../../../src/crypto/objects.ts";
import { writeDataDir } from "../../../src/files/data-dir.ts";
import { nodeDisk } from "../../../src/files/disk.ts";
import { tempDir } from "../../files/temp.ts";
import { tokenOf } from "../../jwt/support/world.ts";
import { realRing, type Pair } from "../../support/keys.ts";
import { opened, type Opened, pair, reasonOf, setOf } from "./support/opened.ts";

const [old, next] = [pair(0), pair(1)];
const text = (...pairs: readonly Pair[]): string => JSON.stringify(setOf(...pairs));
/** As the kubelet and standalone do it. */
const swap = (dir: string, files: Readonly<Record<string, string>>): Promise<void> =>
  writeDataDir(nodeDisk(), dir, { files, mode: 0o600, dirMode: 0o700, nowMs: Date.now() });

async function openedWith(directory: string): Promise<Opened> {
  const all = await opened({ directory });
  onTestFinished(() => all.verifier.close());
  return all;
}

describe("a verifier of a directory", () => {
  test("takes what Keyturn publishes, and follows each swap", async () => {
    const dir = await tempDir();
    const { ring, materials } = realRing();
    await swap(dir, publicObject(ring, materials));
    const { verifier, events } = await openedWith(dir);
    expect(await events.next("keys")).toMatchObject({
      kids: [ring.signer.kid, ring.standby?.kid, ...ring.retiring.map(({ kid }) => kid)],
    });
    expect(await reasonOf(verifier, tokenOf({ pair: old }))).toBe("ok");
    await swap(dir, { "jwks.json": text(next) });
    expect(await events.next("keys")).toEqual({ kind: "keys", kids: [next.kid] });
    expect(await reasonOf(verifier, tokenOf({ pair: old }))).toBe("KidUnknown");
    expect(await reasonOf(verifier, tokenOf({ pair: next }))).toBe("ok");
  });

  test("takes a plain file, and looks again at one that was half written", async () => {
    const dir = await tempDir();
    await writeFile(join(dir, "jwks.json"), text(old));
    const { verifier, events, clock } = await openedWith(dir);
    await writeFile(join(dir, "jwks.json"), text(old, next).slice(0, -5));
    await clock.armed(1000);
    await clock.advance(1000);
    expect((await events.next("unavailable")).problem).toBe("Cannot read key set: $: must be JSON");
    expect(await reasonOf(verifier, tokenOf({ pair: old }))).toBe("ok");
    await writeFile(join(dir, "jwks.json"), text(old, next));
    await clock.armed(1000);
    await clock.advance(1000);
    await events.next("keys");
    expect(verifier.kids).toEqual([old.kid, next.kid]);
  });

  test("goes on with its keys when the directory is gone, for good", async () => {
    const dir = await tempDir();
    await swap(dir, { "jwks.json": text(old) });
    const { verifier, events, clock } = await openedWith(dir);
    await rm(dir, { recursive: true });
    await clock.armed(1000);
    await clock.advance(1000);
    expect((await events.next("unavailable")).problem).toContain("must have a jwks.json");
    expect(await reasonOf(verifier, tokenOf({ pair: old }))).toBe("ok");
  });

  test("does not open on a directory without keys", async () => {
    const dir = await tempDir();
    await expect(opened({ directory: dir })).rejects.toMatchObject({ code: "KeysUnavailable" });
    await swap(dir, { "keyring.json": "{}" });
    await expect(opened({ directory: dir })).rejects.toThrow('Cannot open a verifier: must have a "jwks.json"');
  });
});
