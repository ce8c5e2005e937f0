import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type GrantRow, type GrantState, sidOf, stateOfGrant } from "../../../src/issuer/store/grant-row.ts";
import type { GrantQuery, GrantStore } from "../../../src/issuer/store/grant-store.ts";
import { renewGrant } from "../../../src/issuer/store/renew-grant.ts";
import { grantStoreOn } from "../../../src/issuer/store/sql-grant-store.ts";
import { dialects, type EmptyDatabase, emptyDatabase } from "../../sql/support/databases.ts";
import {
  asArrays,
  begin,
  dayMs,
  endTime,
  hourMs,
  newGrant,
  renew,
  renewalOf,
  t0,
  textOf,
  windowMs,
} from "./support/grants.ts";

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

  describe("begin and find", () => {
    it("keep every member of a grant, and leave out what is absent", async () => {
      const { row } = await begin(store);
      expect(await other.find(row.grant.id)).toEqual(row);
      expect(Object.keys((await store.find(row.grant.id))?.grant ?? {})).not.toContain("revoked");
    });

    it("keep every member that may be there", async () => {
      const { row: parent } = await begin(store);
      const { row } = newGrant({
        subject: "zażółć\u{1f511}'\"\\",
        foreign: { issuer: "https://idp.example", subject: "repo:a/b" },
        askedRefreshTtl: "2592000",
        keyThumbprint: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
        parentId: parent.grant.id,
        claims: { nul: "a\0b", half: "\ud800", big: 2 ** 53 },
      });
      const chain = { previousHash: new Uint8Array(32).fill(1), salt: new Uint8Array(32).fill(2) };
      const full = { ...row, grant: { ...row.grant, ...chain, replacedAtMs: [t0 + 2, t0 + 1], recoveredUnderMs: t0 } };
      await store.begin(full);
      expect(await other.find(row.grant.id)).toEqual(full);
    });

    it("know nothing of another id", async () => {
      expect(await store.find(newGrant().row.grant.id)).toBeUndefined();
    });

    it("write nothing twice", async () => {
      const { row } = await begin(store);
      const again = { ...row, terms: { ...row.terms, subject: "another" } };
      await expect(store.begin(again)).rejects.toMatchObject({ code: "StoreAway" });
      expect((await store.find(row.grant.id))?.terms.subject).toBe(row.terms.subject);
    });

    it.each([
      ["with NUL", "a\0b"],
      ["with half a character", "half \ud800"],
      ["of 1025 bytes", "x".repeat(1025)],
      ["of 513 characters of two bytes", "ż".repeat(513)],
    ])("refuse a subject %s", async (_, subject) => {
      const { row } = newGrant({ subject });
      await expect(store.begin(row)).rejects.toMatchObject({ code: "InvalidText" });
      await expect(store.revoke({ kind: "subject", subject }, endTime(t0))).rejects.toMatchObject({
        code: "InvalidText",
      });
      expect(await store.find(row.grant.id)).toBeUndefined();
    });

    it("take a subject of 1024 bytes that doesn't compress", async () => {
      const subject = Array.from({ length: 1024 }, (_, n) => String.fromCharCode(33 + ((n * n * 31) % 94))).join("");
      const { row } = await begin(store, { subject });
      expect((await store.list({ of: { kind: "subject", subject }, limit: 1 })).rows).toEqual([row]);
    });
  });

  describe("a renewal", () => {
    it("is there for every other process, with all that it changed", async () => {
      const { row, token } = await begin(store);
      const done = await renew(store, token, t0 + hourMs);
      expect(done).toMatchObject({ kind: "granted", why: "current", successor: { generation: 1 } });
      const found = await other.find(row.grant.id);
      expect(done.row && asArrays(done.row.grant)).toEqual(found?.grant);
      expect(found).toMatchObject({ grant: { expiresAtMs: t0 + hourMs + dayMs, replacedAtMs: [t0 + hourMs] } });
      expect(found?.terms).toEqual(row.terms);
    });

    it("is written from its own generation alone", async () => {
      const { row } = await begin(store);
      const next = { ...row.grant, generation: 5 };
      expect(await store.renew(next, 1)).toBe(false);
      expect(await store.find(row.grant.id)).toEqual(row);
      expect(await store.renew(next, 0)).toBe(true);
      expect(await store.renew(next, 0)).toBe(false);
    });

    it("is not written after the end", async () => {
      const { row } = await begin(store);
      await store.revoke({ kind: "grant", id: row.grant.id }, endTime(t0));
      expect(await store.renew({ ...row.grant, generation: 1 }, 0)).toBe(false);
      expect((await store.find(row.grant.id))?.grant).toMatchObject({ generation: 0, revoked: { reason: "revoked" } });
    });

    it("is refused as unknown where there is no grant", async () => {
      expect(await renew(store, newGrant().token, t0)).toEqual({ kind: "refused", reason: "unknown" });
    });

    it("writes nothing when the caller may not have what he asks for, and hands on the reason", async () => {
      const { row, token } = await begin(store);
      const no = { kind: "a wider scope" };
      expect(await renewGrant(store, { ...renewalOf(token, t0), judge: () => no })).toBe(no);
      expect(await store.find(row.grant.id)).toEqual(row);
    });

    it("of one token, fifty at once by two processes, gives one successor to all", async () => {
      const { row, token } = await begin(store);
      const all = await Promise.all(
        Array.from({ length: 50 }, (_, n) => renew(n % 2 ? store : other, token, t0 + 1000)),
      );
      const granted = all.map((one) => (one.kind === "granted" ? textOf(one.successor) : one.kind));
      expect(new Set(granted)).toEqual(new Set([granted[0]]));
      expect(granted[0]).toMatch(/^ktr_/);
      expect(all.filter((one) => one.kind === "granted" && one.why === "current")).toHaveLength(1);
      expect((await store.find(row.grant.id))?.grant.generation).toBe(1);
    });

    it("leaves one row, however often", async () => {
      let { token } = await begin(store);
      for (let n = 1; n <= 200; n++) {
        const done = await renew(store, token, t0 + n * windowMs);
        if (done.kind === "granted") token = done.successor;
      }
      expect(token.generation).toBe(200);
      expect((await store.list({ limit: 10 })).rows).toHaveLength(1);
    });
  });

  describe("people's view", () => {
    it("pages through everybody's, a subject's and a client's grants", async () => {
      const rows: GrantRow[] = [];
      for (let n = 0; n < 7; n++)
        rows.push((await begin(store, { subject: n < 5 ? "five" : "two", clientId: n < 3 ? "three" : "four" })).row);
      rows.sort((a, b) => Buffer.compare(a.grant.id, b.grant.id));
      const page = async (of: Parameters<GrantStore["list"]>[0]["of"], limit: number): Promise<number[]> => {
        const sizes: number[] = [];
        const all = [];
        let after: Uint8Array | undefined;
        do {
          const { rows: found, next } = await store.list({ limit, ...(of && { of }), ...(after && { after }) });
          sizes.push(found.length);
          all.push(...found);
          after = next;
        } while (after);
        const wanted = rows.filter(
          ({ terms }) =>
            of === undefined ||
            (of.kind === "subject" && terms.subject === of.subject) ||
            (of.kind === "client" && terms.clientId === of.clientId),
        );
        expect(all).toEqual(wanted);
        return sizes;
      };
      expect(await page(undefined, 3)).toEqual([3, 3, 1]);
      expect(await page(undefined, 7)).toEqual([7]);
      expect(await page({ kind: "subject", subject: "five" }, 2)).toEqual([2, 2, 1]);
      expect(await page({ kind: "client", clientId: "four" }, 2)).toEqual([2, 2]);
      expect(await page({ kind: "client", clientId: "nobody" }, 2)).toEqual([0]);
    });

    it("pages through children, and through the grants of one state, also of a subject's, a client's or a parent's", async () => {
      const { row: parent } = await begin(store, { subject: "parent", clientId: "other" });
      const family = { parentId: parent.grant.id };
      const sidsOf = (rows: readonly GrantRow[]) => rows.map(({ grant }) => sidOf(grant.id)).sort();
      const begun = async (count: number, over: object, startMs: number) => {
        const all: GrantRow[] = [];
        for (let n = 0; n < count; n++) all.push((await begin(store, { ...family, ...over }, startMs)).row);
        return all;
      };
      const active = await begun(5, {}, t0);
      const revoked = await begun(4, {}, t0);
      // Its time is over as well
      revoked.push(...(await begun(1, {}, t0 - 2 * dayMs)));
      for (const { grant } of revoked) await store.revoke({ kind: "grant", id: grant.id }, endTime(t0));
      // To the millisecond: it ends now
      const expired = [...(await begun(2, {}, t0 - dayMs)), ...(await begun(1, {}, t0 - 3 * dayMs))];
      const stillActive = await begun(1, {}, t0 - dayMs + 1);
      await begin(store, { subject: "another", clientId: "another" }, t0 - 3 * dayMs);
      const { row: stranger } = await begin(store, { subject: "another", clientId: "another" });
      await store.revoke({ kind: "grant", id: stranger.grant.id }, endTime(t0));

      const all = async (query: Omit<GrantQuery, "limit" | "after">) => {
        const rows: GrantRow[] = [];
        for (let after: Uint8Array | undefined, isFirst = true; isFirst || after; isFirst = false) {
          const page = await store.list({ ...query, limit: 2, ...(after && { after }) });
          expect(page.rows.length).toBeLessThanOrEqual(2);
          rows.push(...page.rows);
          after = page.next;
        }
        expect(rows.map(({ grant }) => grant.id)).toEqual(
          rows.map(({ grant }) => grant.id).sort((a, b) => Buffer.compare(a, b)),
        );
        return sidsOf(rows);
      };
      const children = { kind: "parent", id: parent.grant.id } as const;
      const whose = [children, { kind: "subject", subject: "agent-7" }, { kind: "client", clientId: "ci" }] as const;
      for (const of of whose) {
        const state = (is: GrantState) => all({ of, state: { is, nowMs: t0 } });
        expect(await state("active")).toEqual(sidsOf([...active, ...stillActive]));
        expect(await state("revoked")).toEqual(sidsOf(revoked));
        expect(await state("expired")).toEqual(sidsOf(expired));
        expect(await all({ of })).toEqual(sidsOf([...active, ...stillActive, ...revoked, ...expired]));
      }
      expect(await all({ state: { is: "active", nowMs: t0 } })).toEqual(sidsOf([parent, ...active, ...stillActive]));
      expect(await all({ state: { is: "revoked", nowMs: t0 } })).toEqual(sidsOf([...revoked, stranger]));
      expect(await all({ state: { is: "expired", nowMs: t0 } })).toHaveLength(expired.length + 1);
      for (const is of ["active", "revoked", "expired"] as const) {
        const { rows } = await store.list({ state: { is, nowMs: t0 }, limit: 50 });
        expect(rows.map(({ grant }) => stateOfGrant(grant, t0))).toEqual(rows.map(() => is));
      }
    });

    it("counts those that can be renewed", async () => {
      const { row } = await begin(store);
      await begin(store);
      await begin(store, {}, t0 - 9 * dayMs);
      expect(await store.count(t0)).toBe(2);
      await store.revoke({ kind: "grant", id: row.grant.id }, endTime(t0));
      expect(await store.count(t0)).toBe(1);
    });
  });

  describe("pruning", () => {
    it("forgets grants that ended the day before, so many at a time, and no other", async () => {
      for (let n = 0; n < 5; n++) await begin(store, {}, t0 - 3 * dayMs);
      const { row: alive } = await begin(store);
      const request = { endedBeforeMs: t0, limit: 3 };
      expect(await store.pruneGrants(request)).toBe(3);
      expect(await store.pruneGrants(request)).toBe(2);
      expect(await store.pruneGrants(request)).toBe(0);
      expect((await store.list({ limit: 9 })).rows).toEqual([alive]);
    });

    it("forgets nothing of what has not ended, at whatever hour", async () => {
      const { row } = await begin(store);
      const endsAtMs = row.grant.expiresAtMs;
      for (const endedBeforeMs of [endsAtMs - hourMs, endsAtMs]) {
        expect(await store.pruneGrants({ endedBeforeMs, limit: 9 })).toBe(0);
      }
      expect(await store.pruneGrants({ endedBeforeMs: endsAtMs + dayMs, limit: 9 })).toBe(1);
    });
  });

  it("check resolves, load says that nobody waits", async () => {
    await store.check();
    expect(store.load()).toEqual({ busy: 0, waiting: 0 });
  });

  it("close lets what runs end, and refuses what comes after", async () => {
    const store = await grantStoreOn(database.open());
    const begun = Array.from({ length: 20 }, () => newGrant());
    const writes = begun.map(({ row }) => store.begin(row));
    await store.close();
    await store.close();
    expect(new Set(await Promise.all(writes))).toEqual(new Set(["begun"]));
    const late = newGrant().row;
    await expect(store.begin(late)).rejects.toMatchObject({ code: "StoreAway" });
    await expect(store.find(late.grant.id)).rejects.toMatchObject({ code: "StoreAway" });
    await expect(store.revokeToken("x", { nowMs: t0, endsAtMs: t0 })).rejects.toMatchObject({ code: "StoreAway" });
  });
});
