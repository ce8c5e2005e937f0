import { errnoOf } from "../errors/errno-words.ts";
import { dirname, join } from "node:path";
import { mustBeOurs, type Disk } from "./disk.ts";
import { unlessMissing } from "./fs-errors.ts";

/** Makes the directory when it is missing, with its name on the disk. @throws RefusedEntryError when it is not ours */
export async function ensureDir(disk: Disk, path: string, mode: number): Promise<void> {
  const found = await disk.entry(path);
  if (found) {
    mustBeOurs(path, found, { type: "directory", trusts: (uid) => disk.trusts(uid) });
    return;
  }
  try {
    await disk.makeDir(path, mode);
  } catch (error) {
    // Somebody else made it meanwhile: then it is to be looked at
    if (errnoOf(error) === "EEXIST") return ensureDir(disk, path, mode);
    throw error;
  }
  await disk.syncDir(dirname(path));
}

/** Makes what is missing of a path, from above. Returns what it made, the lowest first. */
export async function ensureDirs(disk: Disk, path: string, mode: number): Promise<readonly string[]> {
  if (await disk.entry(path)) return [];
  const above = await ensureDirs(disk, dirname(path), mode);
  try {
    await disk.makeDir(path, mode);
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return above;
    throw error;
  }
  await disk.syncDir(dirname(path));
  return [path, ...above];
}

/** Removes these directories, the lowest first, as far as nobody else uses them. */
export async function removeEmptyDirs(disk: Disk, dirs: readonly string[]): Promise<void> {
  for (const dir of dirs) {
    try {
      await disk.removeDir(dir);
    } catch (error) {
      if (!["ENOENT", "ENOTEMPTY", "EEXIST", "EBUSY"].includes(errnoOf(error) ?? "")) throw error;
    }
  }
}

/** What replaces a file. */
export interface Replacement {
  readonly text: string;
  readonly mode: number;
  /** Where it is written before it gets its name: in the same directory. @default the path with `.tmp`, for who writes there alone */
  readonly temporary?: string;
}

/**
 * Replaces a file whole: who opens it reads the old text or the new one, never a part, whatever crashes. What was there
 * before must be ours.
 *
 * @throws RefusedEntryError
 */
export async function replaceFile(disk: Disk, path: string, file: Replacement): Promise<void> {
  const found = await disk.entry(path);
  if (found) mustBeOurs(path, found, { type: "file", trusts: (uid) => disk.trusts(uid) });
  const { temporary = `${path}.tmp` } = file;
  await removeIfThere(disk, temporary);
  await disk.writeNew(temporary, file.text, file.mode);
  await disk.rename(temporary, path);
  await disk.syncDir(dirname(path));
}

export async function removeIfThere(disk: Disk, path: string): Promise<void> {
  await unlessMissing(disk.removeFile(path));
}

/** The text of a file that may be missing. @throws RefusedEntryError */
export const readIfThere = (disk: Pick<Disk, "readText">, path: string): Promise<string | undefined> =>
  unlessMissing(disk.readText(path));

/** Removes a directory of files. Goes on where a crash left off. */
export async function removeTree(disk: Disk, dir: string): Promise<void> {
  for (const name of (await unlessMissing(disk.names(dir))) ?? []) await removeIfThere(disk, join(dir, name));
  await unlessMissing(disk.removeDir(dir));
}
