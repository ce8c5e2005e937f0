import { mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Disk, nodeDisk } from "../../../src/files/disk.ts";
import { decodePair, encodePair } from "../../../src/identity/store/pair-document.ts";
import { pairFile } from "../../../src/identity/store/pair-file.ts";
import type { PairStore } from "../../../src/identity/store/pair-store.ts";
import { tempDir } from "../../files/temp.ts";
import { hookedDisk } from "../../standalone/hooked-disk.ts";
import { heldPair, secretText, startMs } from "../support/pairs.ts";

const purpose = "https://issuer.example api";
const at = (path: string, disk?: Disk): PairStore =>
  pairFile({ path, purpose, lockWithinMs: 0, ...(disk && { disk }) });
const newPath = async (): Promise<string> => join(await tempDir(), "identities", "web.json");

describe("encodePair, decodePair", () => {
  it.each([
    ["whole", heldPair(3, { refusals: 2, handedOver: "hash" })],
    ["without a refresh token, nor an end", { ...heldPair(1), life: { receivedAtMs: startMs }, serial: 7 }],
    ["with a refresh token of no known end", heldPair(1, { refresh: { token: "r" } })],
  ])("gives back a pair that is %s", (_, pair) => {
    expect(decodePair(encodePair(pair, purpose), { path: "/x", purpose })).toEqual(pair);
  });

  it("gives nothing of another purpose", () => {
    expect(decodePair(encodePair(heldPair(1), purpose), { path: "/x", purpose: "another" })).toBeUndefined();
  });

  it("refuses every torn text, and quotes none of it", () => {
    const text = encodePair(heldPair(1), purpose).trimEnd();
    for (let length = 0; length < text.length; length++) {
      const read = (): unknown => decodePair(text.slice(0, length), { path: "/x", purpose });
      expect(read).toThrow(/^Cannot read the state of an identity in "\/x": \$: must be JSON$/);
    }
  });

  it.each([
    ["[]", "$: must be an object, is a list"],
    ["{}", "$.version: is missing"],
    [
      encodePair(heldPair(1), purpose).replace('"version": 1', '"version": 2'),
      "$.version: must be 1: a newer program wrote it",
    ],
    [
      encodePair(heldPair(1), purpose).replace('"serial": 1', '"serial": 0'),
      "$.serial: must be a whole number from 1 to 9007199254740991, is 0",
    ],
    [encodePair(heldPair(1), purpose).replace('"refusals"', '"token"'), "$.token: is not known"],
    [
      encodePair(heldPair(1), purpose).replace(/"receivedAt": "[^"]+"/, '"receivedAt": "soon"'),
      "$.receivedAt: must be an instant",
    ],
    [
      JSON.stringify({ ...JSON.parse(encodePair(heldPair(1), purpose)), accessToken: `a\n${secretText("b")}` }),
      "$.accessToken: must be a text",
    ],
  ])("refuses what is foreign: %#", (text, message) => {
    const read = (): unknown => decodePair(text, { path: "/x", purpose });
    expect(read).toThrow(message);
    expect(read).not.toThrow("xxxx");
    expect(read).toThrow(expect.objectContaining({ code: "StateUnreadable" }));
  });
});

describe("a pair in a file", () => {
  it("is there for its owner alone, and leaves no other file", async () => {
    const path = await newPath();
    const store = at(path);
    expect(await store.read()).toBeUndefined();
    expect(await store.lock()).toBeUndefined();
    await store.write(heldPair(1));
    expect(await store.read()).toEqual(heldPair(1));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(path, ".."))).mode & 0o777).toBe(0o700);
    await store.unlock();
    expect(await readdir(join(path, ".."))).toEqual(["web.json", "web.json.lock"]);
  });

  it("is the one before or the one after, at whatever effect the power goes", async () => {
    const found: (number | undefined)[] = [];
    for (let dies = 1, isThrough = false; !isThrough; dies++) {
      const path = await newPath();
      const before = at(path);
      await before.write(heldPair(1));
      await before.unlock();
      let effects = 0;
      const power = (): void => {
        if (++effects === dies) throw Object.assign(new Error("no power"), { code: "EIO", syscall: "write" });
      };
      const store = at(path, hookedDisk({ before: power, after: power }));
      isThrough = await store.write(heldPair(2)).then(
        () => true,
        () => false,
      );
      found.push((await at(path).read())?.serial);
      await store.unlock();
    }
    expect(found.length).toBeGreaterThan(6);
    expect([found[0], ...found.slice(-3)]).toEqual([1, 2, 2, 2]);
    expect(found).toEqual(found.toSorted());
  });

  it.each([
    ["ENOSPC", "StorageUnavailable", "there is no space left on the disk"],
    ["EROFS", "StorageRefused", "the file system is read-only"],
  ])("stays when the disk says %s, and the error says so", async (errno, code, message) => {
    const path = await newPath();
    const before = at(path);
    await before.write(heldPair(1));
    await before.unlock();
    const writeNew = (): Promise<void> => Promise.reject(Object.assign(new Error(), { code: errno, syscall: "open" }));
    const store = at(path, { ...nodeDisk(), writeNew });
    await expect(store.write(heldPair(2))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
    expect(await store.read()).toEqual(heldPair(1));
    await store.unlock();
  });

  it("is refused where a link or a directory stands in its place", async () => {
    const path = await newPath();
    await mkdir(join(path, ".."), { mode: 0o700 });
    await writeFile(`${path}.other`, encodePair(heldPair(1), purpose));
    await symlink(`${path}.other`, path);
    await expect(at(path).read()).rejects.toMatchObject({ code: "ForeignFile" });
    await expect(at(path).write(heldPair(2))).rejects.toMatchObject({ code: "ForeignFile" });
    expect(await readFile(`${path}.other`, "utf8")).toBe(encodePair(heldPair(1), purpose));
  });

  it("is locked for one at a time: the second waits, and reads what the first wrote", async () => {
    const path = await newPath();
    const first = at(path);
    await first.lock();
    await expect(at(path).lock()).rejects.toMatchObject({
      code: "Locked",
      message: expect.stringContaining(`process ${process.pid} on `) as string,
    });
    // Nor does anybody write who has not asked for the lock
    await expect(at(path).write(heldPair(9))).rejects.toMatchObject({ code: "Locked" });
    const second = pairFile({ path, purpose });
    const waiting = second.lock();
    await first.write(heldPair(4));
    await first.unlock();
    expect(await waiting).toEqual(heldPair(4));
    await second.unlock();
  });

  it("leaves nothing when it is removed, and nobody else's lock is taken away", async () => {
    const path = await newPath();
    const store = at(path);
    await store.write(heldPair(1));
    await writeFile(`${path}.tmp`, "left by a crash");
    await store.remove();
    expect(await readdir(join(path, ".."))).toEqual([]);
    const other = at(path);
    await other.lock();
    await store.remove();
    await expect(at(path).lock()).rejects.toMatchObject({ code: "Locked" });
    await other.unlock();
  });
});
