import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import type { Database } from "../../sql/database.ts";
import { openSqlite } from "../../sql/sqlite.ts";
import type { GrantStore } from "./grant-store.ts";
import { grantStoreOn } from "./sql-grant-store.ts";

export interface GrantStoreOptions {
  /** Of PostgreSQL, for this process. @default 10 */
  readonly maxConnections?: number;
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

async function databaseAt(location: string, options: GrantStoreOptions): Promise<Database> {
  const path = /^sqlite:(.+)$/s.exec(location)?.[1];
  if (path !== undefined) return openSqlite(path);
  if (/^postgres(?:ql)?:\/\//.test(location)) {
    const { openPostgres } = await import("../../sql/postgres.ts");
    return openPostgres(location, options);
  }
  // It may be a URL with a password
  throw new ChangeNeededError("StoreUnusable", "Cannot open the store: must be sqlite:PATH or postgres://…");
}
