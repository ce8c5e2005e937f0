import { randomBytes, randomInt } from "node:crypto";
import { dayMs, minuteMs } from "../../src/parse/duration.ts";
import type { RefreshToken } from "../../src/grants/refresh-token.ts";
import { beginGrant } from "../../src/grants/renew.ts";
import type { GrantRow } from "../../src/issuer/store/grant-row.ts";
import type { GrantStore } from "../../src/issuer/store/grant-store.ts";
import type { Database, Dialect } from "../../src/sql/database.ts";

/** So many clients renew at once. */
export const atOnce = 32;
/** Connections to PostgreSQL, of ours and of the bare driver. */
export const connections = 10;

const clientCount = 20;
/** Whose grants they are. */
export const clientIds: readonly string[] = Array.from({ length: clientCount }, (_, n) => `client-${n}`);

/** A grant that can be renewed, and its newest token. */
export interface LiveGrant {
  readonly row: GrantRow;
  readonly token: RefreshToken;
}

export function newGrant(nowMs: number): LiveGrant {
  const seed = { id: randomBytes(16), markKey: randomBytes(32), secret: randomBytes(32) };
  const { grant, token } = beginGrant(seed, { refreshTtlMs: 90 * dayMs }, { nowMs });
  const terms = {
    subject: `agent-${randomInt(2 ** 40)}`,
    clientId: clientIds[randomInt(clientCount)] ?? "",
    audiences: ["api"],
    scopes: ["read", "write"],
    claims: { team: "blue" },
    accessTtlMs: 60 * minuteMs,
  };
  return { row: { grant, terms }, token };
}

/** Writes grants that can be renewed, and answers them. */
export async function beginGrants(store: GrantStore, count: number, nowMs: number): Promise<readonly LiveGrant[]> {
  const grants = Array.from({ length: count }, () => newGrant(nowMs));
  for (let from = 0; from < count; from += 500) {
    await Promise.all(grants.slice(from, from + 500).map(({ row }) => store.begin(row)));
  }
  return grants;
}

/** Writes so many grants that nobody renews, of the size of one that was. */
export async function fillWithOthers(database: Database, count: number, nowMs: number): Promise<void> {
  await database.transaction(async (transaction) => transaction.script(fill[database.dialect](count, nowMs)));
  await database.transaction(async (transaction) => transaction.script("ANALYZE"));
}

const columns = `INSERT INTO grants (id, subject, client_id, audiences, scopes, claims, access_ttl_ms, refresh_ttl_ms, mark_key,
  generation, current_hash, previous_hash, salt, created_at_ms, replaced_at_ms, expires_at_ms, expires_day)`;
const terms = `'["api"]', '["read","write"]', '{"team":"blue"}', 3600000, 7776000000`;
const timesFrom = (nowMs: number): string => `'[${Array.from({ length: 8 }, () => nowMs).join()}]'`;
const endsFrom = (nowMs: number): string => `${nowMs} + n * 7776, (${nowMs} + n * 7776) / 86400000`;

const fill: Readonly<Record<Dialect, (rows: number, nowMs: number) => string>> = {
  sqlite: (rows, nowMs) => `${columns}
    WITH RECURSIVE s (n) AS (SELECT 1 WHERE ${rows} > 0 UNION ALL SELECT n + 1 FROM s WHERE n < ${rows})
    SELECT randomblob(16), 'filler-' || n, 'client-' || (n % ${clientCount}), ${terms}, randomblob(32), 8, randomblob(32), randomblob(32),
      randomblob(32), ${nowMs}, ${timesFrom(nowMs)}, ${endsFrom(nowMs)} FROM s`,
  postgres: (rows, nowMs) => `${columns}
    SELECT uuid_send(gen_random_uuid()), 'filler-' || n, 'client-' || (n % ${clientCount}), ${terms}, sha256(n::text::bytea), 8,
      sha256(n::text::bytea), sha256(n::text::bytea), sha256(n::text::bytea), ${nowMs}, ${timesFrom(nowMs)}, ${endsFrom(nowMs)}
    FROM generate_series(1, ${rows}::bigint) AS s (n)`,
};

/** What one of the clients does again and again. */
export type Act = (client: number) => Promise<void>;

/** How often a second it is done by all of them at once. */
export async function rateOf(act: Act, forMs: number): Promise<number> {
  const start = performance.now();
  let done = 0;
  const client = async (_: unknown, turn: number): Promise<void> => {
    for (; performance.now() - start < forMs; done++) await act(turn);
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  return (done * 1000) / (performance.now() - start);
}
