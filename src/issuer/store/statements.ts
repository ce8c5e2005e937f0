import type { Statement } from "../../sql/database.ts";
import { lastingColumns, renewedColumns } from "./grant-columns.ts";

const inserted = [...lastingColumns, ...renewedColumns];
const placeholders = inserted.map((_, index) => `$${index + 1}`);
const renewed = renewedColumns.map((column, index) => `${column} = $${index + 3}`);

export const insertGrant: Statement = {
  name: "insert-grant",
  text: `INSERT INTO grants (${inserted.join(", ")}) VALUES (${placeholders.join(", ")})`,
};

/** The lock keeps the parent from being revoked before the child is there. */
export const lockParent: Statement = {
  name: "lock-parent",
  text: {
    sqlite: "SELECT 1 FROM grants WHERE id = $1 AND revoked_at_ms IS NULL",
    postgres: "SELECT 1 FROM grants WHERE id = $1 AND revoked_at_ms IS NULL FOR SHARE",
  },
};

export const findGrant: Statement = { name: "find-grant", text: "SELECT * FROM grants WHERE id = $1" };

/** The one write of a renewal. */
export const renewGrantRow: Statement = {
  name: "renew-grant",
  text: `UPDATE grants SET ${renewed.join(", ")} WHERE id = $1 AND generation = $2 AND revoked_at_ms IS NULL RETURNING 1`,
};

const endText = (where: string): string =>
  `UPDATE grants SET revoked_at_ms = $1, revoked_reason = $2 WHERE ${where} AND revoked_at_ms IS NULL RETURNING id, subject, client_id, access_ttl_ms`;

export const endGrant = {
  grant: { name: "end-grant", text: endText("id = $3") },
  generation: { name: "end-generation", text: endText("id = $3 AND generation = $4") },
  subject: { name: "end-subject", text: endText("subject = $3") },
  client: { name: "end-client", text: endText("client_id = $3") },
};

/** The children of many grants at once; `$3` is a list in JSON of their ids in hex. */
export const endChildren: Statement = {
  name: "end-children",
  text: {
    sqlite: endText("parent_id IN (SELECT unhex(value) FROM json_each($3))"),
    postgres: endText("parent_id IN (SELECT decode(value, 'hex') FROM json_array_elements_text($3::json))"),
  },
};

const onConflict = `
  ON CONFLICT (kind, value) DO UPDATE SET seq = excluded.seq, at_ms = excluded.at_ms,
    ends_at_ms = CASE WHEN excluded.ends_at_ms > revocations.ends_at_ms THEN excluded.ends_at_ms ELSE revocations.ends_at_ms END`;

/** `$1` kind; `$2` a list in JSON of values, each there once; `$3` the seq of the first, those of the others follow; `$4` at; `$5` end. */
export const insertRevocations: Statement = {
  name: "insert-revocations",
  text: {
    // Without WHERE, ON would be read as of a join
    sqlite: `INSERT INTO revocations (kind, value, seq, at_ms, ends_at_ms)
      SELECT $1, value, $3 + key, $4, $5 FROM json_each($2) WHERE true ${onConflict}`,
    postgres: `INSERT INTO revocations (kind, value, seq, at_ms, ends_at_ms)
      SELECT $1::text, value, $3::bigint + n - 1, $4::bigint, $5::bigint
      FROM json_array_elements_text($2::json) WITH ORDINALITY AS list (value, n) ${onConflict}`,
  },
};

export const lastSeq: Statement = {
  name: "last-seq",
  text: "SELECT coalesce(max(seq), 0) AS seq FROM revocations",
};

export const allRevocations: Statement = {
  name: "all-revocations",
  text: "SELECT seq, kind, value, at_ms, ends_at_ms FROM revocations ORDER BY seq",
};

/** `$1` a token's id, `$2` a subject. */
export const tokenRevocations: Statement = {
  name: "token-revocations",
  text: `SELECT seq, kind, value, at_ms, ends_at_ms FROM revocations
    WHERE (kind = 'token' AND value = $1) OR (kind = 'subject' AND value = $2)`,
};

export const laterRevocations: Statement = {
  name: "later-revocations",
  text: "SELECT seq, kind, value, at_ms, ends_at_ms FROM revocations WHERE seq > $1 ORDER BY seq LIMIT $2",
};

const owners = { subject: "subject", client: "client_id", parent: "parent_id" } as const;

/** `$1` the id before the page, `$2` how many, then whose, then when, where it is asked for. Each page is read from an index, wherever it is. */
const page = (name: string, ...where: readonly string[]): Statement => ({
  name,
  text: `SELECT * FROM grants WHERE ${[...where, "id > $1"].join(" AND ")} ORDER BY id LIMIT $2`,
});

/** Expired are few, since they are forgotten: they are found by their day, `$4`, before anything is put in order; then whose. */
const expiredPage = (name: string, ...where: readonly string[]): Statement => ({
  name,
  text: `WITH expired AS MATERIALIZED (
      SELECT * FROM grants WHERE expires_day <= $4 AND revoked_at_ms IS NULL AND expires_at_ms <= $3)
    SELECT * FROM expired WHERE ${[...where, "id > $1"].join(" AND ")} ORDER BY id LIMIT $2`,
});

const pagesOf = (owner: keyof typeof owners) => {
  const is = `${owners[owner]} = $3`;
  return {
    any: page(`list-${owner}`, is),
    active: page(`list-${owner}-active`, is, "revoked_at_ms IS NULL AND expires_at_ms > $4"),
    expired: page(`list-${owner}-expired`, is, "revoked_at_ms IS NULL AND expires_at_ms <= $4"),
    revoked: page(`list-${owner}-revoked`, is, "revoked_at_ms IS NOT NULL"),
  };
};

export const listGrants = {
  any: page("list-grants"),
  active: page("list-active", "revoked_at_ms IS NULL AND expires_at_ms > $3"),
  expired: expiredPage("list-expired"),
  revoked: page("list-revoked", "revoked_at_ms IS NOT NULL"),
};
export const listSubject = pagesOf("subject");
/** It may have most of all grants. */
export const listClient = { ...pagesOf("client"), expired: expiredPage("list-client-expired", "client_id = $5") };
export const listChildren = pagesOf("parent");

const expired = "SELECT id FROM grants WHERE expires_day < $1 ORDER BY expires_day LIMIT $2";

/** What somebody else has locked waits for the next time. */
export const pruneGrants: Statement = {
  name: "prune-grants",
  text: {
    sqlite: `DELETE FROM grants WHERE id IN (${expired}) RETURNING 1`,
    postgres: `DELETE FROM grants WHERE id = ANY (ARRAY(${expired} FOR UPDATE SKIP LOCKED)) RETURNING 1`,
  },
};

const ended = `SELECT seq FROM revocations
  WHERE ends_at_ms <= $1 AND seq < (SELECT max(seq) FROM revocations) ORDER BY ends_at_ms LIMIT $2`;

export const pruneRevocations: Statement = {
  name: "prune-revocations",
  text: {
    sqlite: `DELETE FROM revocations WHERE seq IN (${ended}) RETURNING 1`,
    postgres: `DELETE FROM revocations WHERE seq = ANY (ARRAY(${ended})) RETURNING 1`,
  },
};

export const countGrants: Statement = {
  name: "count-grants",
  text: "SELECT count(*) AS count FROM grants WHERE expires_day >= $1 AND revoked_at_ms IS NULL",
};
