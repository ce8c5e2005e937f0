import { randomBytes, randomInt } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { dayMs, minuteMs } from "../../src/parse/duration.ts";
import type { RefreshToken } from "../../src/grants/refresh-token.ts";
import { renewedValues } from "../../src/issuer/store/grant-columns.ts";
import type { GrantRow } from "../../src/issuer/store/grant-row.ts";
import type { GrantStore } from "../../src/issuer/store/grant-store.ts";
import { renewGrant } from "../../src/issuer/store/renew-grant.ts";
import { grantStoreOn } from "../../src/issuer/store/sql-grant-store.ts";
import type { Database, Dialect } from "../../src/sql/database.ts";
import { openPostgres } from "../../src/sql/postgres.ts";
import { openSqlite } from "../../src/sql/sqlite.ts";
import { atOnce, beginGrants, connections, fillWithOthers, newGrant } from "./grants.ts";
import { bare, type BareUpdate } from "./issuer-bare.ts";

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
      judge: () => ({ isProven: false, maxRefreshTtlMs: 90 * dayMs }),
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
    const client = { ...newGrant(startMs), nowMs: startMs };
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
  const live = await beginGrants(store, Math.min(grants, 10_000), startMs);
  const clients = live.map((grant) => ({ ...grant, nowMs: startMs }));
  await fillWithOthers(database, grants - clients.length, startMs);
  const bareUpdate = dialect === "sqlite" ? bare.sqlite(path) : bare.postgres(location, connections);
  return new IssuerWorld({ database, store, bareUpdate, clients });
}
