import type { Command, Option } from "commander";
import { flag } from "./flags.ts";
import { UsageError } from "./report-error.ts";
import { type StoreFlags, storeFlags, storeInDirectory, storeLocation } from "./store-flag.ts";
import type { Cli } from "./surroundings.ts";

/** Where they are. */
export interface GrantFlags extends StoreFlags {
  /** Of `keyturn standalone`. */
  readonly dir?: string;
}

export const whereFlags = (): readonly Option[] => [
  flag("-d, --dir <directory>", "directory of keyturn standalone, which has the grants of its issuer"),
  ...storeFlags(),
];

/**
 * Where the grants are that a tool is to look at.
 *
 * @throws UsageError
 * @throws ChangeNeededError `FileUnreadable`
 */
export async function grantsLocation(
  cli: Cli,
  { flags, command }: { readonly flags: GrantFlags; readonly command: Command },
): Promise<string> {
  const { dir, ...rest } = flags;
  const stored = await storeLocation(rest, { cli, command });
  const isOnLine = (name: string): boolean => command.getOptionValueSource(name) === "cli";
  if (dir !== undefined && isOnLine("dir")) {
    if (!isOnLine("store") && !isOnLine("storeFile")) return storeInDirectory(dir);
    throw new UsageError("Cannot use --dir with --store or --store-file: must be one of them");
  }
  const location = stored ?? (dir === undefined ? undefined : storeInDirectory(dir));
  if (location !== undefined) return location;
  throw new UsageError("Cannot find the grants: must have --dir, --store or --store-file");
}
