import { closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { quotedPath } from "../errors/quote.ts";
import { storeAway } from "./store-away.ts";

/**
 * Writes the database as it is now into a new file of mode 0600, whole and compact. It holds up no writer, but this thread until it is
 * done: so it is for a process of its own, beside the one that has the database.
 *
 * @throws TryLaterError `StoreAway` when the one can't be read, or the other is there already or can't be written.
 */
export function backupSqlite(path: string, into: string): void {
  try {
    closeSync(openSync(into, "wx", 0o600));
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      database.prepare("VACUUM INTO ?").run(into);
    } finally {
      database.close();
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw storeAway(`no backup could be written to ${quotedPath(into)} (${reason})`, { cause: error });
  }
}
