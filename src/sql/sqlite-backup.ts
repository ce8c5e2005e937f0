import { closeSync, fsyncSync, openSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { errnoOf, fileProblem } from "../errors/errno-words.ts";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { quotedPath } from "../errors/quote.ts";
import { storeAway } from "./store-away.ts";

/**
 * Writes the database as it is now into a new file of mode 0600, whole and compact, and synced. It holds up no writer, but this thread until
 * it is done: so it is for a process of its own, beside the one that has the database.
 *
 * @throws ChangeNeededError `FileUnfit` when the new file can't be made, or is there already.
 * @throws TryLaterError `StoreAway` when the one can't be read, or the other can't be written: nothing of it is left.
 */
export function backupSqlite(path: string, into: string): void {
  create(into);
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      database.prepare("VACUUM INTO ?").run(into);
    } finally {
      database.close();
    }
    // SQLite itself does not
    for (const one of [into, dirname(into)]) sync(one);
  } catch (error) {
    rmSync(into, { force: true });
    const reason = error instanceof Error ? error.message : String(error);
    throw storeAway(`no backup could be written to ${quotedPath(into)} (${reason})`, { cause: error });
  }
}

function create(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    const why = fileProblem(error) ?? "it can't";
    const must = errnoOf(error) === "EEXIST" ? "must not be there yet" : `must be a file that can be made: ${why}`;
    throw new ChangeNeededError("FileUnfit", `Cannot back up to ${quotedPath(path)}: ${must}`);
  }
}

function sync(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
