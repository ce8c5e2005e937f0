import pg from "pg";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { type Database, type SqlRow, type SqlValue, type Statement, textFor, type Transaction } from "./database.ts";
import { awayFor, isDeadlock } from "./postgres-errors.ts";
import { PostgresListener } from "./postgres-listener.ts";
import { storeAway } from "./store-away.ts";

export interface PostgresOptions {
  /** Connections of this process beside the one that listens. @default 10 */
  readonly maxConnections?: number;
  /** How long to wait for a connection, be it a new one or one that is free. @default 5000 */
  readonly connectTimeoutMs?: number;
  /** The longest that a statement may take, and that it may wait for a lock. @default 5000 */
  readonly statementTimeoutMs?: number;
  /** Jitter of the waits before the listener connects again. @default Math.random */
  readonly chance?: () => number;
}

/** Whole numbers of 64 bits come as numbers: ours are safe integers. */
const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, Number);

/** The one channel, of the one database, that wakes the listeners of every process. */
const channel = "keyturn";

const mostDeadlocks = 5;

/**
 * A database of PostgreSQL by its URL, with TLS as that says (`sslmode=verify-full&sslrootcert=FILE`). It connects when it is first asked,
 * and anew after every error: a connection whose state nobody knows is not used again. No pooler that shares a connection
 * between transactions may lie in between: notifications and prepared statements need one of their own.
 *
 * @throws ChangeNeededError `StoreUnusable` when the URL can't be read.
 */
export function openPostgres(url: string, options: PostgresOptions = {}): Database {
  return new PostgresDatabase(url, options);
}

class PostgresDatabase implements Database {
  readonly dialect = "postgres";
  readonly #pool: pg.Pool;
  readonly #listener: PostgresListener;
  readonly #running = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(url: string, options: PostgresOptions) {
    const config = configOf(url, options);
    this.#pool = new pg.Pool({ ...config, max: options.maxConnections ?? 10 });
    // A connection that breaks while nobody uses it: the pool has let go of it
    this.#pool.on("error", () => undefined);
    // Or between two queries of one who uses it: without a listener that would end the process; the next query fails of it
    this.#pool.on("connect", (client) => client.on("error", () => undefined));
    this.#listener = new PostgresListener(() => new pg.Client(config), channel, options.chance ?? Math.random);
  }

  read(statement: Statement, values: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    return this.#with((client) => run(client, statement, values));
  }

  write(statement: Statement, values: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    return this.#with((client) => run(client, statement, values));
  }

  async transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    for (let deadlocks = 0; ; deadlocks++) {
      try {
        return await this.#borrow((client) => inTransaction(client, work));
      } catch (error) {
        if (!isDeadlock(error) || deadlocks >= mostDeadlocks) throw awayFor(error);
      }
    }
  }

  onWake(listener: () => void): () => void {
    return this.#listener.add(listener);
  }

  async check(): Promise<void> {
    const [row] = await this.#with((client) => run(client, canWrite, []));
    if (row?.["can_write"] !== true) throw storeAway("it takes no writes");
  }

  load(): ReturnType<Database["load"]> {
    const { totalCount, idleCount, waitingCount } = this.#pool;
    return { busy: totalCount - idleCount, waiting: waitingCount };
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // The pool refuses those that still wait for a connection
    await Promise.allSettled([this.#listener.close(), ...this.#running]);
    await this.#pool.end();
  }

  async #with<T>(use: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    try {
      return await this.#borrow(use);
    } catch (error) {
      throw awayFor(error);
    }
  }

  /** Rejects with the driver's errors; a connection that had one is closed. */
  async #borrow<T>(use: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw storeAway("it is closed");
    const used = this.#use(use);
    this.#running.add(used);
    return used.finally(() => this.#running.delete(used));
  }

  async #use<T>(use: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let isGood = false;
    try {
      const result = await use(client);
      isGood = true;
      return result;
    } finally {
      client.release(!isGood);
    }
  }
}

const canWrite: Statement = {
  name: "can-write",
  text: "SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off' AS can_write",
};

function configOf(url: string, options: PostgresOptions): pg.ClientConfig {
  const { connectTimeoutMs = 5000, statementTimeoutMs = 5000 } = options;
  if (!URL.canParse(url)) {
    // The URL may hold a password
    throw new ChangeNeededError(
      "StoreUnusable",
      "Cannot read the URL of the database: must look like postgres://user@host/name",
    );
  }
  return {
    connectionString: url,
    application_name: "keyturn",
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    lock_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: 2 * statementTimeoutMs,
    // For a server that says nothing any more
    query_timeout: 2 * statementTimeoutMs,
    // Of a write that came too late we want to hear, not to fail
    options: "-c default_transaction_isolation=read\\ committed",
    keepAlive: true,
    types,
  };
}

async function run(
  client: pg.ClientBase,
  statement: Statement,
  values: readonly SqlValue[],
): Promise<readonly SqlRow[]> {
  const query = { name: statement.name, text: textFor(statement, "postgres"), values: [...values] };
  const { rows } = await client.query<Record<string, unknown>>(query);
  return rows;
}

async function inTransaction<T>(client: pg.ClientBase, work: (transaction: Transaction) => Promise<T>): Promise<T> {
  await client.query("BEGIN ISOLATION LEVEL READ COMMITTED");
  const result = await work(transactionOn(client));
  await client.query("COMMIT");
  return result;
}

/** The longest timer of Node.js. */
const untimed = (text: string): pg.QueryConfig & { readonly query_timeout: number } => ({
  text,
  query_timeout: 2 ** 31 - 1,
});

function transactionOn(client: pg.ClientBase): Transaction {
  return {
    dialect: "postgres",
    run: (statement, values = []) => run(client, statement, values),
    async script(text) {
      await client.query("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0");
      await client.query(untimed(text));
    },
    async lock(key) {
      await run(client, { name: "lock", text: "SELECT pg_advisory_xact_lock($1)" }, [key]);
    },
    async wake() {
      await run(client, { name: "wake", text: "SELECT pg_notify($1, '')" }, [channel]);
    },
  };
}
