import { Buffer } from "node:buffer";
import type { RevocationReason } from "../../grants/grant.ts";
import { minuteMs } from "../../parse/duration.ts";
import { durations } from "../../ring/resource/limits.ts";
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
    const children: Ended[] = [];
    for (const part of chunks(level)) {
      const ids = JSON.stringify(part.map(({ grant }) => Buffer.from(grant.id).toString("hex")));
      children.push(...(await transaction.run(endChildren, [...first, ids])).map(endedOf));
    }
    ended.push(...children);
    level = children;
  }
  const longestMs = ended.reduce((most, { accessTtlMs }) => Math.max(most, accessTtlMs), 0);
  const at = { nowMs: end.nowMs, tokensEndAtMs: tokensEndOf(end, longestMs) };
  await writeRevocations(transaction, { kind: "grant", values: ended.map(({ grant }) => sidOf(grant.id)), at });
  return ended.map(({ grant }) => grant);
}

/** What may lie between a row's commit and the `iat` that is signed after it, and between two clocks; in milliseconds. */
export const signingSlackMs = 2 * minuteMs;

/** The longest that verifiers may take a token for good after its end. */
const leewayMs = 2 * durations.clockSkew.mostMs + signingSlackMs;

/** When the last access token of a grant with this TTL ends, at the latest. */
export const tokensEndOf = ({ nowMs, tokensEndAtMs }: EndTime, accessTtlMs: number): number =>
  Math.min(tokensEndAtMs, nowMs + accessTtlMs + leewayMs);

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

interface Ended {
  readonly grant: EndedGrant;
  readonly accessTtlMs: number;
}

const endedOf = (row: SqlRow): Ended => ({
  grant: {
    id: columns.bytes(row, "id"),
    subject: columns.text(row, "subject"),
    clientId: columns.text(row, "client_id"),
  },
  accessTtlMs: columns.integer(row, "access_ttl_ms"),
});
