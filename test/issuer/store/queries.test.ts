import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Grant } from "../../../src/grants/grant.ts";
import { renewedValues } from "../../../src/issuer/store/grant-columns.ts";
import { migrations } from "../../../src/issuer/store/schema.ts";
import { grantStoreOn } from "../../../src/issuer/store/sql-grant-store.ts";
import { findGrants } from "../../../src/issuer/store/shared-finds.ts";
import * as statements from "../../../src/issuer/store/statements.ts";
import { type Database, type Dialect, type Statement, textFor } from "../../../src/sql/database.ts";
import { migrate } from "../../../src/sql/migrate.ts";
import { dayMs, newGrant } from "./support/grants.ts";
import { ask, dialects, type EmptyDatabase, emptyDatabase } from "../../sql/support/databases.ts";

/** 20,000 grants of 5,000 subjects, and 20,000 revocations. */
const series: Readonly<Record<Dialect, { readonly from: string; readonly id: string }>> = {
  sqlite: {
    from: "(WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 20000) SELECT n FROM s) AS s",
    id: "unhex(printf('%032x', n))",
  },
  postgres: { from: "generate_series(1, 20000) AS s (n)", id: "decode(lpad(to_hex(n), 32, '0'), 'hex')" },
};

const fill = ({ from, id }: (typeof series)[Dialect]): string => `
  INSERT INTO grants (id, subject, client_id, audiences, scopes, claims, access_ttl_ms, parent_id, refresh_ttl_ms, mark_key, generation,
    current_hash, created_at_ms, replaced_at_ms, expires_at_ms, expires_day)
  SELECT ${id}, 'subject ' || (n % 5000), 'client ' || (n % 5000), '[]', '[]', '{}', 1, CASE WHEN n % 2 = 0 THEN ${id} END, 1, ${id}, 0,
    ${id}, 0, '[]', n, n / 100 FROM ${from};
  INSERT INTO revocations (kind, value, seq, at_ms, ends_at_ms) SELECT 'grant', 'value ' || n, n, 0, n FROM ${from};
  ANALYZE;`;

const all = [...Object.values(statements), findGrants].flatMap((one): readonly Statement[] =>
  "name" in one ? [one] : Object.values(one),
);
/** They read or write by no condition, or say that they read everything. */
const wholeTables = ["insert-grant", "insert-revocations", "all-revocations", "count-grants"];

describe.each(dialects)("on %s", (dialect) => {
  let empty: EmptyDatabase;
  let database: Database;

  beforeAll(async () => {
    empty = await emptyDatabase(dialect);
    database = empty.open();
    await migrate(database, migrations);
    await database.transaction((transaction) => transaction.script(fill(series[dialect])));
  });
  afterAll(() => empty[Symbol.asyncDispose]());

  async function planOf(statement: Statement): Promise<string> {
    const explain = dialect === "sqlite" ? "EXPLAIN QUERY PLAN" : "EXPLAIN (GENERIC_PLAN)";
    const text = `${explain} ${textFor(statement, dialect)}`;
    // PostgreSQL's plan is the one for whatever values, as a prepared statement has it; it takes none, so it can't be prepared itself
    const rows =
      dialect === "sqlite"
        ? await database.read({ name: `explain-${statement.name}`, text })
        : await ask(empty.location, text);
    return rows.map((row) => String(row["detail"] ?? row["QUERY PLAN"])).join("\n");
  }

  it.each(all.filter(({ name }) => !wholeTables.includes(name)))("$name uses an index", async (statement) => {
    const plan = await planOf(statement);
    expect(plan).toMatch(dialect === "sqlite" ? /USING (COVERING |INTEGER PRIMARY KEY|INDEX)/ : /Index/);
    expect(plan).not.toMatch(
      dialect === "sqlite" ? /SCAN (grants|revocations)(?! USING)/ : /Seq Scan on (grants|revocations)/,
    );
  });

  if (dialect === "postgres") {
    it("a renewal within the day writes no index (HOT), and one into the next day does", async () => {
      const { row } = newGrant();
      const { grant } = row;
      await (await grantStoreOn(empty.open())).begin(row);
      const hot = { name: "hot", text: "SELECT pg_stat_get_xact_tuples_hot_updated('grants'::regclass) AS hot" };
      const hotUpdatesOf = (next: Grant): Promise<number> =>
        database.transaction(async (transaction) => {
          const count = async (): Promise<number> => Number((await transaction.run(hot))[0]?.["hot"]);
          const before = await count();
          await transaction.run(statements.renewGrantRow, [next.id, next.generation - 1, ...renewedValues(next)]);
          return (await count()) - before;
        });
      const sameDay = { ...grant, generation: 1, replacedAtMs: [1], expiresAtMs: grant.expiresAtMs + 1 };
      expect(await hotUpdatesOf(sameDay)).toBe(1);
      expect(await hotUpdatesOf({ ...sameDay, generation: 2, expiresAtMs: grant.expiresAtMs + dayMs })).toBe(0);
    });
  }

  it("a statement without a condition is seen to use none", async () => {
    const plan = await planOf({ name: "by-hash", text: "SELECT id FROM grants WHERE current_hash = $1" });
    expect(plan).toMatch(dialect === "sqlite" ? /SCAN grants$/ : /Seq Scan on grants/);
  });
});
