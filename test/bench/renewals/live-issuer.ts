import { rm } from "node:fs/promises";
import { formatRefreshToken } from "../../../src/grants/refresh-token.ts";
import { renewedValues } from "../../../src/issuer/store/grant-columns.ts";
import { grantStoreOn } from "../../../src/issuer/store/sql-grant-store.ts";
import type { Dialect } from "../../../src/sql/database.ts";
import { openPostgres } from "../../../src/sql/postgres.ts";
import { openSqlite } from "../../../src/sql/sqlite.ts";
import { atOnce, beginGrants, connections, fillWithOthers, type LiveGrant } from "../grants.ts";
import { bare } from "../issuer-bare.ts";
import { end } from "../sidecar/processes.ts";
import { type IssuerProcess, issuerOn } from "./issuer-process.ts";
import type { Renewals } from "./load.ts";

/** Grants of a database: those that are renewed, and the rest. */
export interface GrantCounts {
  readonly live: number;
  readonly others: number;
}

export interface LiveIssuer extends IssuerProcess {
  readonly renewals: Renewals;
  /** The one UPDATE of a renewal by the bare driver on the same database, for the client of that number. */
  update(client: number): Promise<void>;
  end(): Promise<void>;
}

/** @param location - A file that is not there, or the URL of an empty database */
export async function liveIssuer(
  dialect: Dialect,
  { location, folder }: { readonly location: string; readonly folder: string },
  { live, others }: GrantCounts,
): Promise<LiveIssuer> {
  const database =
    dialect === "sqlite" ? openSqlite(location) : openPostgres(location, { statementTimeoutMs: 600_000 });
  const store = await grantStoreOn(database);
  const grants = await beginGrants(store, live, Date.now());
  const updated = await beginGrants(store, atOnce, Date.now());
  await fillWithOthers(database, others, Date.now());
  await store.close();
  const issuer = await issuerOn(dialect === "sqlite" ? `sqlite:${location}` : location, folder);
  const bareUpdate = dialect === "sqlite" ? bare.sqlite(location) : bare.postgres(location, connections);
  return {
    ...issuer,
    renewals: { port: issuer.port, clients: dealt(grants) },
    async update(client) {
      const grant = updated[client]?.row.grant;
      if (grant) await bareUpdate.run([grant.id, grant.generation, ...renewedValues(grant)]);
    },
    async end() {
      await bareUpdate.close();
      await end(issuer.child);
      if (dialect === "sqlite") await Promise.all(["", "-wal", "-shm"].map((of) => rm(location + of, { force: true })));
    },
  };
}

const dealt = (grants: readonly LiveGrant[]): string[][] =>
  Array.from({ length: atOnce }, (_, client) =>
    grants.filter((_grant, at) => at % atOnce === client).map(({ token }) => formatRefreshToken(token)),
  );
