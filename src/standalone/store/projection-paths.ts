import { join } from "node:path";
import { currentVersion, isVersion } from "../../files/data-dir.ts";
import type { Reader } from "../../files/disk.ts";
import { unlessMissing } from "../../files/fs-errors.ts";

/** What a projection's readers go through, from the outside: the directory, the one behind `..data`, and the files in that. */
export async function projectionPaths(
  disk: Reader,
  dir: string,
): Promise<{ readonly dirs: readonly string[]; readonly files: readonly string[] }> {
  const version = await currentVersion(disk, dir);
  // One that leads elsewhere, as `..` does, is nothing of ours
  if (version === undefined || !isVersion(version)) return { dirs: [dir], files: [] };
  const place = join(dir, version);
  const names = (await unlessMissing(disk.names(place))) ?? [];
  return { dirs: [dir, place], files: names.map((name) => join(place, name)) };
}
