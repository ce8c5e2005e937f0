import { Buffer } from "node:buffer";
import { ChangeNeededError } from "../../errors/keyturn-error.ts";
import type { Grant, RevocationReason } from "../../grants/grant.ts";
import { columns, optional } from "../../sql/columns.ts";
import type { SqlRow, SqlValue } from "../../sql/database.ts";
import type { GrantRow, GrantTerms } from "./grant-row.ts";
import type { LoggedRevocation } from "./revocation-log.ts";
import { isObject } from "../../parse/object.ts";
import { dayMs } from "../../parse/duration.ts";

/** The day of an instant, from 1970-01-01, as the column `expires_day` has it. */
export const dayOf = (atMs: number): number => Math.floor(atMs / dayMs);

/** What an index can hold. */
const longestText = 1024;

/**
 * A text that is compared and indexed. Two different ones must not become one in a database, as halves of a surrogate pair would.
 *
 * @throws ChangeNeededError `InvalidText`.
 */
export function indexed(text: string, what: string): string {
  const isGood = text.isWellFormed() && !text.includes("\0") && Buffer.byteLength(text) <= longestText;
  if (isGood) return text;
  throw new ChangeNeededError(
    "InvalidText",
    `Cannot store the ${what}: must be Unicode without NUL of at most ${longestText} bytes`,
  );
}

/** The columns that a renewal writes, in the order of the statement. */
export const renewedColumns = [
  "generation",
  "current_hash",
  "previous_hash",
  "salt",
  "replaced_at_ms",
  "expires_at_ms",
  "expires_day",
  "recovered_under_ms",
] as const;

export const renewedValues = (grant: Grant): readonly SqlValue[] => [
  grant.generation,
  grant.currentHash,
  grant.previousHash ?? null,
  grant.salt ?? null,
  JSON.stringify(grant.replacedAtMs),
  grant.expiresAtMs,
  dayOf(grant.expiresAtMs),
  grant.recoveredUnderMs ?? null,
];

/** The columns that never change but for the end, in the order of {@link lastingValues}. */
export const lastingColumns = [
  "id",
  "subject",
  "client_id",
  "foreign_issuer",
  "foreign_subject",
  "audiences",
  "scopes",
  "claims",
  "access_ttl_ms",
  "asked_refresh_ttl",
  "key_thumbprint",
  "parent_id",
  "refresh_ttl_ms",
  "not_after_ms",
  "mark_key",
  "created_at_ms",
] as const;

export const lastingValues = ({ grant, terms }: GrantRow): readonly SqlValue[] => [
  grant.id,
  indexed(terms.subject, "subject"),
  indexed(terms.clientId, "client's id"),
  terms.foreign === undefined ? null : indexed(terms.foreign.issuer, "issuer"),
  terms.foreign === undefined ? null : indexed(terms.foreign.subject, "subject of the foreign token"),
  JSON.stringify(terms.audiences),
  JSON.stringify(terms.scopes),
  JSON.stringify(terms.claims),
  terms.accessTtlMs,
  terms.askedRefreshTtl ?? null,
  terms.keyThumbprint ?? null,
  terms.parentId ?? null,
  grant.refreshTtlMs,
  grant.notAfterMs ?? null,
  grant.markKey,
  grant.createdAtMs,
];

export const grantRowOf = (row: SqlRow): GrantRow => ({ grant: grantOf(row), terms: termsOf(row) });

function grantOf(row: SqlRow): Grant {
  const notAfterMs = optional.integer(row, "not_after_ms");
  const previousHash = optional.bytes(row, "previous_hash");
  const salt = optional.bytes(row, "salt");
  const recoveredUnderMs = optional.integer(row, "recovered_under_ms");
  const atMs = optional.integer(row, "revoked_at_ms");
  return {
    id: columns.bytes(row, "id"),
    markKey: columns.bytes(row, "mark_key"),
    refreshTtlMs: columns.integer(row, "refresh_ttl_ms"),
    generation: columns.integer(row, "generation"),
    currentHash: columns.bytes(row, "current_hash"),
    createdAtMs: columns.integer(row, "created_at_ms"),
    replacedAtMs: json(row, "replaced_at_ms", isNumbers),
    expiresAtMs: columns.integer(row, "expires_at_ms"),
    ...(notAfterMs !== undefined && { notAfterMs }),
    ...(previousHash && { previousHash }),
    ...(salt && { salt }),
    ...(recoveredUnderMs !== undefined && { recoveredUnderMs }),
    ...(atMs !== undefined && { revoked: { atMs, reason: reasonOf(row) } }),
  };
}

function termsOf(row: SqlRow): GrantTerms {
  const issuer = optional.text(row, "foreign_issuer");
  const askedRefreshTtl = optional.text(row, "asked_refresh_ttl");
  const keyThumbprint = optional.text(row, "key_thumbprint");
  const parentId = optional.bytes(row, "parent_id");
  return {
    subject: columns.text(row, "subject"),
    clientId: columns.text(row, "client_id"),
    audiences: json(row, "audiences", isTexts),
    scopes: json(row, "scopes", isTexts),
    claims: json(row, "claims", isObject),
    accessTtlMs: columns.integer(row, "access_ttl_ms"),
    ...(issuer !== undefined && { foreign: { issuer, subject: columns.text(row, "foreign_subject") } }),
    ...(askedRefreshTtl !== undefined && { askedRefreshTtl }),
    ...(keyThumbprint !== undefined && { keyThumbprint }),
    ...(parentId && { parentId }),
  };
}

export function revocationOf(row: SqlRow): LoggedRevocation {
  return {
    seq: columns.integer(row, "seq"),
    kind: kindOf(columns.text(row, "kind")),
    value: columns.text(row, "value"),
    atMs: columns.integer(row, "at_ms"),
    endsAtMs: columns.integer(row, "ends_at_ms"),
  };
}

function reasonOf(row: SqlRow): RevocationReason {
  const reason = columns.text(row, "revoked_reason");
  if (reason === "reused" || reason === "revoked") return reason;
  throw new TypeError(`Cannot read the column "revoked_reason": must be known`);
}

function kindOf(kind: string): LoggedRevocation["kind"] {
  if (kind === "grant" || kind === "token" || kind === "subject") return kind;
  throw new TypeError(`Cannot read the column "kind": must be known`);
}

function json<T>(row: SqlRow, name: string, is: (value: unknown) => value is T): T {
  const value: unknown = JSON.parse(columns.text(row, name));
  if (is(value)) return value;
  throw new TypeError(`Cannot read the column "${name}": must be JSON of its form`);
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");
const isNumbers = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((one) => typeof one === "number");
