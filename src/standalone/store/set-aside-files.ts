import { errnoOf } from "../../errors/errno-words.ts";
import { dirname, join } from "node:path";
import { ourFiles } from "../../crypto/objects.ts";
import type { Known } from "../../crypto/unclaimed.ts";
import { ensureDir } from "../../files/atomic.ts";
import { currentVersion, dataLink, isInternal, versionsIn } from "../../files/data-dir.ts";
import type { Disk, Reader } from "../../files/disk.ts";
import { unlessMissing } from "../../files/fs-errors.ts";
import { losesKeys, strangerTest } from "../../keeper/strangers.ts";
import type { ProjectionName, RingObject } from "../../ring/codec.ts";
import { type Layout, modes } from "./layout.ts";
import type { DirectoryRead } from "./readings.ts";

/** A file that is about to be written over or removed. */
export interface StandingFile {
  /** How it is called where it is set aside; a version's files stand in a directory of their own. */
  readonly name: string;
  readonly path: string;
  /** In the directory itself, in the version behind `..data`, or in one that nothing points to. */
  readonly where: "plain" | "current" | "stray";
}

/** Every regular file of a projection's directory: those of each version, the one behind `..data` first, and plain ones. */
async function standingIn(disk: Reader, dir: string): Promise<readonly StandingFile[]> {
  const names = (await unlessMissing(disk.names(dir))) ?? [];
  const current = await currentVersion(disk, dir);
  const plain = names
    .filter((name) => !isInternal(name))
    .map((name) => ({ name, path: join(dir, name), where: "plain" as const }));
  const found: StandingFile[] = [];
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

interface Writing {
  /** What stands there. */
  readonly found: DirectoryRead;
  readonly object: ProjectionName;
  readonly next: Known;
}

/** The files that must be set aside before a projection is written over: they hold keys that the ring does not have. */
export async function lostIn(
  { disk, layout, hasRing }: { readonly disk: Reader; readonly layout: Layout; readonly hasRing: boolean },
  { found, object, next }: Writing,
): Promise<readonly StandingFile[]> {
  const { reading, files } = found;
  if (reading.kind === "absent" || reading.kind === "foreign") return [];
  const isStrange = strangerTest(found, object);
  if (files !== undefined && !Object.entries(files).some(isStrange)) return [];
  // Beside a ring that can be used, a version that is not behind ..data is old, or what a crash left
  const goes = ({ where, name }: StandingFile): boolean =>
    where === "stray" ? reading.kind !== "ring" && !hasRing : where === "current" || ourFiles.includes(name);
  const read = await textsOf(disk, (await standingIn(disk, layout[object])).filter(goes));
  const strangers = read.filter(({ name, text }) => isStrange([name, text]));
  const texts = strangers.map(({ name, text }) => [name, text] as const);
  return losesKeys(texts, found, next) ? strangers : [];
}

/** The files, each with its text. */
const textsOf = (
  disk: Reader,
  files: readonly StandingFile[],
): Promise<readonly (StandingFile & { readonly text: string })[]> =>
  Promise.all(files.map(async (file) => ({ ...file, text: await disk.readText(file.path) })));

/** Where files of an object are set aside. */
export interface Place {
  readonly root: string;
  /** Of the ring that is written. */
  readonly generation: number;
  readonly object: RingObject;
}

const placeOf = ({ root, generation, object }: Place): string => join(root, String(generation), object);

/**
 * Gives the files a second name in `<root>/<generation>/<object>/`, where nothing of ours is ever removed: byte for byte,
 * and at once. Doing it again changes nothing. Returns that directory.
 */
export async function setAside(disk: Disk, files: readonly StandingFile[], to: Place): Promise<string> {
  const dir = placeOf(to);
  for (const each of [to.root, dirname(dir), dir]) await ensureDir(disk, each, modes.secretDir);
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
