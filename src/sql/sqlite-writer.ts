import { setImmediate } from "node:timers/promises";
import { columns } from "./columns.ts";
import type { DatabaseLoad, SqlRow, SqlValue, Statement, Transaction } from "./database.ts";
import type { SqliteConnection } from "./sqlite-connection.ts";
import { isOwnError, storeAway } from "./store-away.ts";

/** One call that waits to be written. */
interface Job {
  /** Does its part of the transaction that is open; rejects or throws when it must be taken back. */
  readonly run: () => Promise<void> | void;
  /** After the commit. */
  readonly succeed: () => void;
  readonly fail: (error: unknown) => void;
}

/** So many calls at most share a commit: what one of them waits for at the most. */
const mostPerCommit = 128;

const dataVersion: Statement = { name: "data-version", text: "PRAGMA data_version" };

/**
 * The one connection that writes. A commit costs a sync of the disk, so calls that came in meanwhile share the next one: each
 * is whole or not there, also beside one that fails, and each hears only after the commit.
 */
export class SqliteWriter {
  readonly #connection: SqliteConnection;
  readonly #onWake: () => void;
  readonly #waiting: Job[] = [];
  #running: Promise<void> | undefined;
  #isClosed = false;
  #isWakeDue = false;
  #seenVersion: number;

  constructor(connection: SqliteConnection, onWake: () => void) {
    this.#connection = connection;
    this.#onWake = onWake;
    this.#seenVersion = this.#dataVersion();
  }

  /** A statement is whole or not there by itself. */
  statement(statement: Statement, values: readonly SqlValue[]): Promise<readonly SqlRow[]> {
    return this.#enqueue((resolve) => {
      resolve(this.#connection.run(statement, values));
    });
  }

  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#enqueue(async (resolve) => {
      this.#connection.exec("SAVEPOINT job");
      try {
        resolve(await work(this.#transaction));
      } catch (error) {
        if (this.#connection.isInTransaction) this.#connection.exec("ROLLBACK TO job; RELEASE job");
        throw error;
      }
      this.#connection.exec("RELEASE job");
    });
  }

  /** Whether another process committed since this was asked last. */
  hasOthersWritten(): boolean {
    const version = this.#dataVersion();
    const isNew = version !== this.#seenVersion;
    this.#seenVersion = version;
    return isNew;
  }

  load(): DatabaseLoad {
    return { busy: this.#running === undefined ? 0 : 1, waiting: this.#waiting.length };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
    this.#connection.close();
  }

  readonly #transaction: Transaction = {
    dialect: "sqlite",
    run: async (statement, values = []) => Promise.resolve(this.#connection.run(statement, values)),
    script: async (text) => {
      this.#connection.exec(text);
      return Promise.resolve();
    },
    lock: () => Promise.resolve(),
    wake: () => {
      this.#isWakeDue = true;
      return Promise.resolve();
    },
  };

  #enqueue<T>(run: (resolve: (value: T) => void) => Promise<void> | void): Promise<T> {
    if (this.#isClosed) return Promise.reject(storeAway("it is closed"));
    return new Promise<T>((resolve, fail) => {
      let result: T;
      const keep = (value: T): void => {
        result = value;
      };
      this.#waiting.push({ run: () => run(keep), succeed: () => resolve(result), fail });
      this.#running ??= this.#drain();
    });
  }

  async #drain(): Promise<void> {
    // Whoever comes in the same turn of the event loop comes along
    while (this.#waiting.length > 0) {
      await setImmediate();
      await this.#commit(this.#waiting.splice(0, mostPerCommit));
    }
    this.#running = undefined;
  }

  async #commit(jobs: readonly Job[]): Promise<void> {
    const written: Job[] = [];
    try {
      // A rollback may have failed, too
      if (this.#connection.isInTransaction) this.#connection.exec("ROLLBACK");
      this.#connection.exec("BEGIN IMMEDIATE");
      for (const job of jobs) if (await this.#try(job)) written.push(job);
      this.#connection.exec("COMMIT");
    } catch (error) {
      this.#isWakeDue = false;
      // Some of them have failed before, of their own: a promise is settled once
      for (const job of jobs) job.fail(isOwnError(error) ? error : storeAway("a transaction failed", { cause: error }));
      this.#takeBack();
      return;
    }
    for (const job of written) job.succeed();
    if (this.#isWakeDue) this.#onWake();
    this.#isWakeDue = false;
  }

  /** Whether it is to be committed. One that fails takes only its own part back, unless SQLite took all of it. */
  async #try(job: Job): Promise<boolean> {
    try {
      await job.run();
      return true;
    } catch (error) {
      job.fail(error);
      if (!this.#connection.isInTransaction) throw error;
      return false;
    }
  }

  #takeBack(): void {
    try {
      if (this.#connection.isInTransaction) this.#connection.exec("ROLLBACK");
    } catch {
      // The disk is away: the next transaction tries it again
    }
  }

  #dataVersion(): number {
    const [row = {}] = this.#connection.run(dataVersion, []);
    return columns.integer(row, "data_version");
  }
}
