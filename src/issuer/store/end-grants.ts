import { Buffer } from "node:buffer";
import type { RevocationReason } from "../../grants/grant.ts";
import { columns } from "../../sql/columns.ts";
import type { SqlRow, SqlValue, Statement, Transaction } from "../../sql/database.ts";
import { sidOf } from "./grant-row.ts";
import type { EndedGrant, EndTime } from "./grant-store.ts";
import type { LoggedRevocation } from "./revocation-log.ts";
import { endChildren, insertRevocations, lastSeq } from "./statements.ts";

/** Which grants end first, before their children. */
export interface End extends EndTime {
  readonly statement: Statement;
  /** From the third on. */
  readonly values: readonly SqlValue[];
  readonly reason: RevocationReason;
}

/** "revoke": one transaction at a time writes revocations, so that `seq` rises in the order of the commits. */
const lockKey = 0x72_65_76_6f_6b_65;

/** Rows of one statement. */
const chunk = 1000;

export const lockRevocations = (transaction: Transaction): Promise<void> => transaction.lock(lockKey);

/**
 * Ends these grants, then their children, level by level: each statement sees what was committed before it has the lock of the parent, and
 * a child that begins locks its parent too. Call {@link lockRevocations} first.
 */
export async function endGrants(transaction: Transaction, end: End): Promise<readonly EndedGrant[]> {
  const first = [end.nowMs, end.reason];
  let level = (await transaction.run(end.statement, [...first, ...end.values])).map(endedOf);
  const ended = [...level];
  while (level.length > 0) {
    const children: EndedGrant[] = [];
    for (const part of chunks(level)) {
      const ids = JSON.stringify(part.map(({ id }) => Buffer.from(id).toString("hex")));
      children.push(...(await transaction.run(endChildren, [...first, ids])).map(endedOf));
    }
    ended.push(...children);
    level = children;
  }
  await writeRevocations(transaction, { kind: "grant", values: ended.map(({ id }) => sidOf(id)), at: end });
  return ended;
}

/** Each value once. Call {@link lockRevocations} first. */
export async function writeRevocations(
  transaction: Transaction,
  {
    kind,
    values,
    at,
  }: { readonly kind: LoggedRevocation["kind"]; readonly values: readonly string[]; readonly at: EndTime },
): Promise<void> {
  if (values.length === 0) return;
  const [row = {}] = await transaction.run(lastSeq);
  // By the clock: also after a restored backup it is above all that was given out before
  let seq = Math.max(columns.integer(row, "seq") + 1, at.nowMs * 1000);
  for (const part of chunks(values)) {
    await transaction.run(insertRevocations, [kind, JSON.stringify(part), seq, at.nowMs, at.tokensEndAtMs]);
    seq += part.length;
  }
  await transaction.wake();
}

function* chunks<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < list.length; from += chunk) yield list.slice(from, from + chunk);
}

const endedOf = (row: SqlRow): EndedGrant => ({
  id: columns.bytes(row, "id"),
  subject: columns.text(row, "subject"),
  clientId: columns.text(row, "client_id"),
});
