import { Argument, type Command } from "commander";
import { exitCodes } from "../../tools/exit.ts";
import { commandOf } from "../flags.ts";
import { grantsLocation, type GrantFlags, whereFlags } from "../grants-location.ts";
import type { Cli } from "../surroundings.ts";

export function backupCommand(cli: Cli): Command {
  const command = commandOf({
    name: "backup",
    summary: "write the grants of SQLite into a new file, while the issuer goes on",
    details:
      "Whole, compact and of mode 0600. To restore it: stop the issuer, put the file in the place of the database, and remove those that\nend in -wal and -shm. What was renewed since is ahead of it: see recoverGrantsUntil. PostgreSQL has pg_dump.",
    arguments: [new Argument("<file>", "where to; must not be there yet")],
    flags: whereFlags(),
    examples: [["Every night", "keyturn grants backup /backup/grants-$(date +%F).db --dir /var/lib/keyturn"]],
  });
  return command.action(async (into: string, flags: GrantFlags) => {
    const location = await grantsLocation(cli, { flags, command });
    const { backupGrants } = await import("../../issuer/store/open-grant-store.ts");
    backupGrants(location, into);
    cli.ended(exitCodes.done);
  });
}
