import { dirname, join } from "node:path";
import { mustBeOurs, type Disk } from "./disk.ts";
import { errnoOf, unlessMissing } from "./fs-errors.ts";

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

/**
 * Replaces a file whole: who opens it reads the old text or the new one, never a part, whatever crashes. What was there
 * before must be ours.
 *
 * @throws RefusedEntryError
 */
export async function replaceFile(disk: Disk, path: string, file: { text: string; mode: number }): Promise<void> {
  const found = await disk.entry(path);
  if (found) mustBeOurs(path, found, { type: "file", trusts: (uid) => disk.trusts(uid) });
  const temporary = `${path}.tmp`;
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
