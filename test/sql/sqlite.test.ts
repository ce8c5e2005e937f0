import { chmod, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Database, Statement } from "../../src/sql/database.ts";
import { backupSqlite } from "../../src/sql/sqlite-backup.ts";
import { openSqlite } from "../../src/sql/sqlite.ts";

const create: Statement = { name: "create", text: "CREATE TABLE t (n INTEGER PRIMARY KEY, blob BLOB) STRICT" };
const insert: Statement = { name: "insert", text: "INSERT INTO t VALUES ($1, $2)" };
const count: Statement = { name: "count", text: "SELECT count(*) AS n FROM t" };

let folder: string;
let path: string;
let database: Database;

const rows = async (from = database): Promise<unknown> => (await from.read(count))[0]?.["n"];
const away = { name: "TryLaterError", code: "StoreAway" };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "keyturn-sqlite-"));
  path = join(folder, "grants.db");
  database = openSqlite(path);
  await database.write(create);
});
afterEach(async () => {
  await database.close();
  await rm(folder, { recursive: true });
});

describe("the file", () => {
  const modes = async (): Promise<Record<string, string>> => {
    const names = await readdir(folder);
    const entries = names.map(async (name) => [name, ((await stat(join(folder, name))).mode & 0o777).toString(8)]);
    return Object.fromEntries(await Promise.all(entries)) as Record<string, string>;
  };

  it("and those beside it are nobody else's to read", async () => {
    expect(await modes()).toEqual({ "grants.db": "600", "grants.db-shm": "600", "grants.db-wal": "600" });
  });

  it("gets that mode also where it was there with another one", async () => {
    await database.close();
    await chmod(path, 0o644);
    database = openSqlite(path);
    await database.write(insert, [1, null]);
    expect(new Set(Object.values(await modes()))).toEqual(new Set(["600"]));
  });

  it("keeps what was written, and one file when it is closed", async () => {
    await database.write(insert, [1, null]);
    expect(await rows()).toBe(1);
    await database.close();
    expect(await readdir(folder)).toEqual(["grants.db"]);
    database = openSqlite(path);
    expect(await rows()).toBe(1);
  });

  it("that is no database is refused, with its path", async () => {
    const other = join(folder, "other");
    await writeFile(
      other,
      "this is no database, whatever its name says; it is long enough to be read as one".repeat(9),
    );
    expect(() => openSqlite(other)).toThrow(
      expect.objectContaining({ code: "StoreUnusable", message: expect.stringContaining(other) as unknown }),
    );
  });

  it("in a folder that is not there is refused", () => {
    expect(() => openSqlite(join(folder, "none", "x.db"))).toThrow(expect.objectContaining({ code: "StoreUnusable" }));
  });
});

describe("writes that come at once", () => {
  /** Frames of the WAL that end a transaction: those with a size of the database. */
  const commits = async (): Promise<number> => {
    const wal = await readFile(`${path}-wal`);
    let found = 0;
    for (let at = 32; at < wal.length; at += 24 + 4096) if (wal.readUInt32BE(at + 4) > 0) found++;
    return found;
  };

  it("share a commit", async () => {
    const before = await commits();
    await Promise.all(Array.from({ length: 100 }, (_, n) => database.write(insert, [n, null])));
    expect((await commits()) - before).toBe(1);
    expect(await rows()).toBe(100);
  });

  it("fail each for itself", async () => {
    const results = await Promise.allSettled([
      database.write(insert, [1, null]),
      database.write(insert, [1, null]),
      database.transaction(async (transaction) => {
        await transaction.run(insert, [2, null]);
        await transaction.run(insert, [1, null]);
      }),
      database.transaction((transaction) => transaction.run(insert, [3, null])),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
    expect(await database.read({ name: "all", text: "SELECT n FROM t ORDER BY n" })).toEqual([{ n: 1 }, { n: 3 }]);
  });

  it("are seen by nobody before the commit", async () => {
    let seen: unknown;
    await database.transaction(async (transaction) => {
      await transaction.run(insert, [1, null]);
      seen = await rows();
    });
    expect(seen).toBe(0);
    expect(await rows()).toBe(1);
  });
});

describe("a full disk", () => {
  const blob = new Uint8Array(3000);

  const fill = async (): Promise<number> => {
    for (let n = 0; ; n++) {
      try {
        await database.write(insert, [n, blob]);
      } catch (error) {
        expect(error).toMatchObject({ ...away, message: expect.stringContaining("full") as unknown });
        return n;
      }
    }
  };
  const limit = (pages: number): Promise<unknown> =>
    database.transaction((transaction) => transaction.script(`PRAGMA max_page_count = ${pages}`));

  it("fails the write, keeps what was there, can be read, and goes on when there is room", async () => {
    await limit(20);
    const written = await fill();
    expect(written).toBeGreaterThan(5);
    expect(await rows()).toBe(written);
    await expect(database.write(insert, [-1, blob])).rejects.toMatchObject(away);
    await limit(1000);
    await database.write(insert, [-1, blob]);
    expect(await rows()).toBe(written + 1);
  });

  it("takes a transaction back as a whole", async () => {
    await limit(20);
    await expect(
      database.transaction(async (transaction) => {
        for (let n = 0; n < 50; n++) await transaction.run(insert, [n, blob]);
      }),
    ).rejects.toMatchObject(away);
    expect(await rows()).toBe(0);
  });

  it("tells nobody who shared the commit that it was written", async () => {
    await limit(20);
    const results = await Promise.allSettled(Array.from({ length: 60 }, (_, n) => database.write(insert, [n, blob])));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(Number(await rows()));
    expect(results.some(({ status }) => status === "rejected")).toBe(true);
  });
});

describe("another process", () => {
  it("that holds the lock fails a write after the timeout, and no read; then all goes on", async () => {
    await database.close();
    database = openSqlite(path, { busyTimeoutMs: 10 });
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE; INSERT INTO t VALUES (7, NULL)");
    await expect(database.write(insert, [1, null])).rejects.toMatchObject(away);
    await expect(database.check()).rejects.toMatchObject(away);
    expect(await rows()).toBe(0);
    other.exec("COMMIT");
    other.close();
    await database.write(insert, [1, null]);
    expect(await rows()).toBe(2);
  });

  it("makes a backup that is whole, while this one writes", async () => {
    for (let n = 0; n < 10; n++) await database.write(insert, [n, new Uint8Array(2000)]);
    const writing = Promise.all(Array.from({ length: 300 }, (_, n) => database.write(insert, [100 + n, null])));
    const backup = join(folder, "backup.db");
    backupSqlite(path, backup);
    await writing;
    expect(((await stat(backup)).mode & 0o777).toString(8)).toBe("600");
    const restored = openSqlite(backup);
    expect(await rows(restored)).toBe(10);
    await restored.close();
  });

  it("makes no backup over a file that is there", async () => {
    const backup = join(folder, "backup.db");
    await writeFile(backup, "mine");
    expect(() => backupSqlite(path, backup)).toThrow(expect.objectContaining({ code: "FileUnfit" }));
    expect(await readFile(backup, "utf8")).toBe("mine");
  });

  it("leaves nothing of a backup that could not be written", async () => {
    const none = join(folder, "none.db");
    await writeFile(none, "this is no database");
    expect(() => backupSqlite(none, join(folder, "backup.db"))).toThrow(expect.objectContaining({ code: "StoreAway" }));
    expect(await readdir(folder)).not.toContain("backup.db");
  });
});
