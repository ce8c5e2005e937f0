import { dirname } from "node:path";
import type { Reader } from "../../files/disk.ts";

/** The directories, from the top, that let neither everybody nor that group go on to the directory. Access lists are not looked at. */
export async function closedOnTheWay(disk: Reader, dir: string, group: number): Promise<readonly string[]> {
  const above = dirname(dir) === dir ? [] : await closedOnTheWay(disk, dirname(dir), group);
  const found = await disk.entry(dir);
  const isOpen =
    found === undefined || (found.mode & 0o001) !== 0 || (found.gid === group && (found.mode & 0o010) !== 0);
  return isOpen ? above : [...above, dir];
}
