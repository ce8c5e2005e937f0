import {
  chmod,
  chown,
  lchown,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { nodeDisk } from "../../../src/files/disk.ts";
import { UnfinishedFiles } from "../../../src/agent/sinks/unfinished-files.ts";
import { disown, tempDir } from "../../files/temp.ts";
import { hookedDisk } from "../../standalone/hooked-disk.ts";
import { bindMount, canMount, makeReadOnly, smallDisk } from "../../support/mount.ts";
import { fileOf, sinkOf, tokenOf } from "./tokens.ts";

const text = (path: string): Promise<string> => readFile(path, "utf8");
const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o7777;
const first = tokenOf(1);
const second = tokenOf(2);

describe("a file sink", () => {
  it("replaces the token, and leaves no other file", async () => {
    const dir = await tempDir();
    const sink = sinkOf(fileOf(join(dir, "token")));
    await sink.write(first);
    await sink.write(second);
    expect(await text(join(dir, "token"))).toBe(second.accessToken);
    expect(await readdir(dir)).toEqual(["token"]);
    expect(sink.place).toBe(JSON.stringify(join(dir, "token")));
  });

  it("gives whoever has it open the whole of the old token", async () => {
    const path = join(await tempDir(), "token");
    const sink = sinkOf(fileOf(path));
    await sink.write(first);
    const handle = await open(path);
    onTestFinished(() => handle.close());
    await sink.write(second);
    expect(await handle.readFile("utf8")).toBe(first.accessToken);
  });

  it("changes nothing when the same comes once more, also to another process", async () => {
    const path = join(await tempDir(), "token");
    const spec = fileOf(path, { format: "json", mode: 0o640 });
    await sinkOf(spec).write(first);
    const before = await stat(path);
    const effects: string[] = [];
    const disk = hookedDisk({ before: (effect) => void effects.push(effect) });
    const again = sinkOf(spec, { makeDisk: () => disk });
    await again.write(first);
    await again.write(first);
    expect(effects).toEqual([]);
    const { ino, mtimeMs, ctimeMs } = await stat(path);
    expect({ ino, mtimeMs, ctimeMs }).toEqual({ ino: before.ino, mtimeMs: before.mtimeMs, ctimeMs: before.ctimeMs });
  });

  it("is on the disk before it has its name, and its name before it is done", async () => {
    const path = join(await tempDir(), "token");
    const effects: string[] = [];
    const disk = hookedDisk({ before: (effect) => void effects.push(effect) });
    await sinkOf(fileOf(path), { makeDisk: () => disk }).write(first);
    expect(effects.filter((effect) => effect !== "removeFile")).toEqual(["writeNew", "rename", "syncDir"]);
  });
});

describe("the mode and group of a file sink", () => {
  it.each([0o600, 0o640, 0o444, 0o604])("are what they are to be, whatever the umask: %o", async (mode) => {
    const path = join(await tempDir(), "token");
    const before = process.umask(0o077);
    onTestFinished(() => void process.umask(before));
    await sinkOf(fileOf(path, { mode })).write(first);
    expect(await modeOf(path)).toBe(mode);
  });

  it("are set anew with the same token when somebody changed them", async () => {
    const path = join(await tempDir(), "token");
    const sink = sinkOf(fileOf(path, { mode: 0o640 }));
    await sink.write(first);
    await chmod(path, 0o666);
    await sink.write(first);
    expect(await modeOf(path)).toBe(0o640);
  });

  it("are right at every moment at which the file has a name", async (context) => {
    if (process.geteuid?.() !== 0) return context.skip("only root may give a file to any group");
    const dir = await tempDir();
    const seen: string[] = [];
    const look = async (): Promise<void> => {
      for (const name of await readdir(dir)) {
        const { mode, gid } = await stat(join(dir, name));
        seen.push(`${(mode & 0o777).toString(8)} ${gid}`);
      }
    };
    const sink = sinkOf(fileOf(join(dir, "token"), { mode: 0o640, group: "4712" }), {
      makeDisk: (group) =>
        hookedDisk({ before: look, after: look }, nodeDisk({ ...(group !== undefined && { group }) })),
    });
    await sink.write(first);
    await sink.write(second);
    expect(new Set(seen)).toEqual(new Set(["640 4712"]));
    await chown(join(dir, "token"), 0, 0);
    await sink.write(second);
    expect((await stat(join(dir, "token"))).gid).toBe(4712);
  });

  it("are of a group that /etc/group names", async () => {
    const dir = await tempDir();
    const own = process.getegid?.() ?? 0;
    const groupFile = join(dir, "group");
    await writeFile(groupFile, `# a comment\nweb:x:${own}:\nbroken:x::\n`);
    const path = join(dir, "token");
    await sinkOf(fileOf(path, { group: "web" }), { groupFile }).write(first);
    expect((await stat(path)).gid).toBe(own);
    for (const group of ["nobody-knows", "broken", "4294967295", ""]) {
      await expect(sinkOf(fileOf(path, { group }), { groupFile }).write(second)).rejects.toMatchObject({
        code: "NoSuchGroup",
        message: `Cannot use the group "${group}": must stand in "${groupFile}"; of one from elsewhere give the number`,
      });
    }
    expect(await text(path)).toBe(first.accessToken);
  });

  it("are the kernel's to refuse, and the error says what must be", async () => {
    const path = join(await tempDir(), "token");
    const denied = Object.assign(new Error(), { code: "EPERM", syscall: "fchown" });
    const makeDisk = () => ({ ...nodeDisk(), writeNew: () => Promise.reject(denied) });
    await expect(sinkOf(fileOf(path, { group: "0" }), { makeDisk }).write(first)).rejects.toMatchObject({
      code: "StorageRefused",
      message: `Cannot write the token to "${path}": must be given to a group of the user who runs this`,
    });
  });
});

describe("a file sink at a link", () => {
  it("replaces what the link leads to, and leaves the link, over any number of them", async () => {
    const dir = await tempDir();
    await mkdir(join(dir, "real"));
    await mkdir(join(dir, "links"));
    await writeFile(join(dir, "real", "token"), "old");
    await symlink("../real", join(dir, "links", "there"));
    await symlink("there/../real/token", join(dir, "links", "relative"));
    await symlink(join(dir, "links", "relative"), join(dir, "token"));
    await sinkOf(fileOf(join(dir, "token"))).write(first);
    expect(await text(join(dir, "real", "token"))).toBe(first.accessToken);
    expect(await readlink(join(dir, "token"))).toBe(join(dir, "links", "relative"));
    expect(await readlink(join(dir, "links", "relative"))).toBe("there/../real/token");
    expect(await readdir(join(dir, "real"))).toEqual(["token"]);
    expect((await readdir(dir)).sort()).toEqual(["links", "real", "token"]);
  });

  it("makes the file where there is a directory for it, as after a reboot; else it is refused", async () => {
    const dir = await tempDir();
    await symlink("run/token", join(dir, "token"));
    const sink = sinkOf(fileOf(join(dir, "token")));
    await expect(sink.write(first)).rejects.toMatchObject({
      code: "ForeignFile",
      message: `Cannot use "${dir}/token": must lead into a directory that is there, leads to "${dir}/run/token"`,
    });
    await mkdir(join(dir, "run"));
    await sink.write(first);
    expect(await text(join(dir, "run", "token"))).toBe(first.accessToken);
  });

  it("is refused where the links lead round in a circle", async () => {
    const dir = await tempDir();
    await symlink("b", join(dir, "a"));
    await symlink("a", join(dir, "b"));
    await expect(sinkOf(fileOf(join(dir, "a"))).write(first)).rejects.toThrow("its links lead round in a circle");
  });

  it("is refused where the link, or what it leads to, belongs to somebody else", async (context) => {
    if (process.geteuid?.() !== 0) return context.skip("only root may give a link to somebody else");
    const dir = await tempDir();
    await symlink("file", join(dir, "link"));
    await writeFile(join(dir, "file"), "kept");
    await lchown(join(dir, "link"), 4711, 4711);
    await expect(sinkOf(fileOf(join(dir, "link"))).write(first)).rejects.toThrow("must belong to the user");
    await lchown(join(dir, "link"), 0, 0);
    await chown(join(dir, "file"), 4711, 4711);
    await expect(sinkOf(fileOf(join(dir, "link"))).write(first)).rejects.toThrow("belongs to uid 4711");
    expect(await text(join(dir, "file"))).toBe("kept");
  });

  it("works over the border of a file system", async (context) => {
    if (!canMount()) return context.skip("this process may not mount a file system");
    const dir = await tempDir();
    const there = await smallDisk(64);
    await symlink(join(there, "token"), join(dir, "token"));
    const sink = sinkOf(fileOf(join(dir, "token")));
    await sink.write(first);
    await sink.write(second);
    expect(await text(join(there, "token"))).toBe(second.accessToken);
  });
});

describe("a file sink whose directory is missing", () => {
  it.each([
    [0o600, 0o700],
    [0o640, 0o750],
    [0o644, 0o755],
  ])("makes it, for those who may read the file: %o", async (mode, dirMode) => {
    const dir = await tempDir();
    await sinkOf(fileOf(join(dir, "a", "b", "token"), { mode })).write(first);
    expect([await modeOf(join(dir, "a")), await modeOf(join(dir, "a", "b"))]).toEqual([dirMode, dirMode]);
  });

  it("says so where a part of the path is a file", async () => {
    const dir = await tempDir();
    await writeFile(join(dir, "a"), "");
    const path = join(dir, "a", "b", "token");
    await expect(sinkOf(fileOf(path)).write(first)).rejects.toMatchObject({
      code: "StorageRefused",
      message: `Cannot write the token to "${path}": a part of the path is no directory`,
    });
  });
});

describe("a file sink that can't write", () => {
  it("refuses what is no file of ours, and leaves it", async () => {
    const dir = await tempDir();
    await expect(sinkOf(fileOf(dir)).write(first)).rejects.toThrow("must be a regular file, is a directory");
    await writeFile(join(dir, "token"), "kept");
    const disk = await disown(join(dir, "token"));
    await expect(sinkOf(fileOf(join(dir, "token")), { makeDisk: () => disk }).write(first)).rejects.toMatchObject({
      code: "ForeignFile",
      message: expect.stringContaining("must belong to the user who runs this or to root") as string,
    });
    expect(await text(join(dir, "token"))).toBe("kept");
  });

  it("keeps the old file whole, names the place, and leaves nothing beside it, wherever it fails", async () => {
    let failed = 0;
    for (let failAt = 0, isThrough = false; !isThrough; failAt++) {
      const dir = await tempDir();
      await sinkOf(fileOf(join(dir, "token"))).write(first);
      let effects = 0;
      const noSpace = Object.assign(new Error(), { code: "ENOSPC", syscall: "write", path: join(dir, ".temporary") });
      const disk = hookedDisk({
        before: async (effect, args) => {
          if (effect === "removeFile" || effects++ !== failAt) return;
          if (effect === "writeNew") await writeFile(String(args[0]), "half");
          throw noSpace;
        },
      });
      const error: unknown = await sinkOf(fileOf(join(dir, "token")), { makeDisk: () => disk })
        .write(second)
        .catch((reason: unknown) => reason);
      isThrough = error === undefined;
      expect(await readdir(dir)).toEqual(["token"]);
      expect([first.accessToken, second.accessToken]).toContain(await text(join(dir, "token")));
      if (isThrough) continue;
      failed++;
      expect(error).toMatchObject({
        code: "StorageUnavailable",
        message: `Cannot write the token to "${dir}/token": there is no space left on the disk`,
      });
    }
    expect(failed).toBe(3);
  });

  it("on a real full disk keeps the old token, and takes the next one when there is room", async (context) => {
    if (!canMount()) return context.skip("this process may not mount a file system");
    const there = await smallDisk(64);
    const path = join(there, "token");
    const sink = sinkOf(fileOf(path));
    await sink.write(first);
    await writeFile(join(there, "full"), Buffer.alloc(1_048_576)).catch(() => undefined);
    await expect(sink.write(second)).rejects.toThrow("there is no space left on the disk");
    await expect(sink.write(second)).rejects.toThrow("there is no space left on the disk");
    expect(await text(path)).toBe(first.accessToken);
    expect((await readdir(there)).sort()).toEqual(["full", "token"]);
    await rm(join(there, "full"));
    await sink.write(second);
    expect(await text(path)).toBe(second.accessToken);
  });

  it("on a real read-only disk says so, and is content with a token that is there already", async (context) => {
    if (!canMount()) return context.skip("this process may not mount a file system");
    const there = await smallDisk(64);
    const path = join(there, "token");
    await sinkOf(fileOf(path)).write(first);
    makeReadOnly(there);
    const sink = sinkOf(fileOf(path));
    await sink.write(first);
    await expect(sink.write(second)).rejects.toThrow("the file system is read-only");
    expect(await text(path)).toBe(first.accessToken);
  });

  it("says that a file which is mounted by itself can't be replaced", async (context) => {
    if (!canMount()) return context.skip("this process may not mount a file system");
    const dir = await smallDisk(64);
    const path = join(dir, "token");
    await writeFile(path, "old");
    const unmount = bindMount(path, path);
    onTestFinished(unmount);
    await expect(sinkOf(fileOf(path)).write(first)).rejects.toThrow("is mounted by itself; mount the directory");
    expect(await readdir(dir)).toEqual(["token"]);
  });
});

describe("what a kill has left beside a file sink", () => {
  it("is removed by the next process, and nothing else is", async () => {
    const dir = await tempDir();
    const others = [
      ".token.keyturn-",
      ".token.keyturn-0123",
      ".other.keyturn-0123456789ab",
      "token.keyturn-0123456789ab",
    ];
    for (const name of [".token.keyturn-0123456789ab", ".token.keyturn-ba9876543210", ...others]) {
      await writeFile(join(dir, name), "half");
    }
    const sink = sinkOf(fileOf(join(dir, "token")));
    await sink.write(first);
    expect((await readdir(dir)).sort()).toEqual([...others, "token"].sort());
  });
});

describe("many file sinks in one directory", () => {
  it("list it once, and each removes its own", async () => {
    const dir = await tempDir();
    for (const name of [".a.keyturn-0123456789ab", ".b.keyturn-0123456789ab"]) await writeFile(join(dir, name), "half");
    let lists = 0;
    const disk = { ...nodeDisk(), names: (path: string) => (lists++, nodeDisk().names(path)) };
    const ports = { makeDisk: () => disk, unfinished: new UnfinishedFiles() };
    await Promise.all(["a", "c"].map((name) => sinkOf(fileOf(join(dir, name)), ports).write(first)));
    expect((await readdir(dir)).sort()).toEqual([".b.keyturn-0123456789ab", "a", "c"]);
    await sinkOf(fileOf(join(dir, "b")), ports).write(first);
    expect((await readdir(dir)).sort()).toEqual(["a", "b", "c"]);
    expect(lists).toBe(1);
  });
});

describe("file sinks in ever other directories", () => {
  it("are not remembered for ever", async () => {
    const lists: string[] = [];
    const disk = { ...nodeDisk(), names: (path: string) => Promise.resolve(lists.push(path) > 0 ? [] : [path]) };
    const unfinished = new UnfinishedFiles();
    for (let n = 0; n <= 1000; n++) await unfinished.remove(disk, `/dir-${n}/token`);
    await unfinished.remove(disk, "/dir-1000/token");
    await unfinished.remove(disk, "/dir-0/token");
    expect(lists.slice(-2)).toEqual(["/dir-1000", "/dir-0"]);
  });
});

describe("remove of a file sink", () => {
  it("takes away the file and the directories that were made for it, and nothing else", async () => {
    const dir = await tempDir();
    const sink = sinkOf(fileOf(join(dir, "a", "b", "token")));
    await sink.write(first);
    await writeFile(join(dir, "a", "other"), "kept");
    await sink.remove();
    await sink.remove();
    expect(await readdir(dir)).toEqual(["a"]);
    expect(await readdir(join(dir, "a"))).toEqual(["other"]);
    await sink.write(second);
    expect(await text(join(dir, "a", "b", "token"))).toBe(second.accessToken);
  });

  it("leaves the link, and a later write finds its way", async () => {
    const dir = await tempDir();
    await mkdir(join(dir, "real"));
    await symlink("real/token", join(dir, "token"));
    const sink = sinkOf(fileOf(join(dir, "token")));
    await sink.write(first);
    await sink.remove();
    expect([await readdir(join(dir, "real")), await readlink(join(dir, "token"))]).toEqual([[], "real/token"]);
    await sink.write(first);
    expect(await text(join(dir, "real", "token"))).toBe(first.accessToken);
  });

  it("takes away what a process before wrote, as far as one sees, and what a kill left", async () => {
    const dir = await tempDir();
    await sinkOf(fileOf(join(dir, "token"))).write({ ...first, accessToken: "aa.bb.cc" });
    await writeFile(join(dir, ".token.keyturn-0123456789ab"), "half");
    await sinkOf(fileOf(join(dir, "token"))).remove();
    expect(await readdir(dir)).toEqual([]);
  });

  it("leaves what is not a token of ours", async () => {
    const dir = await tempDir();
    const path = join(dir, "token");
    await writeFile(path, "somebody's\n");
    await sinkOf(fileOf(path)).remove();
    const sink = sinkOf(fileOf(path));
    const opaque = { accessToken: "opaque", tokenId: "id" };
    await sink.write(opaque);
    await writeFile(path, "somebody's");
    await sink.remove();
    expect(await text(path)).toBe("somebody's");
    await sink.write(opaque);
    await sink.remove();
    expect(await readdir(dir)).toEqual([]);
    await mkdir(path);
    await sink.remove();
    expect(await readdir(dir)).toEqual(["token"]);
  });
});
