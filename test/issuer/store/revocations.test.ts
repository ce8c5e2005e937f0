import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sidOf } from "../../../src/issuer/store/grant-row.ts";
import type { GrantStore } from "../../../src/issuer/store/grant-store.ts";
import { grantStoreOn } from "../../../src/issuer/store/sql-grant-store.ts";
import { dialects, type EmptyDatabase, emptyDatabase } from "../../sql/support/databases.ts";
import { begin, dayMs, endTime, hourMs, newGrant, renew, t0, windowMs } from "./support/grants.ts";

describe.each(dialects)("a store on %s", (dialect) => {
  let database: EmptyDatabase;
  let store: GrantStore;
  let other: GrantStore;

  beforeAll(async () => {
    database = await emptyDatabase(dialect);
    store = await grantStoreOn(database.open());
    other = await grantStoreOn(database.open());
  });
  beforeEach(() => database.empty("grants", "revocations"));
  afterAll(() => database[Symbol.asyncDispose]());

  describe("a reused token", () => {
    it("ends its grant and its children in one go, and says so to the gateways", async () => {
      const { row, token } = await begin(store);
      const { row: child } = await begin(store, { parentId: row.grant.id, subject: "child" });
      await renew(store, token, t0);
      const late = t0 + windowMs;
      const ended = await renew(store, token, late);
      expect(ended).toMatchObject({
        kind: "ended",
        ended: [{ subject: "agent-7", clientId: "ci" }, { subject: "child" }],
      });
      expect((await other.find(row.grant.id))?.grant.revoked).toEqual({ atMs: late, reason: "reused" });
      expect((await other.find(child.grant.id))?.grant.revoked).toEqual({ atMs: late, reason: "reused" });
      const { revocations } = await other.revocations(late);
      expect(revocations.map(({ kind, value }) => [kind, value])).toEqual([
        ["grant", sidOf(row.grant.id)],
        ["grant", sidOf(child.grant.id)],
      ]);
    });

    it("ends nothing twice", async () => {
      const { row } = await begin(store);
      const { id } = row.grant;
      const [a, b] = await Promise.all([store.endReused(id, 0, endTime(t0)), other.endReused(id, 0, endTime(t0))]);
      expect([a?.length, b?.length].sort()).toEqual([1, undefined]);
      expect(await store.endReused(id, 0, endTime(t0))).toBeUndefined();
    });

    it("ends nothing that was renewed meanwhile", async () => {
      const { row, token } = await begin(store);
      await renew(store, token, t0);
      expect(await store.endReused(row.grant.id, 0, endTime(t0))).toBeUndefined();
      expect((await store.find(row.grant.id))?.grant.revoked).toBeUndefined();
      expect((await store.revocations(t0)).revocations).toEqual([]);
    });
  });

  describe("revoke", () => {
    it("and a renewal at once: one wins, and nothing renews afterwards", async () => {
      for (let round = 0; round < 20; round++) {
        const { row, token } = await begin(store);
        const [renewed, ended] = await Promise.all([
          renew(store, token, t0),
          other.revoke({ kind: "grant", id: row.grant.id }, endTime(t0)),
        ]);
        expect(ended).toHaveLength(1);
        expect(["granted", "refused"]).toContain(renewed.kind);
        const grant = (await store.find(row.grant.id))?.grant;
        expect(grant).toMatchObject({ generation: renewed.kind === "granted" ? 1 : 0, revoked: { atMs: t0 } });
        const last = renewed.kind === "granted" ? renewed.successor : token;
        expect(await renew(store, last, t0)).toMatchObject({ kind: "refused", reason: "revoked" });
      }
    });

    it("ends the children and theirs, and nobody else's", async () => {
      const { row: parent } = await begin(store);
      const { row: child } = await begin(store, { parentId: parent.grant.id });
      const { row: grandchild } = await begin(store, { parentId: child.grant.id });
      const { row: another } = await begin(store);
      const ended = await store.revoke({ kind: "grant", id: parent.grant.id }, endTime(t0));
      expect(ended.map(({ id }) => id)).toEqual([parent.grant.id, child.grant.id, grandchild.grant.id]);
      expect((await store.find(another.grant.id))?.grant.revoked).toBeUndefined();
      expect(await store.revoke({ kind: "grant", id: parent.grant.id }, endTime(t0))).toEqual([]);
    });

    it("of a subject tells the gateways of each grant and of the subject", async () => {
      const { row: mine } = await begin(store, { subject: "mine" });
      const { row: child } = await begin(store, { subject: "its agent", parentId: mine.grant.id });
      await begin(store, { subject: "another" });
      const at = endTime(t0);
      expect(await store.revoke({ kind: "subject", subject: "mine" }, at)).toHaveLength(2);
      const { revocations, seq } = await store.revocations(t0);
      const common = { atMs: t0, endsAtMs: at.tokensEndAtMs };
      expect(revocations).toEqual([
        { seq: seq - 2, kind: "grant", value: sidOf(mine.grant.id), ...common },
        { seq: seq - 1, kind: "grant", value: sidOf(child.grant.id), ...common },
        { seq, kind: "subject", value: "mine", ...common },
      ]);
    });

    it("tells the gateways of a grant no longer than its own access tokens can live, whatever others may have", async () => {
      const year = 365 * dayMs;
      const at = { nowMs: t0, tokensEndAtMs: t0 + year };
      const { row: parent } = await begin(store, { accessTtlMs: 60_000 });
      await begin(store, { accessTtlMs: 300_000, parentId: parent.grant.id });
      await store.revoke({ kind: "grant", id: parent.grant.id }, at);
      // Twice the most that clocks may be off, and two minutes for a signature
      const endsAtMs = t0 + 300_000 + 2 * hourMs + 120_000;
      expect((await store.revocations(t0)).revocations).toMatchObject([{ endsAtMs }, { endsAtMs }]);
      const { row: other } = await begin(store, { subject: "other", accessTtlMs: 2 * year });
      await store.revoke({ kind: "subject", subject: "other" }, at);
      expect((await store.revocations(t0)).revocations).toMatchObject([
        {},
        {},
        { value: sidOf(other.grant.id), endsAtMs: t0 + year },
        { value: "other", endsAtMs: t0 + year },
      ]);
    });

    it("of a subject without a grant tells the gateways all the same", async () => {
      expect(await store.revoke({ kind: "subject", subject: "no grants" }, endTime(t0))).toEqual([]);
      expect((await store.revocations(t0)).revocations).toMatchObject([{ kind: "subject", value: "no grants" }]);
    });

    it("of a client ends more grants than one statement takes", async () => {
      const { row: parent } = await begin(store, { clientId: "many" });
      await Promise.all(Array.from({ length: 1200 }, () => begin(store, { parentId: parent.grant.id })));
      await Promise.all(Array.from({ length: 1200 }, () => begin(store, { clientId: "many" })));
      const ended = await store.revoke({ kind: "client", clientId: "many" }, endTime(t0));
      expect(ended).toHaveLength(2401);
      const { revocations } = await store.revocations(t0);
      expect(new Set(revocations.map(({ value }) => value)).size).toBe(2401);
      expect(new Set(revocations.map(({ seq }) => seq)).size).toBe(2401);
    });

    it("and a child that begins at once: it ends with the parent, or never begins", async () => {
      for (let round = 0; round < 30; round++) {
        const { row: parent } = await begin(store);
        const { row: child } = newGrant({ parentId: parent.grant.id });
        const [begun] = await Promise.all([
          store.begin(child),
          other.revoke({ kind: "grant", id: parent.grant.id }, endTime(t0)),
        ]);
        const found = await store.find(child.grant.id);
        expect(begun === "begun" ? found?.grant.revoked?.reason : found).toBe(
          begun === "begun" ? "revoked" : undefined,
        );
      }
    });

    it("keeps a child from beginning afterwards", async () => {
      const { row: parent } = await begin(store);
      await store.revoke({ kind: "grant", id: parent.grant.id }, endTime(t0));
      const { row: child } = newGrant({ parentId: parent.grant.id });
      expect(await store.begin(child)).toBe("parent-ended");
      expect(await store.begin(newGrant({ parentId: newGrant().row.grant.id }).row)).toBe("parent-ended");
      expect(await store.find(child.grant.id)).toBeUndefined();
    });

    it("of the same by many at once deadlocks nobody", async () => {
      for (let n = 0; n < 20; n++) await begin(store, { subject: `s${n % 3}`, clientId: `c${n % 2}` });
      const all = await Promise.all([
        ...[0, 1, 2].map((n) => store.revoke({ kind: "subject", subject: `s${n}` }, endTime(t0))),
        ...[0, 1].map((n) => other.revoke({ kind: "client", clientId: `c${n}` }, endTime(t0))),
        ...Array.from({ length: 20 }, () => begin(other)),
      ]);
      expect(all.slice(0, 5).flat()).toHaveLength(20);
    });
  });

  describe("the log of revocations", () => {
    it("knows at once what another process has revoked of a token's id and its subject, and nothing else", async () => {
      const at = { nowMs: t0, endsAtMs: t0 + 5000 };
      for (const jti of ["jti-1", "jti-2", "subject"]) await other.revokeToken(jti, at);
      for (const subject of ["anna", "jti-1"]) await other.revoke({ kind: "subject", subject }, endTime(t0));
      const of = async (jti: string, subject: string): Promise<readonly string[]> =>
        (await store.tokenRevocations({ jti, subject })).map(({ kind, value }) => `${kind} ${value}`).sort();
      expect(await of("jti-1", "anna")).toEqual(["subject anna", "token jti-1"]);
      expect(await of("jti-1", "subject")).toEqual(["token jti-1"]);
      expect(await of("anna", "berta")).toEqual([]);
    });

    it("revokes an access token, twice as once, and leaves its grant", async () => {
      const { row } = await begin(store);
      await store.revokeToken("jti-1", { nowMs: t0, endsAtMs: t0 + 5000 });
      await store.revokeToken("jti-1", { nowMs: t0, endsAtMs: t0 + 4000 });
      const { revocations } = await other.revocations(t0);
      expect(revocations).toMatchObject([{ kind: "token", value: "jti-1", endsAtMs: t0 + 5000 }]);
      expect((await store.find(row.grant.id))?.grant.revoked).toBeUndefined();
    });

    it("is empty at first, and its seq 0", async () => {
      expect(await store.revocations(t0)).toEqual({ seq: 0, revocations: [] });
    });

    it("leaves out what ended, at the instant and after it", async () => {
      await store.revokeToken("a", { nowMs: t0, endsAtMs: t0 + 1000 });
      expect((await store.revocations(t0 + 999)).revocations).toHaveLength(1);
      const after = await store.revocations(t0 + 1000);
      expect(after.revocations).toEqual([]);
      expect(after.seq).toBeGreaterThan(0);
    });

    it("misses nothing after any seq that was seen, however many write at once", async () => {
      const seen: string[] = [];
      let seq = 0;
      const look = async (): Promise<void> => {
        for (const one of await other.revocationsAfter(seq, 3)) {
          expect(one.seq).toBeGreaterThan(seq);
          seq = one.seq;
          seen.push(one.value);
        }
      };
      const names = Array.from({ length: 60 }, (_, n) => `jti-${n}`);
      const writes = names.map((jti, n) =>
        (n % 2 ? store : other).revokeToken(jti, { nowMs: t0, endsAtMs: t0 + 1000 }),
      );
      for (const write of writes) {
        await look();
        await write;
      }
      while (seen.length < names.length) await look();
      expect(new Set(seen)).toEqual(new Set(names));
    });

    it("goes on above the clock after everything but the last was pruned, also by a clock that was set back", async () => {
      for (const jti of ["a", "b", "c"]) await store.revokeToken(jti, { nowMs: t0, endsAtMs: t0 + 1000 });
      const { seq } = await store.revocations(t0);
      expect(await store.pruneRevocations({ endedBeforeMs: t0 + 1000, limit: 1 })).toBe(1);
      expect(await store.pruneRevocations({ endedBeforeMs: t0 + 1000, limit: 9 })).toBe(1);
      expect(await store.pruneRevocations({ endedBeforeMs: t0 + 1000, limit: 9 })).toBe(0);
      await store.revokeToken("d", { nowMs: t0 - dayMs, endsAtMs: t0 + 9000 });
      expect(await store.revocationsAfter(seq, 9)).toMatchObject([{ value: "d", seq: seq + 1 }]);
      await store.revokeToken("e", { nowMs: t0 + dayMs, endsAtMs: t0 + 2 * dayMs });
      expect(await store.revocationsAfter(seq + 1, 9)).toMatchObject([{ value: "e", seq: (t0 + dayMs) * 1000 }]);
    });

    it("keeps what has not ended", async () => {
      await store.revokeToken("a", { nowMs: t0, endsAtMs: t0 + 1001 });
      await store.revokeToken("b", { nowMs: t0, endsAtMs: t0 + 1000 });
      await store.revokeToken("c", { nowMs: t0, endsAtMs: t0 + 1000 });
      expect(await store.pruneRevocations({ endedBeforeMs: t0 + 1000, limit: 9 })).toBe(1);
      expect((await store.revocations(t0)).revocations.map(({ value }) => value)).toEqual(["a", "c"]);
    });

    it.each(["the same process", "another process"])("wakes who listens, from %s", async (whose) => {
      const { row } = await begin(store);
      const woken = Promise.withResolvers<undefined>();
      let isReady = false;
      const ready = Promise.withResolvers<undefined>();
      const stop = other.onRevocation(() => {
        if (isReady) woken.resolve(undefined);
        else ready.resolve(undefined);
      });
      // The first call of PostgreSQL says that it listens; SQLite's watch begins at once
      if (dialect === "postgres") await ready.promise;
      isReady = true;
      await (whose === "the same process" ? other : store).revoke({ kind: "grant", id: row.grant.id }, endTime(t0));
      await woken.promise;
      stop();
    });
  });
});
