import { errnoOf } from "../errors/errno-words.ts";
import { join } from "node:path";
import { currentVersion, isInternal, isVisible, type DataFiles } from "./data-dir.ts";
import { mustBeOurs, type Reader } from "./disk.ts";
import { RefusedEntryError, unlessMissing } from "./fs-errors.ts";

/** What stands in a directory that is to be read through `..data`. */
export type DataDir =
  /** Missing, or empty but for what an unfinished first write left. */
  | { readonly kind: "missing" }
  /** There are files, but no `..data`: nobody of this kind has written here. */
  | { readonly kind: "plain"; readonly names: readonly string[] }
  /** `..data` points to nothing, or is gone while links through it are there. */
  | { readonly kind: "dangling" }
  /** All files of one write. `linked`: the names that people see point to them. */
  | { readonly kind: "data"; readonly version: string; readonly files: DataFiles; readonly linked: boolean };

/** Each try takes a millisecond or so: nobody swaps that often. */
const mostTries = 100;

/**
 * Reads one consistent set of files: `..data` is resolved once, and everything is read through what it pointed to.
 * Begins anew when that was removed meanwhile.
 *
 * @throws RefusedEntryError when the directory, the one behind `..data` or a file is a link or belongs to somebody else
 */
export async function readDataDir(disk: Reader, dir: string): Promise<DataDir> {
  const found = await disk.entry(dir);
  if (!found) return { kind: "missing" };
  mustBeOurs(dir, found, { type: "directory", trusts: (uid) => disk.trusts(uid) });
  let vanished: string | undefined;
  for (let tries = 0; tries < mostTries; tries++) {
    const version = await currentVersion(disk, dir);
    if (version === undefined) return withoutData(disk, dir);
    // The same version is missing twice: it did not vanish meanwhile
    if (version === vanished) return { kind: "dangling" };
    const files = await readVersion(disk, join(dir, plainName(dir, version)));
    // A directory is taken to pieces only after the swap: while `..data` still points to it, the set was whole
    const isCurrent = version === (await currentVersion(disk, dir));
    if (files && isCurrent) return { kind: "data", version, files, linked: await isLinked(disk, dir, files) };
    vanished = isCurrent ? version : undefined;
  }
  throw new Error(`Cannot read "${dir}": must hold still for one reading, was swapped ${mostTries} times meanwhile`);
}

/** A `..data` that leads out of its directory is a symlink attack. */
function plainName(dir: string, version: string): string {
  if (!version.includes("/") && version !== "." && version !== "..") return version;
  throw new RefusedEntryError(join(dir, "..data"), "must point to a directory beside it");
}

async function withoutData(disk: Reader, dir: string): Promise<DataDir> {
  const names = ((await unlessMissing(disk.names(dir))) ?? []).filter((name) => !isInternal(name));
  for (const name of names) if (await isVisible(disk, dir, name)) return { kind: "dangling" };
  return names.length === 0 ? { kind: "missing" } : { kind: "plain", names };
}

/** The files of one version, or undefined when it is gone. @throws RefusedEntryError */
export async function readVersion(disk: Reader, path: string): Promise<DataFiles | undefined> {
  const found = await disk.entry(path);
  if (!found) return undefined;
  mustBeOurs(path, found, { type: "directory", trusts: (uid) => disk.trusts(uid) });
  try {
    const names = await disk.names(path);
    return Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await disk.readText(join(path, name))] as const)),
    );
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function isLinked(disk: Reader, dir: string, files: DataFiles): Promise<boolean> {
  for (const name of Object.keys(files)) if (!(await isVisible(disk, dir, name))) return false;
  return true;
}
