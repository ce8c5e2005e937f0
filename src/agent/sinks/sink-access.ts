import type { Disk } from "../../files/disk.ts";
import { groupIdOf } from "../../files/groups.ts";
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
  { makeDisk, groupFile }: SinkPorts,
): Promise<{ readonly disk: Disk; readonly gid?: number }> {
  if (group === undefined) return { disk: makeDisk() };
  const gid = await groupIdOf(group, groupFile);
  return { disk: makeDisk(gid), gid };
}
