import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import { quoted } from "../../errors/quote.ts";
import type { Disk } from "../../files/disk.ts";
import { smallFiles } from "../../files/small-files.ts";
import type { Chance } from "../../time/backoff.ts";
import type { Clock } from "../../time/clock.ts";
import type { FileAccess } from "../agent-spec.ts";
import type { UnfinishedFiles } from "./unfinished-files.ts";

export interface SinkPorts {
  readonly clock: Pick<Clock, "nowMs">;
  readonly chance: Chance;
  /** @param group - Of what is made */
  readonly makeDisk: (group?: number) => Disk;
  /** Of all places of an agent. */
  readonly unfinished: UnfinishedFiles;
  /** Where groups have their numbers. @default "/etc/group" */
  readonly groupFile?: string;
}

/** Whoever may read the files may look into their directory. */
export const dirModeOf = ({ mode }: FileAccess): number => 0o700 | (mode & 0o044) | ((mode & 0o044) >> 2);

/** The number of the group, and the disk that gives it to all that is made. @throws ChangeNeededError `NoSuchGroup` */
export async function diskOf(
  { group }: FileAccess,
  { makeDisk, groupFile = "/etc/group" }: SinkPorts,
): Promise<{ readonly disk: Disk; readonly gid?: number }> {
  if (group === undefined) return { disk: makeDisk() };
  const gid = isNumber(group) ? Number(group) : await groupNumber(group, groupFile);
  return { disk: makeDisk(gid), gid };
}

/** The highest one says "none" to the kernel. */
const isNumber = (text: string): boolean => /^\d{1,10}$/.test(text) && Number(text) < 0xffff_ffff;

/** @see group(5) */
async function groupNumber(name: string, groupFile: string): Promise<number> {
  const lines = (await smallFiles.read(groupFile)).split("\n").map((line) => line.split(":"));
  const number = lines.find(([found]) => found === name)?.[2];
  if (number !== undefined && isNumber(number)) return Number(number);
  const must = `must stand in "${groupFile}"; of one from elsewhere give the number`;
  throw new ChangeNeededError("NoSuchGroup", `Cannot use the group ${quoted(name)}: ${must}`);
}
