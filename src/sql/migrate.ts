import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { columns } from "./columns.ts";
import type { Database, Dialect, Statement, Transaction } from "./database.ts";

/** One step of the schema, for each dialect; its place in the list, from 1, is its version. Never changed once it is released. */
export type Migration = Readonly<Record<Dialect, string>>;

/** "keyturn", as one number of 53 bits. */
const lockKey = 0x6b_65_79_74_75_72;

const createVersions = "CREATE TABLE IF NOT EXISTS schema_versions (version INTEGER PRIMARY KEY)";
const versionQuery: Statement = {
  name: "schema-version",
  text: "SELECT coalesce(max(version), 0) AS version FROM schema_versions",
};
const writeVersion: Statement = { name: "schema-step", text: "INSERT INTO schema_versions (version) VALUES ($1)" };

/**
 * Brings the schema to the last of these versions: forwards only, all steps or none, and one process at a time. Who comes second finds
 * nothing left to do.
 *
 * @throws ChangeNeededError `SchemaTooNew` for a database of a newer program.
 */
export function migrate(database: Database, migrations: readonly Migration[]): Promise<void> {
  return database.transaction(async (transaction) => {
    await transaction.lock(lockKey);
    await transaction.script(createVersions);
    const version = await versionOf(transaction);
    if (version > migrations.length) throw tooNew(version, migrations.length);
    for (const [index, migration] of migrations.entries()) {
      if (index < version) continue;
      await transaction.script(migration[transaction.dialect]);
      await transaction.run(writeVersion, [index + 1]);
    }
  });
}

const findVersions: Statement = {
  name: "find-schema-versions",
  text: {
    sqlite: "SELECT 1 FROM sqlite_schema WHERE name = 'schema_versions'",
    postgres: "SELECT 1 WHERE to_regclass('schema_versions') IS NOT NULL",
  },
};

/**
 * That the schema is the last of these versions; changes nothing: for a tool that comes beside the program whose database it is.
 *
 * @throws ChangeNeededError `SchemaTooNew`, `SchemaTooOld`
 */
export function requireSchema(database: Database, migrations: readonly Migration[]): Promise<void> {
  return database.transaction(async (transaction) => {
    const isThere = (await transaction.run(findVersions)).length > 0;
    const version = isThere ? await versionOf(transaction) : 0;
    if (version > migrations.length) throw tooNew(version, migrations.length);
    if (version < migrations.length) throw tooOld(version, migrations.length);
  });
}

async function versionOf(transaction: Transaction): Promise<number> {
  const [row = {}] = await transaction.run(versionQuery);
  return columns.integer(row, "version");
}

const tooNew = (found: number, known: number): ChangeNeededError =>
  new ChangeNeededError(
    "SchemaTooNew",
    `Cannot use the database of schema ${found}: must be at most ${known}, so a newer Keyturn was here; start that one`,
  );

const tooOld = (found: number, known: number): ChangeNeededError =>
  new ChangeNeededError(
    "SchemaTooOld",
    `Cannot use the database of schema ${found}: must be ${known}, to which an issuer of this version brings it`,
  );
