import { errnoOf } from "../errors/errno-words.ts";
import { join } from "node:path";
import { ensureDir, removeIfThere, removeTree } from "./atomic.ts";
import type { Disk } from "./disk.ts";
import { unlessMissing } from "./fs-errors.ts";

/** Text by file name. */
export type DataFiles = Readonly<Record<string, string>>;

/** The names that the kubelet's AtomicWriter uses, so that a reader needs to know one form only. */
export const dataLink = "..data";
const nextLink = "..data_tmp";
const nextVisible = "..link_tmp";
const version = /^\.\.\d{4}_/;

/** True for the name of a version, as the kubelet and Keyturn make them: it leads nowhere else. */
export const isVersion = (name: string): boolean => version.test(name) && !name.includes("/");

/** The names among these that are versions, newest first. */
export const versionsIn = (names: readonly string[]): readonly string[] =>
  names.filter(isVersion).sort((a, b) => (a < b ? 1 : -1));

/** True for names that belong to the mechanism and not to the data. */
export const isInternal = (name: string): boolean => name.startsWith("..");

export interface DataDirWrite {
  readonly files: DataFiles;
  /** Of the files. */
  readonly mode: number;
  /** Of the directory, and of the one behind `..data`. */
  readonly dirMode: number;
  /** Names the new directory; two writes in one millisecond get different names all the same. Unix milliseconds. */
  readonly nowMs: number;
}

/**
 * Replaces all files of the directory in one step, as the kubelet does: a new directory, then `..data` is swapped to it
 * by one rename. Whoever resolves `..data` once sees the old files or the new ones, never some of each, whatever
 * crashes and whenever the power fails. The directory before is left for those who have just resolved it;
 * {@link tidyDataDir} removes it. Files that are not ours stay.
 *
 * @throws RefusedEntryError when the directory is a link or belongs to somebody else
 */
export async function writeDataDir(disk: Disk, dir: string, write: DataDirWrite): Promise<void> {
  const { files, mode, dirMode } = write;
  await ensureDir(disk, dir, dirMode);
  const before = await currentVersion(disk, dir);
  const fresh = await newVersion(disk, dir, write);
  for (const [name, text] of Object.entries(files)) await disk.writeNew(join(dir, fresh, name), text, mode);
  await disk.syncDir(join(dir, fresh));
  // Its name must be on the disk before anything points to it
  await disk.syncDir(dir);
  await clearDataLink(disk, dir);
  await removeIfThere(disk, join(dir, nextLink));
  await disk.symlink(fresh, join(dir, nextLink));
  await disk.rename(join(dir, nextLink), join(dir, dataLink));
  await disk.syncDir(dir);
  await linkVisibleFiles(disk, dir, Object.keys(files));
  const old = (await disk.names(dir)).filter((name) => version.test(name) && name < fresh && name !== before);
  for (const name of old) await removeTree(disk, join(dir, name));
}

/** A copy that was made through the link stands in its place: no link can take over from a directory. */
async function clearDataLink(disk: Disk, dir: string): Promise<void> {
  const found = await disk.entry(join(dir, dataLink));
  if (found?.type === "directory") await removeTree(disk, join(dir, dataLink));
}

/**
 * Removes what crashes and swaps have left: every directory but the one behind `..data`, and unfinished links. Where none
 * stands behind `..data`, each may be the last copy, and stays.
 */
export async function tidyDataDir(disk: Disk, dir: string): Promise<void> {
  await tidy(disk, dir, (name, current) => current !== undefined && name !== current);
}

/**
 * Removes what a crash has left unfinished, and nothing that a reader may have just resolved: a version later than the one
 * behind `..data` was never behind it.
 *
 * @param orphans - True where no version is of use once none stands behind `..data`: there is another copy of what is in them
 */
export async function dropUnfinished(disk: Disk, dir: string, orphans: boolean): Promise<void> {
  await tidy(disk, dir, (name, current) => (current === undefined ? orphans : name > current));
}

/** Removes the files, the links to them and every version; the directory and what else is in it stay. */
export async function removeDataDir(disk: Disk, dir: string): Promise<void> {
  const names = (await unlessMissing(disk.names(dir))) ?? [];
  for (const name of names) if (await isVisible(disk, dir, name)) await removeIfThere(disk, join(dir, name));
  for (const name of [dataLink, nextLink, nextVisible]) await removeIfThere(disk, join(dir, name));
  for (const name of names.filter((n) => version.test(n))) await removeTree(disk, join(dir, name));
  await disk.syncDir(dir);
}

async function tidy(disk: Disk, dir: string, goes: (name: string, current?: string) => boolean): Promise<void> {
  const names = (await unlessMissing(disk.names(dir))) ?? [];
  const target = await currentVersion(disk, dir);
  const current = target !== undefined && names.includes(target) ? target : undefined;
  for (const name of names.filter((n) => n === nextLink || n === nextVisible)) {
    await removeIfThere(disk, join(dir, name));
  }
  for (const name of names.filter((n) => version.test(n) && goes(n, current))) await removeTree(disk, join(dir, name));
}

/** The name of the directory behind `..data`, or undefined. */
export async function currentVersion(disk: Pick<Disk, "target">, dir: string): Promise<string | undefined> {
  try {
    return await disk.target(join(dir, dataLink));
  } catch (error) {
    // EINVAL: no link
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "EINVAL") return undefined;
    throw error;
  }
}

/** The links that a person sees: `keyring.json → ..data/keyring.json`. */
const visibleTarget = (name: string): string => `${dataLink}/${name}`;

async function newVersion(disk: Disk, dir: string, { nowMs, dirMode }: DataDirWrite): Promise<string> {
  for (let tries = 1; ; tries++) {
    const taken = (await disk.names(dir)).filter((name) => version.test(name)).map(digitsOf);
    const name = versionName([digitsOf(new Date(nowMs).toISOString()) * 1_000_000n, ...taken.map((n) => n + 1n)]);
    try {
      await disk.makeDir(join(dir, name), dirMode);
      return name;
    } catch (error) {
      if (errnoOf(error) !== "EEXIST" || tries >= 10) throw error;
    }
  }
}

const digitsOf = (text: string): bigint => BigInt(text.replaceAll(/\D/g, "") || 0);

/**
 * The instant to the nanosecond, as the kubelet has it, and later than every version there, even when the clock was set
 * back: a name that comes again would show a slow reader a directory that is being written.
 */
function versionName(candidates: readonly bigint[]): string {
  const digits = String(candidates.reduce((a, b) => (a > b ? a : b))).padStart(23, "0");
  const [, ...parts] = /^(\d+)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{9})$/.exec(digits) ?? [];
  return `..${parts.slice(0, 6).join("_")}.${parts[6] ?? ""}`;
}

/** After the swap, so that no link ever points to nothing; a plain file in the place of a link is replaced by it. */
async function linkVisibleFiles(disk: Disk, dir: string, names: readonly string[]): Promise<void> {
  let changed = false;
  for (const name of names) {
    if (await isVisible(disk, dir, name)) continue;
    await removeIfThere(disk, join(dir, nextVisible));
    await disk.symlink(visibleTarget(name), join(dir, nextVisible));
    await disk.rename(join(dir, nextVisible), join(dir, name));
    changed = true;
  }
  for (const name of await disk.names(dir)) {
    if (names.includes(name) || isInternal(name) || !(await isVisible(disk, dir, name))) continue;
    await removeIfThere(disk, join(dir, name));
    changed = true;
  }
  if (changed) await disk.syncDir(dir);
}

/** True when the person's link of this name is in place. */
export async function isVisible(disk: Pick<Disk, "target">, dir: string, name: string): Promise<boolean> {
  try {
    return (await disk.target(join(dir, name))) === visibleTarget(name);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "EINVAL") return false;
    throw error;
  }
}
