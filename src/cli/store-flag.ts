import { join } from "node:path";
import type { Command, Option } from "commander";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { quotedPath } from "../errors/quote.ts";
import { flag } from "./flags.ts";
import { UsageError } from "./report-error.ts";
import type { Cli } from "./surroundings.ts";

/** Where the grants are. */
export interface StoreFlags {
  readonly store?: string;
  readonly storeFile?: string;
}

/** @param otherwise - What is in force without them, for people. */
export const storeFlags = (otherwise?: string): readonly Option[] => [
  flag(
    "--store <location>",
    "where the grants are: sqlite:PATH, or the URL of a PostgreSQL database without its password",
    otherwise === undefined ? {} : { otherwise },
  ),
  flag(
    "--store-file <file>",
    "a file with that in one line: there, and in the environment, a password may stand in it",
  ),
];

/**
 * The location that the flags name; undefined without any. A password does not go on a command line, which everybody on the machine can
 * read (proc(5), `/proc/pid/cmdline`).
 *
 * @throws UsageError
 * @throws ChangeNeededError `FileUnreadable`
 */
export async function storeLocation(
  { store, storeFile }: StoreFlags,
  { cli, command }: { readonly cli: Pick<Cli, "readFile">; readonly command: Command },
): Promise<string | undefined> {
  const given = (["store", "storeFile"] as const).filter((name) => command.getOptionValue(name) !== undefined);
  const onLine = given.filter((name) => command.getOptionValueSource(name) === "cli");
  // A flag wins over the environment
  const [name, another] = onLine.length > 0 ? onLine : given;
  if (another !== undefined) throw new UsageError("Cannot use --store with --store-file: must be one of them");
  if (name === "storeFile" && storeFile !== undefined) return lineOf(await cli.readFile(storeFile), storeFile);
  if (store !== undefined && onLine.length > 0 && hasPassword(store)) {
    throw new UsageError(
      "Cannot use --store with a password: must stand in --store-file, KEYTURN_STORE, PGPASSWORD or a passfile (PGPASSFILE)",
    );
  }
  return store;
}

/** Where the grants of `keyturn standalone` are that runs an issuer. */
export const storeInDirectory = (dir: string): string => `sqlite:${join(dir, "grants.db")}`;

/** In the place of a password, or among the parameters, where the driver takes it, too. */
function hasPassword(location: string): boolean {
  if (!URL.canParse(location)) return false;
  const { password, searchParams } = new URL(location);
  return password !== "" || searchParams.has("password");
}

/** Nothing of it is told: it may be another file. */
function lineOf(text: string, path: string): string {
  const line = text.trim();
  if (line !== "" && !/[\u0000-\u001f\u007f]/.test(line)) return line;
  throw new ChangeNeededError("FileUnreadable", `Cannot use --store-file ${quotedPath(path)}: must hold one line`);
}
