import { errnoOf } from "../../errors/errno-words.ts";
import { basename, join } from "node:path";
import { removeIfThere } from "../../files/atomic.ts";
import type { Disk, Reader } from "../../files/disk.ts";
import { RefusedEntryError, unlessMissing } from "../../files/fs-errors.ts";
import { ChangeNeededError, TryLaterError } from "../../errors/keyturn-error.ts";
import { modes } from "./layout.ts";

/** The ring file that counts: the one of the highest generation. */
export interface RingFile {
  readonly generation: number;
  readonly path: string;
  readonly text: string;
}

export interface RingWrite {
  /** Generation of the file that the new one follows, 0 for none: the compare in compare-and-swap. */
  readonly baseGeneration: number;
  readonly generation: number;
  readonly text: string;
}

const kept = 3;
const ringName = /^keyring\.([1-9]\d{0,15})\.json$/;
const claimName = /^\.after\.(\d{1,16})\.json$/;

/** Where the ring of that generation stands. */
export const fileOf = (dir: string, generation: number): string => join(dir, `keyring.${generation}.json`);

/** Generations in the directory, highest first. */
async function generationsIn(disk: Pick<Reader, "names">, dir: string): Promise<readonly number[]> {
  const names = (await unlessMissing(disk.names(dir))) ?? [];
  const found = names.map((name) => Number(ringName.exec(name)?.[1] ?? 0));
  return found.filter((n) => n > 0 && Number.isSafeInteger(n)).sort((a, b) => b - a);
}

/**
 * Reads the ring file of the highest generation, and never an older one in its stead: what nobody can read must not make
 * the ring go back in time.
 *
 * @throws RefusedEntryError when it is a link or belongs to somebody else
 */
export async function readRingFile(disk: Reader, dir: string): Promise<RingFile | undefined> {
  for (let tries = 0; tries < 10; tries++) {
    const [generation] = await generationsIn(disk, dir);
    if (generation === undefined) return undefined;
    const path = fileOf(dir, generation);
    const text = await unlessMissing(disk.readText(path));
    // Pruned between listing and reading: then there are newer ones
    if (text !== undefined) return { generation, path, text };
  }
  throw conflict("the newest ring file vanishes again and again");
}

/** The ring files below that generation, newest first; those that can't be read are passed over. */
export async function* ringFilesBefore(disk: Reader, dir: string, before: number): AsyncGenerator<RingFile> {
  for (const generation of await generationsIn(disk, dir)) {
    if (generation >= before) continue;
    const path = fileOf(dir, generation);
    try {
      yield { generation, path, text: await disk.readText(path) };
    } catch (error) {
      if (!(error instanceof RefusedEntryError) && errnoOf(error) !== "ENOENT") throw error;
    }
  }
}

/**
 * Puts the next ring file in place: complete, on the disk and under its name, or not at all.
 *
 * Of several writers that start from the same base exactly one wins: the temporary file's name says which base it
 * follows, is made exclusively, and is looked at together with the base. So it is a compare-and-swap even where the
 * generation jumps, and even without the lock. link(2) does not replace anything.
 *
 * @returns false when the file is in place, and something that is not needed any more could not be removed
 * @throws TryLaterError `Conflict` when somebody else was faster
 */
export async function writeRingFile(disk: Disk, dir: string, write: RingWrite): Promise<boolean> {
  const claim = join(dir, `.after.${write.baseGeneration}.json`);
  let isDone = false;
  try {
    await claimBase(disk, claim, write.text);
    await linkClaimed(disk, dir, { ...write, claim });
    isDone = true;
    await removeIfThere(disk, claim);
    await pruneRingFiles(disk, dir);
    return true;
  } catch (error) {
    if (isDone) return false;
    if (!isTaken(error)) await removeIfThere(disk, claim);
    throw error;
  }
}

async function claimBase(disk: Disk, claim: string, text: string): Promise<void> {
  try {
    await disk.writeNew(claim, text, modes.secretFile);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    throw conflict(`${basename(claim)} is being written by another process`, { cause: error });
  }
}

/** The claim is another's. */
const isTaken = (error: unknown): boolean => error instanceof TryLaterError && errnoOf(error.cause) === "EEXIST";

async function linkClaimed(disk: Disk, dir: string, write: RingWrite & { readonly claim: string }): Promise<void> {
  const { claim, baseGeneration, generation } = write;
  const [highest = 0] = await generationsIn(disk, dir);
  if (highest !== baseGeneration) throw conflict(`generation ${highest} is there already`);
  if (generation <= highest) {
    const path = fileOf(dir, highest);
    throw new ChangeNeededError(
      "RingUnreadable",
      `Cannot replace "${path}": must have a generation below ${generation}, which is next; move the file away`,
    );
  }
  await linkOrConflict(disk, claim, fileOf(dir, generation));
  await disk.syncDir(dir);
}

async function linkOrConflict(disk: Disk, claim: string, path: string): Promise<void> {
  try {
    await disk.link(claim, path);
  } catch (error) {
    if (["EPERM", "EOPNOTSUPP", "ENOTSUP"].includes(errnoOf(error) ?? "")) {
      const must = "must be on a file system that has hard links";
      throw new ChangeNeededError("StorageRefused", `Cannot write "${path}": ${must}`, { cause: error });
    }
    if (errnoOf(error) !== "EEXIST") throw error;
    // A file server may answer "exists" to the repetition of a request that it has carried out
    const [ours, theirs] = [await disk.entry(claim), await disk.entry(path)];
    if (ours?.identity !== theirs?.identity) throw conflict(`${basename(path)} is there already`);
  }
}

const conflict = (what: string, options?: ErrorOptions): TryLaterError =>
  new TryLaterError("Conflict", `Cannot write the key ring: must follow what was read, ${what}`, options);

/** Keeps the last three. */
async function pruneRingFiles(disk: Disk, dir: string): Promise<void> {
  const generations = await generationsIn(disk, dir);
  for (const generation of generations.slice(kept)) await removeIfThere(disk, fileOf(dir, generation));
}

export interface TidyOptions {
  readonly nowMs: number;
  /** Nobody else writes here: the lock is held. Else only a claim counts as left that is older than a minute. */
  readonly isAlone: boolean;
}

const claimLifeMs = 60_000;

/** Removes what a crash or a fault has left. */
export async function tidyRingDir(disk: Disk, dir: string, { nowMs, isAlone }: TidyOptions): Promise<void> {
  const names = (await unlessMissing(disk.names(dir))) ?? [];
  for (const name of names.filter((n) => claimName.test(n))) {
    const found = await disk.entry(join(dir, name));
    if (found && (isAlone || nowMs - found.changedAtMs > claimLifeMs)) await removeIfThere(disk, join(dir, name));
  }
  await pruneRingFiles(disk, dir);
}
