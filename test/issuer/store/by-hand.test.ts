import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type GrantRow, sidOf } from "../../../src/issuer/store/grant-row.ts";
import type { GrantStore } from "../../../src/issuer/store/grant-store.ts";
import { openGrantStore } from "../../../src/issuer/store/open-grant-store.ts";
import { FakeCli } from "../../cli/around.ts";
import { dialects, type EmptyDatabase, emptyDatabase } from "../../sql/support/databases.ts";
import { terminal } from "../../tools/support/fake-io.ts";
import { begin, dayMs, hourMs, renew } from "./support/grants.ts";

const main = new URL("../../../src/cli/main.ts", import.meta.url).pathname;

/** When the commands are run. */
const { nowMs } = new FakeCli().home;
const minuteMs = 60_000;

/** `keyturn grants` on the store that the environment names. */
async function grants(...args: readonly string[]) {
  const cli = new FakeCli();
  const code = await cli.run("grants", ...args);
  return { code, out: cli.io.out.text, err: cli.io.err.text };
}

const documentOf = async (command: string, ...args: readonly string[]): Promise<unknown> =>
  JSON.parse((await grants(command, "-o", "json", ...args)).out);
/** It may begin with a dash: a command takes it behind `--` alone. */
const sid = ({ grant }: GrantRow): string => sidOf(grant.id);
const bySid = (a: GrantRow, b: GrantRow): number => Buffer.compare(a.grant.id, b.grant.id);

describe.each(dialects)("keyturn grants on %s", (dialect) => {
  let database: EmptyDatabase;
  let store: GrantStore;

  beforeAll(async () => {
    database = await emptyDatabase(dialect);
    database.open();
    store = await openGrantStore(database.location);
  });
  beforeEach(async () => {
    // A URL of PostgreSQL has its password there
    vi.stubEnv("KEYTURN_STORE", database.location);
    await database.empty("grants", "revocations");
  });
  afterAll(async () => {
    await store.close();
    await database[Symbol.asyncDispose]();
  });

  describe("list", () => {
    it("is a table: who, in which state, how old, until when", async () => {
      const { row: alive, token } = await begin(store, { subject: "ops:anna" }, nowMs - hourMs);
      await renew(store, token, nowMs - minuteMs);
      const { row: dead } = await begin(store, { subject: "ops:bert" }, nowMs - 2 * hourMs);
      await store.revoke({ kind: "grant", id: dead.grant.id }, { nowMs: nowMs - minuteMs, tokensEndAtMs: nowMs });
      const { row: over } = await begin(store, { subject: "ops:cleo" }, nowMs - 2 * dayMs);
      const { code, out } = await grants("list");
      const cells = out
        .trimEnd()
        .split("\n")
        .map((row) => row.split(/ {2,}/));
      expect(code).toBe(0);
      expect(cells[0]).toEqual(["GRANT", "STATE", "SUBJECT", "CLIENT", "RENEWALS", "AGE", "ENDS"]);
      expect(cells.slice(1).sort((a, b) => (a[2] ?? "").localeCompare(b[2] ?? ""))).toEqual([
        [sid(alive), "active", "ops:anna", "ci", "1", "60m", "in 23h"],
        [sid(dead), "revoked", "ops:bert", "ci", "0", "120m", "60s ago"],
        [sid(over), "expired", "ops:cleo", "ci", "0", "2d", "24h ago"],
      ]);
      expect((await grants("list", "-o", "wide")).out).toMatch(
        /AUDIENCES +SCOPES\n.*https:\/\/api.example +read,write\n/,
      );
    });

    it("filters by subject, client, parent and state", async () => {
      const { row: parent } = await begin(store, { subject: "a", clientId: "x" }, nowMs);
      const { row: child } = await begin(store, { subject: "b", clientId: "y", parentId: parent.grant.id }, nowMs);
      const { row: over } = await begin(store, { subject: "b", clientId: "y" }, nowMs - 2 * dayMs);
      const listed = async (...args: readonly string[]): Promise<unknown> => documentOf("list", ...args);
      const ids = (...rows: readonly GrantRow[]) => ({
        items: [...rows].sort(bySid).map((row) => expect.objectContaining({ id: sid(row) }) as unknown),
      });
      expect(await listed()).toEqual(ids(parent, child, over));
      expect(await listed("--subject", "b")).toEqual(ids(child, over));
      expect(await listed("--client", "x")).toEqual(ids(parent));
      expect(await listed("--parent", sid(parent))).toEqual(ids(child));
      expect(await listed("--subject", "b", "--state", "expired")).toEqual(ids(over));
      expect(await listed("--state", "active")).toEqual(ids(parent, child));
      expect(await listed("--state", "revoked")).toEqual(ids());
    });

    it("goes on with the next page where the one before says", async () => {
      const rows: GrantRow[] = [];
      for (let n = 0; n < 5; n++) rows.push((await begin(store, {}, nowMs)).row);
      rows.sort(bySid);
      const first = await grants("list", "--limit", "3");
      expect(first.err).toBe(`keyturn: note: there are more: --after=${sid(rows[2] ?? fail())}\n`);
      const [, more = ""] = /(--after=\S+)/.exec(first.err) ?? [];
      const last = await grants("list", "--limit", "3", more);
      expect(last.err).toBe("");
      expect(
        [...first.out.split("\n").slice(1, 4), ...last.out.split("\n").slice(1, 3)].map((row) => row.slice(0, 22)),
      ).toEqual(rows.map(sid));
      expect(await documentOf("list", "--limit", "3")).toMatchObject({ next: sid(rows[2] ?? fail()) });
      expect(await documentOf("list", "--limit", "3", more)).not.toHaveProperty("next");
    });

    it("says that there is none", async () => {
      expect(await grants("list", "--subject", "nobody")).toEqual({ code: 0, out: "", err: "No grant\n" });
    });

    it("shows no control character of a name", async () => {
      await begin(store, { subject: "ext:\u001b[2Jx\u202ey\n" }, nowMs);
      const { out } = await grants("list");
      expect(out).toContain("ext:\\u{1b}[2Jx\\u{202e}y\\u{a}");
    });
  });

  describe("show", () => {
    it("tells everything of a grant, and its children", async () => {
      const foreign = { issuer: "https://idp.example", subject: "repo:a/b" };
      const { row: parent } = await begin(
        store,
        { foreign, askedRefreshTtl: "2592000", keyThumbprint: "thumb" },
        nowMs - hourMs,
      );
      const { row: child } = await begin(store, { subject: "agent-7/agent/x", parentId: parent.grant.id }, nowMs);
      const { code, out } = await grants("show", "--", sid(parent));
      expect(code).toBe(0);
      const [mine = "", below = ""] = out.split("\n\n");
      const pairs: unknown = Object.fromEntries(mine.split("\n").map((row) => row.split(/ {3,}/)));
      expect(pairs).toMatchObject({
        Grant: sid(parent),
        State: "active",
        Subject: "agent-7",
        Client: "ci",
        "Came by": "repo:a/b of https://idp.example",
        Audiences: "https://api.example",
        Scopes: "read write",
        Claims: '{"team":"blue","nested":{"list":[1,null,"x"]}}',
        "Bound to key": "thumb",
        "Access tokens": "live 1h",
        "Refresh tokens": "live 24h, 2592000 s were asked for",
        Renewals: "none",
      });
      expect(below).toContain(sid(child));
      expect((await grants("show", "--", sid(child))).out).toMatch(new RegExp(`^Parent +${sid(parent)}$`, "m"));
      expect(await documentOf("show", "--", `${sid(parent)}.0a1b2c3d-jti`)).toMatchObject({
        ...{ id: sid(parent), state: "active", foreign, refreshTokenTtlSeconds: "2592000", renewals: 0 },
        ...{ creationTime: new Date(nowMs - hourMs).toISOString(), accessTTL: "1h" },
        children: [{ id: sid(child), parent: sid(parent) }],
      });
    });

    it.each(["text", "json", "yaml"])("has no hash, no key and no secret, as %s", async (output) => {
      const { row, token } = await begin(store, {}, nowMs - hourMs);
      const done = await renew(store, token, nowMs - minuteMs);
      const { grant } = (await store.find(row.grant.id)) ?? row;
      const { out } = await grants("show", ...(output === "text" ? [] : ["-o", output]), "--", sid(row));
      const { currentHash, previousHash = currentHash, salt = currentHash, markKey } = grant;
      const successor = done.kind === "granted" ? done.successor : token;
      const secrets = [
        currentHash,
        previousHash,
        salt,
        markKey,
        token.secret,
        token.mark,
        successor.secret,
        successor.mark,
      ];
      expect(new Set(secrets.map((one) => Buffer.from(one).toString("hex"))).size).toBe(8);
      for (const secret of secrets.map((one) => Buffer.from(one))) {
        for (const form of ["hex", "base64", "base64url"] as const)
          expect(out).not.toContain(secret.toString(form).slice(0, 12));
      }
      expect(out.replaceAll(sid(row), "")).not.toMatch(/hash|salt|mark/i);
    });

    it("says when a grant ended, and why", async () => {
      const { row, token } = await begin(store, {}, nowMs - 2 * hourMs);
      await renew(store, token, nowMs - hourMs);
      await renew(store, token, nowMs - 5 * minuteMs);
      expect((await grants("show", "--", sid(row))).out).toMatch(
        /^Ended +.*\(5m ago\), a refresh token was used twice$/m,
      );
      expect(await documentOf("show", "--", sid(row))).toMatchObject({
        state: "revoked",
        revocation: { reason: "reused", time: new Date(nowMs - 5 * minuteMs).toISOString() },
      });
    });

    it("fails for a grant that is not there", async () => {
      const { code, out, err } = await grants("show", "XcPg9SkZTmqT1lLzc9AqTw");
      expect({ code, out }).toEqual({ code: 1, out: "" });
      expect(err).toContain('Cannot find the grant "XcPg9SkZTmqT1lLzc9AqTw": must be in the store, is not');
    });
  });

  describe("revoke", () => {
    const isRevoked = async (row: GrantRow): Promise<boolean> =>
      (await store.find(row.grant.id))?.grant.revoked !== undefined;

    it("ends a grant and those below it, prints them, and tells the gateways", async () => {
      const { row: parent } = await begin(store, {}, nowMs);
      const { row: child } = await begin(store, { subject: "its agent", parentId: parent.grant.id }, nowMs);
      const { row: other } = await begin(store, {}, nowMs);
      expect(await grants("revoke", "--", sid(parent))).toEqual({
        code: 0,
        out: `ended   ${sid(parent)}   agent-7   ci\nended   ${sid(child)}   its agent   ci\n`,
        err: "",
      });
      expect(await Promise.all([parent, child, other].map(isRevoked))).toEqual([true, true, false]);
      // Its access tokens live an hour; clocks may be off by an hour each, and a signature may be late
      const { revocations } = await store.revocations(nowMs);
      const endsAtMs = nowMs + hourMs + 2 * hourMs + 2 * minuteMs;
      expect(revocations).toMatchObject([
        { kind: "grant", value: sid(parent), atMs: nowMs, endsAtMs },
        { kind: "grant", value: sid(child), atMs: nowMs, endsAtMs },
      ]);
    });

    it("is done when it was done before, and says so", async () => {
      const { row } = await begin(store, {}, nowMs);
      await store.revoke({ kind: "grant", id: row.grant.id }, { nowMs: nowMs - 5 * minuteMs, tokensEndAtMs: nowMs });
      const { code, out, err } = await grants("revoke", "--", sid(row));
      expect({ code, out }).toEqual({ code: 0, out: "Nothing was left to end\n" });
      expect(err).toMatch(/^keyturn: note: it had ended .* \(5m ago\)\n$/);
    });

    it("ends everything of a subject, and refuses every access token that it has had", async () => {
      const { row: one } = await begin(store, { subject: "ops:anna" }, nowMs);
      const { row: two } = await begin(store, { subject: "ops:anna" }, nowMs);
      const { row: other } = await begin(store, { subject: "ops:bert" }, nowMs);
      const document = await documentOf("revoke", "--subject", "ops:anna");
      expect(document).toMatchObject({ time: new Date(nowMs).toISOString() });
      expect(JSON.stringify(document)).toContain(sid(one));
      expect(await Promise.all([one, two, other].map(isRevoked))).toEqual([true, true, false]);
      const { revocations } = await store.revocations(nowMs);
      // No grant says how long tokens without one live: a year is the most that a ring allows
      expect(revocations.at(-1)).toMatchObject({ kind: "subject", value: "ops:anna", atMs: nowMs });
      expect(revocations.at(-1)?.endsAtMs).toBeGreaterThan(nowMs + 365 * dayMs);
    });

    it("of a subject without a grant is done, too", async () => {
      const { code, out, err } = await grants("revoke", "--subject", "nobody");
      expect({ code, out }).toEqual({ code: 0, out: "Nothing was left to end\n" });
      expect(err).toContain("every access token that the subject has had by now is refused, too");
    });

    it("ends everything of a client", async () => {
      const { row: one } = await begin(store, { clientId: "ci" }, nowMs);
      const { row: other } = await begin(store, { clientId: "cd" }, nowMs);
      expect((await grants("revoke", "--client", "ci")).out).toBe(`ended   ${sid(one)}   agent-7   ci\n`);
      expect(await Promise.all([one, other].map(isRevoked))).toEqual([true, false]);
    });

    it("revokes one access token by its jti, and leaves its grant", async () => {
      const { row } = await begin(store, {}, nowMs);
      const jti = `${sid(row)}.2f1d6c1e-0000-4000-8000-000000000000`;
      const { code, out } = await grants("revoke", "--token", jti);
      expect({ code, out }).toEqual({ code: 0, out: `The access token ${jti} is revoked; its grant goes on\n` });
      expect(await isRevoked(row)).toBe(false);
      expect((await store.revocations(nowMs)).revocations).toMatchObject([
        { kind: "token", value: jti, endsAtMs: nowMs + 3 * hourMs + 2 * minuteMs },
      ]);
    });

    it("writes nothing of a grant, or a token of one, that is not there", async () => {
      for (const args of [["XcPg9SkZTmqT1lLzc9AqTw"], ["--token", "XcPg9SkZTmqT1lLzc9AqTw.abc"]]) {
        const { code, err } = await grants("revoke", ...args);
        expect(code).toBe(1);
        expect(err).toContain("Cannot find the grant");
      }
      expect((await store.revocations(nowMs)).revocations).toEqual([]);
    });

    it("from a process of its own wakes a running issuer", async () => {
      const { row } = await begin(store, {}, Date.now());
      const heard = revocationHeard(store);
      const child = spawn(process.execPath, [main, "grants", "revoke", "--", sid(row)], {
        stdio: ["ignore", "pipe", "inherit"],
        env: { ...process.env, KEYTURN_STORE: database.location },
      });
      const out = text(child.stdout);
      const [code] = (await once(child, "close")) as [number];
      expect({ code, out: await out }).toEqual({ code: 0, out: `ended   ${sid(row)}   agent-7   ci\n` });
      await heard;
      expect(await isRevoked(row)).toBe(true);
    });
  });

  it("is coloured on a terminal", async () => {
    await begin(store, {}, nowMs);
    const cli = new FakeCli(undefined, { look: terminal });
    await cli.run("grants", "list");
    expect(cli.io.out.text).toContain("\u001b[32mactive\u001b[0m");
  });
});

/** Resolves when a revocation is heard of: the store may call for nothing. */
function revocationHeard(store: GrantStore): Promise<void> {
  return new Promise((resolve, reject) => {
    const forget = store.onRevocation(() => {
      store.revocations(0).then(({ revocations }) => {
        if (revocations.length === 0) return;
        forget();
        resolve();
      }, reject);
    });
  });
}

function fail(): never {
  throw new Error("a grant is missing");
}
