import type { Grant } from "../../grants/grant.ts";
import type { TokenRevocation } from "../../jwt/revoked-set.ts";
import { columns } from "../../sql/columns.ts";
import type { Database, SqlValue, Statement } from "../../sql/database.ts";
import { migrate, requireSchema } from "../../sql/migrate.ts";
import { dayOf, grantRowOf, indexed, lastingValues, renewedValues, revocationOf } from "./grant-columns.ts";
import { type End, endGrants, lockRevocations, writeRevocations } from "./end-grants.ts";
import type { GrantRow } from "./grant-row.ts";
import type {
  EndedGrant,
  EndTime,
  GrantPage,
  GrantQuery,
  GrantSelector,
  GrantStore,
  StoreLoad,
} from "./grant-store.ts";
import type { PruneRequest, LoggedRevocation, RevocationSnapshot } from "./revocation-log.ts";
import { migrations } from "./schema.ts";
import { SharedFinds } from "./shared-finds.ts";
import * as sql from "./statements.ts";

/** The grants in a database, whose schema is brought up to date first. @throws as {@link migrate}; the database is closed then. */
export const grantStoreOn = (database: Database): Promise<GrantStore> => storeOn(database, migrate);

/** The same in a database whose schema is as it must be. @throws as {@link requireSchema}; the database is closed then. */
export const existingStoreOn = (database: Database): Promise<GrantStore> => storeOn(database, requireSchema);

async function storeOn(database: Database, prepare: typeof migrate): Promise<GrantStore> {
  try {
    await prepare(database, migrations);
  } catch (error) {
    await database.close();
    throw error;
  }
  return new SqlGrantStore(database);
}

class SqlGrantStore implements GrantStore {
  readonly #database: Database;
  /** Absent where a query costs no round trip. */
  readonly #shared: SharedFinds | undefined;

  constructor(database: Database) {
    this.#database = database;
    this.#shared = database.dialect === "postgres" ? new SharedFinds(database) : undefined;
  }

  async begin(row: GrantRow): Promise<"begun" | "parent-ended"> {
    const values = [...lastingValues(row), ...renewedValues(row.grant)];
    const { parentId } = row.terms;
    if (parentId === undefined) {
      await this.#database.write(sql.insertGrant, values);
      return "begun";
    }
    return this.#database.transaction(async (transaction) => {
      const parents = await transaction.run(sql.lockParent, [parentId]);
      if (parents.length === 0) return "parent-ended";
      await transaction.run(sql.insertGrant, values);
      return "begun";
    });
  }

  async find(id: Uint8Array): Promise<GrantRow | undefined> {
    const row = this.#shared ? await this.#shared.find(id) : (await this.#database.read(sql.findGrant, [id]))[0];
    return row && grantRowOf(row);
  }

  async tokenRevocations({
    jti,
    subject,
  }: Parameters<GrantStore["tokenRevocations"]>[0]): Promise<readonly TokenRevocation[]> {
    return (await this.#database.read(sql.tokenRevocations, [jti, subject])).map(revocationOf);
  }

  async renew(next: Grant, from: number): Promise<boolean> {
    const rows = await this.#database.write(sql.renewGrantRow, [next.id, from, ...renewedValues(next)]);
    return rows.length > 0;
  }

  async endReused(id: Uint8Array, from: number, at: EndTime): Promise<readonly EndedGrant[] | undefined> {
    const end: End = { ...at, statement: sql.endGrant.generation, values: [id, from], reason: "reused" };
    const ended = await this.#end(end);
    return ended.length > 0 ? ended : undefined;
  }

  async revoke(whose: GrantSelector, at: EndTime): Promise<readonly EndedGrant[]> {
    const end = { ...at, reason: "revoked" } as const;
    switch (whose.kind) {
      case "grant":
        return this.#end({ ...end, statement: sql.endGrant.grant, values: [whose.id] });
      case "client":
        return this.#end({ ...end, statement: sql.endGrant.client, values: [indexed(whose.clientId, "client's id")] });
      case "subject": {
        const subject = indexed(whose.subject, "subject");
        return this.#end({ ...end, statement: sql.endGrant.subject, values: [subject] }, subject);
      }
    }
  }

  async list(query: GrantQuery): Promise<GrantPage> {
    const { after = new Uint8Array(), limit } = query;
    const { statement, values } = pageOf(query);
    // One more tells whether there is another page
    const found = await this.#database.read(statement, [after, limit + 1, ...values]);
    const rows = found.slice(0, limit).map(grantRowOf);
    const next = found.length > limit ? rows.at(-1)?.grant.id : undefined;
    return { rows, ...(next && { next }) };
  }

  async pruneGrants({ endedBeforeMs, limit }: PruneRequest): Promise<number> {
    return (await this.#database.write(sql.pruneGrants, [dayOf(endedBeforeMs), limit])).length;
  }

  async count(nowMs: number): Promise<number> {
    const [row = {}] = await this.#database.read(sql.countGrants, [dayOf(nowMs)]);
    return columns.integer(row, "count");
  }

  async revokeToken(
    jti: string,
    { nowMs, endsAtMs }: { readonly nowMs: number; readonly endsAtMs: number },
  ): Promise<void> {
    const values = [indexed(jti, "token's id")];
    return this.#database.transaction(async (transaction) => {
      await lockRevocations(transaction);
      await writeRevocations(transaction, { kind: "token", values, at: { nowMs, tokensEndAtMs: endsAtMs } });
    });
  }

  async revocations(nowMs: number): Promise<RevocationSnapshot> {
    const all = (await this.#database.read(sql.allRevocations)).map(revocationOf);
    return { seq: all.at(-1)?.seq ?? 0, revocations: all.filter(({ endsAtMs }) => endsAtMs > nowMs) };
  }

  async revocationsAfter(seq: number, limit: number): Promise<readonly LoggedRevocation[]> {
    return (await this.#database.read(sql.laterRevocations, [seq, limit])).map(revocationOf);
  }

  onRevocation(listener: () => void): () => void {
    return this.#database.onWake(listener);
  }

  async pruneRevocations({ endedBeforeMs, limit }: PruneRequest): Promise<number> {
    return (await this.#database.write(sql.pruneRevocations, [endedBeforeMs, limit])).length;
  }

  check(): Promise<void> {
    return this.#database.check();
  }

  load(): StoreLoad {
    return this.#database.load();
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  #end(end: End, subject?: string): Promise<readonly EndedGrant[]> {
    return this.#database.transaction(async (transaction) => {
      await lockRevocations(transaction);
      const ended = await endGrants(transaction, end);
      if (subject !== undefined) await writeRevocations(transaction, { kind: "subject", values: [subject], at: end });
      return ended;
    });
  }
}

interface PageRead {
  readonly statement: Statement;
  /** From the third on. */
  readonly values: readonly SqlValue[];
}

function pageOf({ of, state }: GrantQuery): PageRead {
  const is = state?.is ?? "any";
  const when = state === undefined || state.is === "revoked" ? [] : [state.nowMs];
  const byDay = [...when, ...when.map(dayOf)];
  switch (of?.kind) {
    case undefined:
      return { statement: sql.listGrants[is], values: is === "expired" ? byDay : when };
    case "subject":
      return { statement: sql.listSubject[is], values: [of.subject, ...when] };
    case "client":
      return {
        statement: sql.listClient[is],
        values: is === "expired" ? [...byDay, of.clientId] : [of.clientId, ...when],
      };
    case "parent":
      return { statement: sql.listChildren[is], values: [of.id, ...when] };
  }
}
