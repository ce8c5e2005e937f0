import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type SqlRow, type SqlValue, type Statement, textFor } from "./database.ts";
import { storeAway } from "./store-away.ts";

interface Prepared {
  readonly statement: StatementSync;
  /** Which value each `?` is, from 1. */
  readonly order: readonly number[];
}

/** One connection, which keeps its statements prepared. Every call blocks. */
export class SqliteConnection {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, Prepared>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  run(statement: Statement, values: readonly SqlValue[]): readonly SqlRow[] {
    return this.#try(() => {
      const prepared = this.#prepare(statement);
      return prepared.statement.all(...prepared.order.map((place) => values[place - 1] ?? null));
    });
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

  /** To SQLite `$1` is a name; `?1` would be the first value, but not for every version of Node.js. */
  #prepare(statement: Statement): Prepared {
    const known = this.#prepared.get(statement.name);
    if (known !== undefined) return known;
    const order: number[] = [];
    const text = textFor(statement, "sqlite").replaceAll(/\$(\d+)/g, (_, place) => {
      order.push(Number(place));
      return "?";
    });
    const prepared = { statement: this.#database.prepare(text), order };
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
