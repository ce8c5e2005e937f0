import { errnoOf } from "../errors/errno-words.ts";
import { constants, type Stats } from "node:fs";
import { link, lstat, mkdir, open, readdir, readlink, rename, rmdir, symlink, unlink, utimes } from "node:fs/promises";
import { RefusedEntryError, unlessMissing } from "./fs-errors.ts";

/** What stands at a path, itself and not what a link points to. */
export interface Entry {
  readonly type: "file" | "directory" | "link" | "other";
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Device and inode: the same as long as it is the same file, whatever its name. */
  readonly identity: string;
  readonly sizeBytes: number;
  readonly changedAtMs: number;
}

/** Reading. Nothing here changes the disk. */
export interface Reader {
  /** True when an entry of this owner may be one of ours. */
  trusts(uid: number): boolean;
  /** Undefined when nothing stands there. Follows no link. */
  entry(path: string): Promise<Entry | undefined>;
  /** The text of a regular file of a trusted owner. @throws RefusedEntryError for anything else, ENOENT when missing */
  readText(path: string): Promise<string>;
  names(dir: string): Promise<readonly string[]>;
  target(link: string): Promise<string>;
}

/**
 * The effects, each one system call that a crash may come before or after (`writeNew`: in the midst of, too). A test
 * puts a Disk of its own around this one.
 */
export interface Disk extends Reader {
  /** The same disk, which gives that group to what it makes, and to what it sets the mode of. */
  ofGroup(group: number): Disk;
  /** Makes one directory with exactly this mode. @throws EEXIST */
  makeDir(path: string, mode: number): Promise<void>;
  /** Makes a file with exactly this mode and content, and resolves when its content is on the disk. @throws EEXIST */
  writeNew(path: string, text: string, mode: number): Promise<void>;
  /** @throws EEXIST: that is what makes it a compare-and-swap. */
  link(from: string, to: string): Promise<void>;
  symlink(target: string, path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  removeFile(path: string): Promise<void>;
  removeDir(path: string): Promise<void>;
  chmod(path: string, mode: number): Promise<void>;
  touch(path: string, atMs: number): Promise<void>;
  /** Resolves when the names in the directory are on the disk. */
  syncDir(path: string): Promise<void>;
}

/** More than any document of ours: reading stops a mistake (or an attack) from filling the memory. */
export const longestTextBytes = 4 * 1_048_576;

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

export interface NodeDiskOptions {
  /**
   * More owners, such as the owner of a directory that root works on. `"anyone"` is for those who only read what others
   * may own, such as a mounted public directory.
   */
  readonly alsoTrusted?: readonly number[] | "anyone";
  /** Who is trusted beside root. @default the user who runs this process */
  readonly user?: number;
  /** For root alone: who is to own the files that are made. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Of the files and directories that are made. @default what the kernel gives them */
  readonly group?: number;
}

/**
 * The real disk, on which everything of ours must belong to this process's user or to root (who could change it anyway).
 */
export function nodeDisk(options: NodeDiskOptions = {}): Disk {
  const { alsoTrusted = [], owner, group, user = process.geteuid?.() ?? 0 } = options;
  const trusts = (uid: number): boolean =>
    alsoTrusted === "anyone" || uid === user || uid === 0 || alsoTrusted.includes(uid);
  const groupAlone = group === undefined ? undefined : { uid: sameAsBefore, gid: group };
  return {
    ...effects,
    ...{ trusts, entry, names: readdir, target: readlink },
    ofGroup: (other) => nodeDisk({ ...options, group: other }),
    makeDir: (path, mode) => makeDir(path, mode, groupAlone),
    writeNew: (path, text, mode) => writeFile(path, text, { mode, owner: owner ?? groupAlone }),
    chmod: (path, mode) => setAccess(path, { mode, owner: groupAlone, flags: 0 }),
    readText: (path) => readText(path, trusts),
  };
}

/** What chown leaves alone. */
const sameAsBefore = -1;

const effects = {
  link,
  symlink,
  rename,
  removeFile: unlink,
  removeDir: rmdir,
  touch: (path: string, atMs: number): Promise<void> => utimes(path, atMs / 1000, atMs / 1000),
  syncDir,
};

type OwnerOfNew = NodeDiskOptions["owner"];

async function makeDir(path: string, mode: number, owner: OwnerOfNew): Promise<void> {
  // Nobody else's before it is the group's
  await mkdir(path, { mode: owner ? mode & 0o700 : mode });
  await setAccess(path, { mode, owner, flags: O_DIRECTORY });
}

/** The umask takes bits away from what open and mkdir ask for; through a descriptor no link is followed. */
async function setAccess(
  path: string,
  { mode, owner, flags }: { readonly mode: number; readonly owner: OwnerOfNew; readonly flags: number },
): Promise<void> {
  const handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | flags);
  try {
    if (owner) await handle.chown(owner.uid, owner.gid);
    await handle.chmod(mode);
  } finally {
    await handle.close();
  }
}

async function writeFile(
  path: string,
  text: string,
  { mode, owner }: { readonly mode: number; readonly owner: OwnerOfNew },
): Promise<void> {
  // Whoever opened it for a moment's mode or group would read on
  const handle = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode & 0o600);
  try {
    if (owner) await handle.chown(owner.uid, owner.gid);
    await handle.chmod(mode);
    await handle.writeFile(text, "utf8");
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncDir(path: string): Promise<void> {
  const handle = await open(path, O_RDONLY | O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function entry(path: string): Promise<Entry | undefined> {
  const stats = await unlessMissing(lstat(path));
  return stats && entryOf(stats);
}

function entryOf(stats: Stats): Entry {
  const { mode, uid, gid, dev, ino, size, mtimeMs } = stats;
  return {
    type: typeOf(stats),
    mode: mode & 0o7777,
    uid,
    gid,
    identity: `${dev}:${ino}`,
    sizeBytes: size,
    changedAtMs: mtimeMs,
  };
}

function typeOf(stats: Stats): Entry["type"] {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  return stats.isSymbolicLink() ? "link" : "other";
}

/** Checks what was opened, not what stood there before: nobody can swap it in between. */
async function readText(path: string, trusts: Reader["trusts"]): Promise<string> {
  // O_NONBLOCK: a pipe in place of the file must not hold us up
  const handle = await openFile(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    mustBeOurs(path, entryOf(await handle.stat()), { type: "file", trusts });
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}

async function openFile(path: string, flags: number): ReturnType<typeof open> {
  try {
    return await open(path, flags);
  } catch (error) {
    if (errnoOf(error) === "ELOOP") {
      throw new RefusedEntryError(path, "must be a regular file, is a symbolic link");
    }
    throw error;
  }
}

const typeText: Readonly<Record<Entry["type"], string>> = {
  file: "a regular file",
  directory: "a directory",
  link: "a symbolic link",
  other: "a device, pipe or socket",
};

/** @throws RefusedEntryError when the entry is of another type, of a foreign owner or too large */
export function mustBeOurs(
  path: string,
  found: Entry,
  want: { readonly type: Entry["type"]; readonly trusts: Reader["trusts"] },
): void {
  if (found.type !== want.type) {
    throw new RefusedEntryError(path, `must be ${typeText[want.type]}, is ${typeText[found.type]}`);
  }
  if (!want.trusts(found.uid)) {
    throw new RefusedEntryError(path, `must belong to the user who runs this or to root, belongs to uid ${found.uid}`);
  }
  if (found.type === "file" && found.sizeBytes > longestTextBytes) {
    throw new RefusedEntryError(path, `must measure at most ${longestTextBytes} bytes, measures ${found.sizeBytes}`);
  }
}
