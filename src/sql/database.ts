/** What both databases take and give alike; whole numbers are safe integers. */
export type SqlValue = string | number | Uint8Array | null;

export type SqlRow = Readonly<Record<string, unknown>>;

export type Dialect = "sqlite" | "postgres";

/** One statement, written for both, with `$1` for the first value. */
export interface Statement {
  /** One name for one text in the whole program: under it a connection keeps the statement prepared. */
  readonly name: string;
  readonly text: string | Readonly<Record<Dialect, string>>;
}

export interface Transaction {
  readonly dialect: Dialect;
  run(statement: Statement, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  /** Several statements without values: for migrations. Takes as long as it takes. */
  script(text: string): Promise<void>;
  /** Waits until no other transaction has this lock, and keeps it to the end. SQLite has one writer: nothing to wait for. */
  lock(key: number): Promise<void>;
  /** Calls every listener of {@link Database.onWake}, in every process, after the commit. */
  wake(): Promise<void>;
}

/** For metrics. */
export interface DatabaseLoad {
  /** Connections in use, or writers. */
  readonly busy: number;
  /** Calls that wait for one. */
  readonly waiting: number;
}

/**
 * A database: what both of them can do, and the little that they do differently. A write is durable when it resolves, and is there as a whole
 * or not at all when it rejects.
 *
 * Every method rejects with TryLaterError `StoreAway` when the database can't be reached, takes too long, is read-only or full.
 */
export interface Database {
  readonly dialect: Dialect;
  /** Sees what is committed, nothing else. */
  read(statement: Statement, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  /** A transaction of one statement. */
  write(statement: Statement, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  /**
   * Commits when `work` resolves, READ COMMITTED at the least; takes all back when it rejects. `work` awaits nothing but its statements,
   * and may run again from its start after a deadlock.
   */
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
  /** Until the function that it returns is called. May call for nothing; never misses a wake, but is late while the connection is away. */
  onWake(listener: () => void): () => void;
  /** Resolves if the database answers and takes writes. Says nothing of a disk that is about to be full. */
  check(): Promise<void>;
  load(): DatabaseLoad;
  /** Waits for what runs; refuses what comes after. */
  close(): Promise<void>;
}

export const textFor = ({ text }: Statement, dialect: Dialect): string =>
  typeof text === "string" ? text : text[dialect];
