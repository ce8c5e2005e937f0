import { join } from "node:path";
import { ensureDir } from "../files/atomic.ts";
import { currentVersion, dataLink, isInternal, versionsIn } from "../files/data-dir.ts";
import type { Disk, Reader } from "../files/disk.ts";
import { errnoOf, unlessMissing } from "../files/errors.ts";
import { modes } from "./layout.ts";

/** A file that is about to be written over or removed. */
export interface Standing {
  /** How it is called where it is set aside; a version's files stand in a directory of their own. */
  readonly name: string;
  readonly path: string;
  /** In the directory itself, in the version behind `..data`, or in one that nothing points to. */
  readonly where: "plain" | "current" | "stray";
}

/** Every regular file of a projection's directory: those of each version, the one behind `..data` first, and plain ones. */
export async function standingIn(disk: Reader, dir: string): Promise<readonly Standing[]> {
  const names = (await unlessMissing(disk.names(dir))) ?? [];
  const current = await currentVersion(disk, dir);
  const plain = names
    .filter((name) => !isInternal(name))
    .map((name) => ({ name, path: join(dir, name), where: "plain" as const }));
  const found: Standing[] = [];
  for (const version of [...(current === undefined ? names.filter((n) => n === dataLink) : []), ...versionsIn(names)]) {
    const inside = (await unlessMissing(disk.names(join(dir, version)))) ?? [];
    const isCurrent = version === current;
    const nameOf = (name: string): string => (isCurrent ? name : `${version.slice(2)}.${name}`);
    const where = isCurrent ? "current" : "stray";
    found.push(...inside.map((name) => ({ name: nameOf(name), path: join(dir, version, name), where }) as const));
  }
  const all = [...found, ...plain];
  const types = await Promise.all(all.map(({ path }) => unlessMissing(disk.entry(path))));
  return all.filter((_, index) => types[index]?.type === "file");
}

/** The files, each with its text. */
export const textsOf = (
  disk: Reader,
  files: readonly Standing[],
): Promise<readonly (Standing & { readonly text: string })[]> =>
  Promise.all(files.map(async (file) => ({ ...file, text: await disk.readText(file.path) })));

/**
 * Gives the files a second name in `<root>/<generation>/<object>/`, where nothing of ours is ever removed: byte for byte,
 * and at once. Doing it again changes nothing. Returns that directory.
 */
export async function setAside(
  disk: Disk,
  files: readonly Standing[],
  to: { readonly root: string; readonly generation: number; readonly object: string },
): Promise<string> {
  const dirs = [to.root, join(to.root, String(to.generation)), join(to.root, String(to.generation), to.object)];
  for (const dir of dirs) await ensureDir(disk, dir, modes.secretDir);
  const dir = dirs.at(-1) ?? to.root;
  for (const { name, path } of files) await linkAs(disk, path, join(dir, name));
  await disk.syncDir(dir);
  return dir;
}

/** Under a free name: what was set aside before is not written over. */
async function linkAs(disk: Disk, from: string, to: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    const path = tries === 1 ? to : `${to}.${tries}`;
    try {
      await disk.link(from, path);
      return;
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
    }
    const [ours, theirs] = [await disk.entry(from), await disk.entry(path)];
    if (ours?.identity === theirs?.identity) return;
  }
}
