import { chmod, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { writeDataDir } from "../../../src/files/data-dir.ts";
import { nodeDisk } from "../../../src/files/disk.ts";
import type { FreshToken } from "../../../src/identity/kept-identity.ts";
import { tempDir } from "../../files/temp.ts";
import { hookedDisk } from "../../standalone/hooked-disk.ts";
import { canMount, smallDisk } from "../../support/mount.ts";
import { directoryOf, sinkOf, tokenOf } from "./tokens.ts";

const names = ["authorization", "token", "token.json"];
const first = tokenOf(1);
const second = tokenOf(2);

const tokenIn = (dir: string): Promise<string> => readFile(join(dir, "token"), "utf8");
const visibleIn = async (dir: string): Promise<readonly string[]> =>
  (await readdir(dir)).filter((name) => !name.startsWith("..")).sort();
const versionsAt = async (dir: string): Promise<readonly string[]> =>
  (await readdir(dir)).filter((name) => /^\.\.\d{4}_/.test(name));

async function expectWhole(dir: string, { accessToken }: FreshToken): Promise<void> {
  expect(await tokenIn(dir)).toBe(accessToken);
  expect(JSON.parse(await readFile(join(dir, "token.json"), "utf8"))).toMatchObject({ accessToken });
  expect(await readFile(join(dir, "authorization"), "utf8")).toBe(`Authorization: Bearer ${accessToken}\n`);
}

describe("a directory sink", () => {
  it("has three files behind one link, as the kubelet does, and makes the directory", async () => {
    const dir = join(await tempDir(), "a", "b");
    await sinkOf(directoryOf(dir, { mode: 0o644 })).write(first);
    await expectWhole(dir, first);
    expect(await visibleIn(dir)).toEqual(names);
    expect(await readlink(join(dir, "token"))).toBe("..data/token");
    expect(await readlink(join(dir, "..data"))).toMatch(/^\.\.\d{4}_/);
    expect((await stat(dir)).mode & 0o777).toBe(0o755);
  });

  it("never has more than two versions, and leaves what others have there", async () => {
    const dir = await tempDir();
    await writeFile(join(dir, "other"), "kept");
    const sink = sinkOf(directoryOf(dir));
    for (let n = 0; n < 20; n++) await sink.write(tokenOf(n));
    expect(await versionsAt(dir)).toHaveLength(2);
    await expectWhole(dir, tokenOf(19));
    expect(await visibleIn(dir)).toEqual(["authorization", "other", "token", "token.json"]);
  });

  it("changes nothing when the same comes once more, also to another process", async () => {
    const dir = await tempDir();
    await sinkOf(directoryOf(dir)).write(first);
    const before = await readdir(dir);
    const effects: string[] = [];
    const disk = hookedDisk({ before: (effect) => void effects.push(effect) });
    await sinkOf(directoryOf(dir), { makeDisk: () => disk }).write(first);
    expect([effects, await readdir(dir)]).toEqual([[], before]);
  });

  it("sets mode and group anew with the same token when somebody changed them", async () => {
    const dir = await tempDir();
    const sink = sinkOf(directoryOf(dir, { mode: 0o640, group: String(process.getegid?.() ?? 0) }));
    await sink.write(first);
    await chmod(join(dir, "..data", "token"), 0o666);
    await sink.write(first);
    for (const name of names) expect((await stat(join(dir, name))).mode & 0o777).toBe(0o640);
  });

  it("gives its group to all that a reader comes by, whatever the umask", async (context) => {
    if (process.geteuid?.() !== 0) return context.skip("only root may give a file to any group");
    const umask = process.umask(0o077);
    onTestFinished(() => void process.umask(umask));
    const dir = join(await tempDir(), "tokens");
    await sinkOf(directoryOf(dir, { mode: 0o640, group: "4712" })).write(first);
    for (const path of [dir, join(dir, "..data"), join(dir, "token")]) {
      const { mode, gid } = await stat(path);
      expect([(mode & 0o777).toString(8), gid], path).toEqual([path.endsWith("/token") ? "640" : "750", 4712]);
    }
  });

  it("follows a link to its directory", async () => {
    const dir = await tempDir();
    await mkdir(join(dir, "real"));
    await symlink("real", join(dir, "link"));
    await sinkOf(directoryOf(join(dir, "link"))).write(first);
    await expectWhole(join(dir, "real"), first);
    expect(await readlink(join(dir, "link"))).toBe("real");
  });

  it("refuses what is no directory", async () => {
    const path = join(await tempDir(), "file");
    await writeFile(path, "");
    await expect(sinkOf(directoryOf(path)).write(first)).rejects.toMatchObject({
      code: "StorageRefused",
      message: `Cannot write the token to "${path}": a part of the path is no directory`,
    });
  });

  it("is whole wherever a write fails, and nothing grows", async () => {
    let failed = 0;
    for (let failAt = 0, isThrough = false; !isThrough; failAt++) {
      const dir = await tempDir();
      await sinkOf(directoryOf(dir)).write(first);
      let effects = 0;
      const disk = hookedDisk({
        before: (effect) => {
          if (effect.startsWith("remove") || effects++ !== failAt) return;
          throw Object.assign(new Error(), { code: "ENOSPC", syscall: "write" });
        },
      });
      const sink = sinkOf(directoryOf(dir), { makeDisk: () => disk });
      isThrough = await sink.write(second).then(
        () => true,
        () => false,
      );
      if (!isThrough) failed++;
      const isNew = (await tokenIn(dir)) === second.accessToken;
      await expectWhole(dir, isNew ? second : first);
      expect((await versionsAt(dir)).length, `effect ${failAt}`).toBe(isNew ? 2 : 1);
    }
    expect(failed).toBeGreaterThan(6);
  });

  it("on a real full disk keeps the old files, however often it is tried", async (context) => {
    if (!canMount()) return context.skip("this process may not mount a file system");
    const dir = await smallDisk(128);
    const sink = sinkOf(directoryOf(dir));
    await sink.write(first);
    await writeFile(join(dir, "full"), Buffer.alloc(1_048_576)).catch(() => undefined);
    for (let n = 0; n < 5; n++) {
      await expect(sink.write(second)).rejects.toThrow(
        `Cannot write the token to "${dir}": there is no space left on the disk`,
      );
    }
    await expectWhole(dir, first);
    expect(await versionsAt(dir)).toHaveLength(1);
  });
});

describe("remove of a directory sink", () => {
  it("takes away the files, every version, and the directories that were made", async () => {
    const dir = await tempDir();
    const sink = sinkOf(directoryOf(join(dir, "a", "b")));
    await sink.write(first);
    await sink.write(second);
    await sink.remove();
    await sink.remove();
    expect(await readdir(dir)).toEqual([]);
  });

  it("leaves a directory that was there, and what others have in it", async () => {
    const dir = await tempDir();
    await writeFile(join(dir, "other"), "kept");
    await sinkOf(directoryOf(dir)).write({ ...first, accessToken: "aa.bb.cc" });
    await sinkOf(directoryOf(dir)).remove();
    expect(await readdir(dir)).toEqual(["other"]);
  });

  it("leaves what somebody else keeps in the same form", async () => {
    const dir = await tempDir();
    const files = { token: "somebody's", "tls.key": "x", "tls.crt": "y" };
    await writeDataDir(nodeDisk(), dir, { files, mode: 0o600, dirMode: 0o700, nowMs: Date.now() });
    await sinkOf(directoryOf(dir)).remove();
    expect(await tokenIn(dir)).toBe("somebody's");
  });
});
