import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { quoted } from "../errors/quote.ts";
import { smallFiles } from "./small-files.ts";

/** The number of a group that is given by its name or its number. @see group(5) @throws ChangeNeededError `NoSuchGroup` */
export async function groupIdOf(group: string, groupFile = "/etc/group"): Promise<number> {
  if (isNumber(group)) return Number(group);
  const lines = (await smallFiles.read(groupFile)).split("\n").map((line) => line.split(":"));
  const number = lines.find(([found]) => found === group)?.[2];
  if (number !== undefined && isNumber(number)) return Number(number);
  const must = `must stand in "${groupFile}"; of one from elsewhere give the number`;
  throw new ChangeNeededError("NoSuchGroup", `Cannot use the group ${quoted(group)}: ${must}`);
}

/** The highest one says "none" to the kernel. */
const isNumber = (text: string): boolean => /^\d{1,10}$/.test(text) && Number(text) < 0xffff_ffff;
