import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";

/** A place in Keyturn's folder of the user's cache. */
export function inCache(...parts: readonly string[]): string {
  const { XDG_CACHE_HOME: cache = join(homedir(), ".cache") } = process.env;
  return join(cache, "keyturn", ...parts);
}

/** Has a folder made beside its place, so that whoever finds it there finds it whole. @param make - Gets an empty folder */
export async function fill(place: string, make: (fresh: string) => Promise<void>): Promise<void> {
  const root = dirname(place);
  await mkdir(root, { recursive: true });
  const fresh = await mkdtemp(join(root, `${basename(place)}-`));
  try {
    await make(fresh);
    await rm(place, { recursive: true, force: true });
    await rename(fresh, place);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** The last line of what went wrong: what a program that failed ends with. */
export function lastWords(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split("\n").at(-1) ?? text;
}
