import { basename, dirname, join } from "node:path";
import { removeIfThere } from "../../files/atomic.ts";
import type { Disk } from "../../files/disk.ts";
import { unlessMissing } from "../../files/fs-errors.ts";
import type { Chance } from "../../time/backoff.ts";

/** So many directories are remembered: they come and go with their identities. */
const mostDirs = 1000;
const form = /^\.(.+)\.keyturn-[\da-f]{12}$/;

/**
 * A name for what is being written: beside the file, hidden, and another one for each writer. So one that should not be there never gets hold of half of
 * another's file; it only has to begin anew.
 */
export function unfinishedName(path: string, chance: Chance): string {
  const digits = Math.floor(chance() * 2 ** 48).toString(16);
  return join(dirname(path), `.${basename(path)}.keyturn-${digits.padStart(12, "0")}`);
}

/** What processes that were killed left unfinished. Each directory is listed once, however many files of ours are in it. */
export class UnfinishedFiles {
  readonly #found = new Map<string, Promise<ReadonlyMap<string, readonly string[]>>>();

  /** Removes what was to become this file. */
  async remove(disk: Disk, path: string): Promise<void> {
    const dir = dirname(path);
    if (this.#found.size >= mostDirs && !this.#found.has(dir)) this.#found.clear();
    const found = this.#found.get(dir) ?? listUnfinished(disk, dir);
    this.#found.set(dir, found);
    try {
      for (const name of (await found).get(basename(path)) ?? []) await removeIfThere(disk, join(dir, name));
    } catch (error) {
      this.#found.delete(dir);
      throw error;
    }
  }
}

async function listUnfinished(disk: Disk, dir: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const names = (await unlessMissing(disk.names(dir))) ?? [];
  return Map.groupBy(
    names.filter((name) => form.test(name)),
    (name) => form.exec(name)?.[1] ?? "",
  );
}
