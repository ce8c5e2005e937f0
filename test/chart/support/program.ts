import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../../../hack/run.ts";

/** The long flags of a command, by the reference that is made from the program. */
export async function flagsOf(command: string): Promise<readonly string[]> {
  const reference = await readFile(join(root, "docs/cli.md"), "utf8");
  const [, section = ""] = reference.split(`\n## keyturn ${command}\n`);
  const [own = ""] = section.split("\n## ");
  return [...own.matchAll(/^\| `(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag = ""]) => flag);
}
