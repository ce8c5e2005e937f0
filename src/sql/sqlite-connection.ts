import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type SqlRow, type SqlValue, type Statement, textFor } from "./database.ts";
import { storeAway } from "./store-away.ts";

/** One connection, which keeps its statements prepared. Every call blocks. */
export class SqliteConnection {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  run(statement: Statement, values: readonly SqlValue[]): readonly SqlRow[] {
    return this.#try(() => this.#prepare(statement).all(...values));
  }

  exec(text: string): void {
    this.#try(() => this.#database.exec(text));
  }

  /** False also after an error that took a whole transaction back, as a full disk does. */
  get isInTransaction(): boolean {
    return this.#database.isTransaction;
  }

  close(): void {
    this.#database.close();
  }

  #prepare(statement: Statement): StatementSync {
    const known = this.#prepared.get(statement.name);
    if (known !== undefined) return known;
    // `$1` is a name to SQLite, `?1` the first value
    const prepared = this.#database.prepare(textFor(statement, "sqlite").replaceAll(/\$(\d+)/g, "?$1"));
    this.#prepared.set(statement.name, prepared);
    return prepared;
  }

  /** SQLite's messages name tables and columns, never values. */
  #try<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      throw storeAway(error instanceof Error ? error.message : String(error), { cause: error });
    }
  }
}
