import { randomBytes, randomInt } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { RefreshToken } from "../../src/grants/refresh-token.ts";
import { beginGrant } from "../../src/grants/renew.ts";
import { renewedValues } from "../../src/issuer/store/grant-columns.ts";
import type { GrantRow } from "../../src/issuer/store/grant-row.ts";
import type { GrantStore } from "../../src/issuer/store/grant-store.ts";
import { renewGrant } from "../../src/issuer/store/renew-grant.ts";
import { grantStoreOn } from "../../src/issuer/store/sql-grant-store.ts";
import type { Database, Dialect } from "../../src/sql/database.ts";
import { openPostgres } from "../../src/sql/postgres.ts";
import { openSqlite } from "../../src/sql/sqlite.ts";
import { bare, type BareUpdate } from "./issuer-bare.ts";

/** So many clients renew at once. */
export const atOnce = 32;
/** Connections, of ours and of the bare driver. */
const connections = 10;

const minuteMs = 60_000;
const startMs = Date.UTC(2026, 0, 1);

/** A grant that is renewed, by ours and by the bare driver in turns. */
interface Client {
  row: GrantRow;
  token: RefreshToken;
  nowMs: number;
}

/** A database with many grants, some of which are renewed. */
export class IssuerWorld {
  readonly store: GrantStore;
  readonly #database: Database;
  readonly #bare: BareUpdate;
  readonly #clients: readonly Client[];

  constructor(parts: { database: Database; store: GrantStore; bareUpdate: BareUpdate; clients: readonly Client[] }) {
    this.store = parts.store;
    this.#database = parts.database;
    this.#bare = parts.bareUpdate;
    this.#clients = parts.clients;
  }

  /** One renewal, as the issuer does it. `turn`: who of those at once asks; each has grants of his own. */
  renew(turn: number): Promise<void> {
    return this.#renew(this.#clientOf(turn));
  }

  async #renew(client: Client): Promise<void> {
    client.nowMs += 5 * minuteMs;
    const done = await renewGrant<never>(this.store, {
      shown: client.token,
      nowMs: client.nowMs,
      tokensEndAtMs: client.nowMs,
      salt: randomBytes(32),
      policy: { retryWindowMs: minuteMs / 2 },
      judge: () => ({ isProven: false, maxRefreshTtlMs: 90 * 1440 * minuteMs }),
    });
    if (done.kind !== "granted" || done.why !== "current") throw new Error(`Cannot renew: ${done.kind}`);
    client.token = done.successor;
    client.row = done.row;
  }

  /** The same statement with values of the same kind, and nothing else. */
  async update(turn: number): Promise<void> {
    const { grant } = this.#clientOf(turn).row;
    await this.#bare.run([grant.id, grant.generation, ...renewedValues(grant)]);
  }

  /** Renewals of one grant, one after the other; answers how many rows there are more than before. */
  async rowsAfter(renewals: number): Promise<number> {
    const count = async (): Promise<number> => {
      const [row] = await this.#database.read({ name: "rows", text: "SELECT count(*) AS n FROM grants" });
      return Number(row?.["n"]);
    };
    const before = await count();
    const client = newClient();
    await this.store.begin(client.row);
    for (let n = 0; n < renewals; n++) await this.#renew(client);
    return (await count()) - before;
  }

  async close(): Promise<void> {
    await this.#bare.close();
    await this.store.close();
  }

  #clientOf(turn: number): Client {
    const client = this.#clients[randomInt(Math.floor(this.#clients.length / atOnce)) * atOnce + turn];
    if (client === undefined) throw new Error("Cannot choose a client: there must be one");
    return client;
  }
}

/** `location` is a folder, or the URL of an empty database. */
export async function issuerWorld(dialect: Dialect, location: string, grants: number): Promise<IssuerWorld> {
  const path = join(location, `${grants}.db`);
  if (dialect === "sqlite") await rm(path, { force: true });
  const database =
    dialect === "sqlite"
      ? openSqlite(path)
      : openPostgres(location, { maxConnections: connections, statementTimeoutMs: 600_000 });
  const store = await grantStoreOn(database);
  const clients = Array.from({ length: Math.min(grants, 10_000) }, newClient);
  for (let from = 0; from < clients.length; from += 500)
    await Promise.all(clients.slice(from, from + 500).map(({ row }) => store.begin(row)));
  await database.transaction(async (transaction) => transaction.script(fill[dialect](grants - clients.length)));
  await database.transaction(async (transaction) => transaction.script("ANALYZE"));
  const bareUpdate = dialect === "sqlite" ? bare.sqlite(path) : bare.postgres(location, connections);
  return new IssuerWorld({ database, store, bareUpdate, clients });
}

function newClient(): Client {
  const seed = { id: randomBytes(16), markKey: randomBytes(32), secret: randomBytes(32) };
  const lifetime = { refreshTtlMs: 90 * 1440 * minuteMs };
  const { grant, token } = beginGrant(seed, lifetime, { nowMs: startMs });
  const terms = {
    subject: `agent-${randomInt(2 ** 40)}`,
    clientId: `client-${randomInt(1000)}`,
    audiences: ["https://api.example"],
    scopes: ["read", "write"],
    claims: { team: "blue" },
    accessTtlMs: 60 * minuteMs,
  };
  return { row: { grant, terms }, token, nowMs: startMs };
}

/** Grants that nobody renews, of the size of one that was. */
const fillerColumns = `INSERT INTO grants (id, subject, client_id, audiences, scopes, claims, access_ttl_ms, refresh_ttl_ms, mark_key,
  generation, current_hash, previous_hash, salt, created_at_ms, replaced_at_ms, expires_at_ms, expires_day)`;
const fillerRest = `'["https://api.example"]', '["read","write"]', '{"team":"blue"}', 3600000, 7776000000`;
const times = `'[${Array.from({ length: 8 }, () => startMs).join()}]'`;
const ends = `${startMs} + n * 7776, (${startMs} + n * 7776) / 86400000`;

const fill: Readonly<Record<Dialect, (rows: number) => string>> = {
  sqlite: (rows) => `${fillerColumns}
    WITH RECURSIVE s (n) AS (SELECT 1 WHERE ${rows} > 0 UNION ALL SELECT n + 1 FROM s WHERE n < ${rows})
    SELECT randomblob(16), 'filler-' || n, 'client-' || (n % 1000), ${fillerRest}, randomblob(32), 8, randomblob(32), randomblob(32),
      randomblob(32), ${startMs}, ${times}, ${ends} FROM s`,
  postgres: (rows) => `${fillerColumns}
    SELECT uuid_send(gen_random_uuid()), 'filler-' || n, 'client-' || (n % 1000), ${fillerRest}, sha256(n::text::bytea), 8,
      sha256(n::text::bytea), sha256(n::text::bytea), sha256(n::text::bytea), ${startMs}, ${times}, ${ends}
    FROM generate_series(1, ${rows}::bigint) AS s (n)`,
};
