import { chmodSync, closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { fileProblem } from "../errors/errno-words.ts";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { quotedPath } from "../errors/quote.ts";
import type { Database, SqlRow, SqlValue, Statement } from "./database.ts";
import { SqliteConnection } from "./sqlite-connection.ts";
import { SqliteWriter } from "./sqlite-writer.ts";
import { storeAway } from "./store-away.ts";

export interface SqliteOptions {
  /** How long a lock of another process, such as a command's, may hold up everything. @default 1000 */
  readonly busyTimeoutMs?: number;
  /** How often to look for what another process wrote, while somebody listens. @default 100 */
  readonly lookEveryMs?: number;
}

/**
 * A database in a file, which is made if it is not there, with mode 0600 as those beside it. One connection writes, in the order of
 * the calls, and those that wait share a commit; another one reads what is committed. A commit is on the disk when it resolves.
 *
 * The file must be on a disk of this machine: locks over NFS can't be trusted.
 *
 * @throws ChangeNeededError `StoreUnusable` when the file can't be opened or is no database.
 */
export function openSqlite(path: string, options: SqliteOptions = {}): Database {
  try {
    return new SqliteDatabase(path, options);
  } catch (error) {
    const reason = fileProblem(error) ?? (error instanceof Error ? error.message : String(error));
    const message = `Cannot open the database ${quotedPath(path)}: must be a file of SQLite that may be written (${reason})`;
    throw new ChangeNeededError("StoreUnusable", message, { cause: error });
  }
}

class SqliteDatabase implements Database {
  readonly dialect = "sqlite";
  readonly #writer: SqliteWriter;
  readonly #reader: SqliteConnection;
  readonly #listeners = new Set<() => void>();
  readonly #lookEveryMs: number;
  #look: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(path: string, { busyTimeoutMs = 1000, lookEveryMs = 100 }: SqliteOptions) {
    makePrivate(path);
    const connection = openWriter(path, busyTimeoutMs);
    this.#reader = new SqliteConnection(new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs }));
    this.#writer = new SqliteWriter(connection, () => this.#wake());
    this.#lookEveryMs = lookEveryMs;
  }

  async read(statement: Statement, values: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    if (this.#isClosed) throw storeAway("it is closed");
    return Promise.resolve(this.#reader.run(statement, values));
  }

  write(statement: Statement, values: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    return this.#writer.statement(statement, values);
  }

  transaction: Database["transaction"] = (work) => this.#writer.transaction(work);

  onWake(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.#look ??= setInterval(() => this.#lookForOthers(), this.#lookEveryMs).unref();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#look);
      this.#look = undefined;
    };
  }

  async check(): Promise<void> {
    await this.transaction(() => Promise.resolve());
  }

  load(): ReturnType<Database["load"]> {
    return this.#writer.load();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#look);
    // Before the writer: the last one to close moves everything into the one file, and the reader may write nothing
    this.#reader.close();
    await this.#writer.close();
  }

  #wake(): void {
    for (const listener of this.#listeners) listener();
  }

  #lookForOthers(): void {
    if (this.#writer.hasOthersWritten()) this.#wake();
  }
}

/** The files beside it get the mode of this one. */
function makePrivate(path: string): void {
  closeSync(openSync(path, "a", 0o600));
  chmodSync(path, 0o600);
}

function openWriter(path: string, timeout: number): SqliteConnection {
  const database = new DatabaseSync(path, { timeout });
  // Each commit is synced; WAL: readers and the writer don't wait for each other
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  // At most so many KiB of pages in memory; what a burst made of the WAL is given back
  database.exec("PRAGMA cache_size = -16384; PRAGMA journal_size_limit = 67108864; PRAGMA trusted_schema = OFF");
  return new SqliteConnection(database);
}
