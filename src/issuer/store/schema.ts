import type { Migration } from "../../sql/migrate.ts";

/**
 * The schema, step by step. A released step never changes: what follows is a step of its own.
 *
 * `expires_day` is the day of `expires_at_ms`, which changes with every renewal: an index on the day alone lets PostgreSQL
 * write a renewal without any index (HOT), since most renewals of a grant leave it as it is.
 */
export const migrations: readonly Migration[] = [
  {
    sqlite: `
      CREATE TABLE grants (
        id                 BLOB PRIMARY KEY,
        subject            TEXT NOT NULL,
        client_id          TEXT NOT NULL,
        foreign_issuer     TEXT,
        foreign_subject    TEXT,
        audiences          TEXT NOT NULL,
        scopes             TEXT NOT NULL,
        claims             TEXT NOT NULL,
        access_ttl_ms      INTEGER NOT NULL,
        asked_refresh_ttl  TEXT,
        key_thumbprint     TEXT,
        parent_id          BLOB,
        refresh_ttl_ms     INTEGER NOT NULL,
        not_after_ms       INTEGER,
        mark_key           BLOB NOT NULL,
        generation         INTEGER NOT NULL,
        current_hash       BLOB NOT NULL,
        previous_hash      BLOB,
        salt               BLOB,
        created_at_ms      INTEGER NOT NULL,
        replaced_at_ms     TEXT NOT NULL,
        expires_at_ms      INTEGER NOT NULL,
        expires_day        INTEGER NOT NULL,
        recovered_under_ms INTEGER,
        revoked_at_ms      INTEGER,
        revoked_reason     TEXT
      ) STRICT;
      CREATE INDEX grants_subject ON grants (subject, id);
      CREATE INDEX grants_client ON grants (client_id, id);
      CREATE INDEX grants_parent ON grants (parent_id, id) WHERE parent_id IS NOT NULL;
      CREATE INDEX grants_revoked ON grants (id) WHERE revoked_at_ms IS NOT NULL;
      CREATE INDEX grants_subject_revoked ON grants (subject, id) WHERE revoked_at_ms IS NOT NULL;
      CREATE INDEX grants_client_revoked ON grants (client_id, id) WHERE revoked_at_ms IS NOT NULL;
      CREATE INDEX grants_expiry ON grants (expires_day, revoked_at_ms);

      CREATE TABLE revocations (
        seq        INTEGER NOT NULL UNIQUE,
        kind       TEXT NOT NULL,
        value      TEXT NOT NULL,
        at_ms      INTEGER NOT NULL,
        ends_at_ms INTEGER NOT NULL,
        PRIMARY KEY (kind, value)
      ) STRICT;
      CREATE INDEX revocations_end ON revocations (ends_at_ms);
    `,
    postgres: `
      CREATE TABLE grants (
        id                 BYTEA PRIMARY KEY,
        subject            TEXT NOT NULL,
        client_id          TEXT NOT NULL,
        foreign_issuer     TEXT,
        foreign_subject    TEXT,
        audiences          TEXT NOT NULL,
        scopes             TEXT NOT NULL,
        claims             TEXT NOT NULL,
        access_ttl_ms      BIGINT NOT NULL,
        asked_refresh_ttl  TEXT,
        key_thumbprint     TEXT,
        parent_id          BYTEA,
        refresh_ttl_ms     BIGINT NOT NULL,
        not_after_ms       BIGINT,
        mark_key           BYTEA NOT NULL,
        generation         BIGINT NOT NULL,
        current_hash       BYTEA NOT NULL,
        previous_hash      BYTEA,
        salt               BYTEA,
        created_at_ms      BIGINT NOT NULL,
        replaced_at_ms     TEXT NOT NULL,
        expires_at_ms      BIGINT NOT NULL,
        expires_day        INTEGER NOT NULL,
        recovered_under_ms BIGINT,
        revoked_at_ms      BIGINT,
        revoked_reason     TEXT
      ) WITH (fillfactor = 70);
      CREATE INDEX grants_subject ON grants (subject, id);
      CREATE INDEX grants_client ON grants (client_id, id);
      CREATE INDEX grants_parent ON grants (parent_id, id) WHERE parent_id IS NOT NULL;
      CREATE INDEX grants_revoked ON grants (id) WHERE revoked_at_ms IS NOT NULL;
      CREATE INDEX grants_subject_revoked ON grants (subject, id) WHERE revoked_at_ms IS NOT NULL;
      CREATE INDEX grants_client_revoked ON grants (client_id, id) WHERE revoked_at_ms IS NOT NULL;
      CREATE INDEX grants_expiry ON grants (expires_day, revoked_at_ms);

      CREATE TABLE revocations (
        seq        BIGINT NOT NULL UNIQUE,
        kind       TEXT NOT NULL,
        value      TEXT NOT NULL,
        at_ms      BIGINT NOT NULL,
        ends_at_ms BIGINT NOT NULL,
        PRIMARY KEY (kind, value)
      );
      CREATE INDEX revocations_end ON revocations (ends_at_ms);
    `,
  },
];
