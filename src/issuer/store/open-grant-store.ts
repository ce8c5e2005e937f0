import { existsSync } from "node:fs";
import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import { quotedPath } from "../../errors/quote.ts";
import type { Database } from "../../sql/database.ts";
import { backupSqlite } from "../../sql/sqlite-backup.ts";
import { openSqlite } from "../../sql/sqlite.ts";
import type { GrantStore } from "./grant-store.ts";
import { existingStoreOn, grantStoreOn } from "./sql-grant-store.ts";

export interface GrantStoreOptions {
  /** Of PostgreSQL, for this process. @default 10 */
  readonly maxConnections?: number;
  /** Of PostgreSQL: the longest that a statement may take. @default 5000 */
  readonly statementTimeoutMs?: number;
}

/**
 * The store that `--store` names: `sqlite:PATH`, or the URL of a PostgreSQL database, whose driver is loaded only then. Its schema is brought
 * up to date.
 *
 * @throws ChangeNeededError `StoreUnusable`, `SchemaTooNew`.
 * @throws TryLaterError `StoreAway` when it can't be reached.
 */
export async function openGrantStore(location: string, options: GrantStoreOptions = {}): Promise<GrantStore> {
  return grantStoreOn(await databaseAt(location, options));
}

/**
 * The same for a tool that comes beside an issuer: a database that is there, and has its schema. Nothing is made.
 *
 * @throws ChangeNeededError `StoreUnusable`, `SchemaTooNew`, `SchemaTooOld`.
 * @throws TryLaterError `StoreAway`.
 */
export async function openExistingStore(location: string, options: GrantStoreOptions = {}): Promise<GrantStore> {
  const path = sqlitePath(location);
  if (path !== undefined) mustBeThere(path);
  return existingStoreOn(await databaseAt(location, options));
}

/**
 * Writes what `sqlite:PATH` has now into a new file.
 *
 * @throws ChangeNeededError `StoreUnusable` when it is not there, or no file: PostgreSQL has tools of its own.
 * @throws TryLaterError `StoreAway`.
 */
export function backupGrants(location: string, into: string): void {
  const path = sqlitePath(location);
  if (path === undefined) throw new ChangeNeededError("StoreUnusable", "Cannot back up the store: must be sqlite:PATH");
  mustBeThere(path);
  backupSqlite(path, into);
}

function mustBeThere(path: string): void {
  if (existsSync(path)) return;
  throw new ChangeNeededError("StoreUnusable", `Cannot open the database ${quotedPath(path)}: must be there`);
}

const sqlitePath = (location: string): string | undefined => /^sqlite:(.+)$/s.exec(location)?.[1];

async function databaseAt(location: string, options: GrantStoreOptions): Promise<Database> {
  const path = sqlitePath(location);
  if (path !== undefined) return openSqlite(path);
  if (/^postgres(?:ql)?:\/\//.test(location)) {
    const { openPostgres } = await import("../../sql/postgres.ts");
    return openPostgres(location, options);
  }
  // It may be a URL with a password
  throw new ChangeNeededError("StoreUnusable", "Cannot open the store: must be sqlite:PATH or postgres://…");
}
