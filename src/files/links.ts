import { realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, join } from "node:path";
import { mustBeOurs, type Reader } from "./disk.ts";
import { RefusedEntryError, unlessMissing } from "./fs-errors.ts";

/** As many as Linux follows. */
const mostLinks = 40;

/**
 * Where the links from this path end: the path itself where it is none. Nothing need stand there, but the directory for it.
 *
 * @throws RefusedEntryError for a link of a foreign owner, one that leads round in a circle, or to no directory that is there
 */
export async function endOfLinks(disk: Reader, path: string): Promise<string> {
  let end = path;
  for (let links = 0; ; links++) {
    const found = await disk.entry(end);
    if (found?.type !== "link") break;
    mustBeOurs(end, found, { type: "link", trusts: (uid) => disk.trusts(uid) });
    if (links === mostLinks) throw new RefusedEntryError(path, "must lead somewhere, its links lead round in a circle");
    const target = await disk.target(end);
    // Not yet normalized: a part of it may be a link, above which the kernel knows another directory
    end = isAbsolute(target) ? target : `${dirname(end)}/${target}`;
  }
  if (end === path) return path;
  const dir = await unlessMissing(realpath(dirname(end)));
  if (dir !== undefined) return join(dir, basename(end));
  throw new RefusedEntryError(path, `must lead into a directory that is there, leads to "${end}"`);
}
