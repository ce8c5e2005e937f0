import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { inject } from "vitest";
import type { Database, Dialect } from "../../../src/sql/database.ts";
import { openPostgres } from "../../../src/sql/postgres.ts";
import { openSqlite } from "../../../src/sql/sqlite.ts";

/** A busy machine is no server that is away. */
const patient = { connectTimeoutMs: 60_000, statementTimeoutMs: 30_000 };

export const dialects: readonly Dialect[] = ["sqlite", "postgres"];

/** An empty database, for as many as want to open it. */
export interface EmptyDatabase {
  readonly dialect: Dialect;
  /** As `--store` takes it. */
  readonly location: string;
  open(): Database;
  /** Deletes every row of these tables. */
  empty(...tables: readonly string[]): Promise<void>;
  /** Closes what was opened. */
  [Symbol.asyncDispose](): Promise<void>;
}

export async function emptyDatabase(dialect: Dialect, server = inject("postgres")): Promise<EmptyDatabase> {
  return dialect === "sqlite" ? emptyFile() : emptyOn(server);
}

async function emptyFile(): Promise<EmptyDatabase> {
  const folder = await mkdtemp(join(tmpdir(), "keyturn-sqlite-"));
  const path = join(folder, "grants.db");
  const opened = new Opened(() => openSqlite(path));
  return {
    dialect: "sqlite",
    location: `sqlite:${path}`,
    open: () => opened.open(),
    empty: (...tables) => opened.empty(tables),
    async [Symbol.asyncDispose]() {
      await opened.close();
      await rm(folder, { recursive: true });
    },
  };
}

async function emptyOn(server: string): Promise<EmptyDatabase> {
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await ask(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = name;
  const opened = new Opened(() => openPostgres(url.href, patient));
  return {
    dialect: "postgres",
    location: url.href,
    open: () => opened.open(),
    empty: (...tables) => opened.empty(tables),
    async [Symbol.asyncDispose]() {
      await opened.close();
      await ask(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}

class Opened {
  readonly #open: () => Database;
  readonly #all: Database[] = [];

  constructor(open: () => Database) {
    this.#open = open;
  }

  open(): Database {
    const database = this.#open();
    this.#all.push(database);
    return database;
  }

  async empty(tables: readonly string[]): Promise<void> {
    const [database] = this.#all;
    await database?.transaction((transaction) =>
      transaction.script(tables.map((one) => `DELETE FROM ${one};`).join("")),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((database) => database.close()));
  }
}

/** One statement of the administrator, beside everything of ours. */
export async function ask(url: string, text: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}
