import { DatabaseSync } from "node:sqlite";
import pg from "pg";
import { renewGrantRow } from "../../src/issuer/store/statements.ts";
import { type SqlValue, textFor } from "../../src/sql/database.ts";

/** The one statement of a renewal by the bare driver: prepared, committed, and as durable as ours. */
export interface BareUpdate {
  /** Values as the statement takes them. */
  run(values: readonly SqlValue[]): Promise<void>;
  close(): Promise<void>;
}

export const bare = {
  sqlite(path: string): BareUpdate {
    const database = new DatabaseSync(path, { timeout: 1000 });
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384");
    const statement = database.prepare(textFor(renewGrantRow, "sqlite").replaceAll("$", "?"));
    return {
      async run(values) {
        expectOne(statement.all(...values));
        return Promise.resolve();
      },
      async close() {
        database.close();
        return Promise.resolve();
      },
    };
  },
  postgres(url: string, max: number): BareUpdate {
    const pool = new pg.Pool({ connectionString: url, max });
    // The server goes when the bench ends, maybe before a connection has said goodbye
    pool.on("error", () => undefined);
    const query = { name: "bare", text: textFor(renewGrantRow, "postgres") };
    return {
      async run(values) {
        expectOne((await pool.query({ ...query, values: [...values] })).rows);
      },
      close: () => pool.end(),
    };
  },
};

function expectOne({ length }: readonly unknown[]): void {
  if (length !== 1) throw new Error(`Cannot update the grant: one row must match, ${length} do`);
}
