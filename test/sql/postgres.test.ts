import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import type { Database, Statement } from "../../src/sql/database.ts";
import { openPostgres } from "../../src/sql/postgres.ts";
import { ask, type EmptyDatabase, emptyDatabase } from "./support/databases.ts";

const insert: Statement = { name: "insert", text: "INSERT INTO t VALUES ($1)" };
const count: Statement = { name: "count", text: "SELECT count(*) AS n FROM t" };
const pid: Statement = { name: "pid", text: "SELECT pg_backend_pid() AS pid" };
const away = { name: "TryLaterError", code: "StoreAway" };

let empty: EmptyDatabase;
let database: Database;

beforeAll(async () => {
  empty = await emptyDatabase("postgres");
  database = empty.open();
  await database.transaction((transaction) => transaction.script("CREATE TABLE t (n BIGINT PRIMARY KEY)"));
});
afterAll(() => empty[Symbol.asyncDispose]());

const rows = async (): Promise<unknown> => (await database.read(count))[0]?.["n"];
const cut = (backend: unknown): Promise<unknown> =>
  ask(empty.location, `SELECT pg_terminate_backend(${String(backend)}, 5000)`);

describe("a connection that is lost", () => {
  it("in the middle of a transaction takes it back, and the next one works", async () => {
    const before = await rows();
    const lost = database.transaction(async (transaction) => {
      await transaction.run(insert, [1]);
      const [row] = await transaction.run(pid);
      await cut(row?.["pid"]);
      await transaction.run(insert, [2]);
    });
    await expect(lost).rejects.toMatchObject(away);
    expect(await rows()).toBe(before);
    await database.write(insert, [1]);
  });

  it("while nobody uses it ends no process, and costs nothing", async () => {
    const [row] = await database.read(pid);
    await cut(row?.["pid"]);
    await Promise.allSettled([database.read(pid)]);
    expect(await rows()).toBeTypeOf("number");
  });

  it("of the listener is made anew, and everybody is woken", async () => {
    let wake = Promise.withResolvers<undefined>();
    const stop = database.onWake(() => wake.resolve(undefined));
    await wake.promise;
    wake = Promise.withResolvers();
    await ask(
      empty.location,
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()",
    );
    await wake.promise;
    wake = Promise.withResolvers();
    await empty.open().transaction((transaction) => transaction.wake());
    await wake.promise;
    stop();
  });
});

describe("a server", () => {
  const openAt = (change: (url: URL) => void, options = {}): Database => {
    const url = new URL(inject("postgres"));
    change(url);
    return openPostgres(url.href, { connectTimeoutMs: 60_000, ...options });
  };

  it("that is not there is away, and the error has no password", async () => {
    const none = openAt((url) => Object.assign(url, { port: "1", password: "open sesame" }));
    await expect(none.read(count)).rejects.toMatchObject({
      ...away,
      message: expect.stringContaining("nothing listens on ") as unknown,
    });
    await expect(none.check()).rejects.not.toMatchObject({ message: expect.stringContaining("sesame") as unknown });
    await none.close();
  });

  it("that speaks no TLS is refused where the URL asks for it", async () => {
    const strict = openAt((url) => url.searchParams.set("sslmode", "verify-full"));
    await expect(strict.read(count)).rejects.toMatchObject({
      ...away,
      message: expect.stringContaining("SSL") as unknown,
    });
    await strict.close();
  });

  it("that is read-only fails writes and the check, and no reads", async () => {
    const standby = openAt((url) => {
      url.pathname = new URL(empty.location).pathname;
      url.searchParams.set("options", "-c default_transaction_read_only=on");
    });
    expect(await standby.read(count)).toHaveLength(1);
    await expect(standby.write(insert, [9])).rejects.toMatchObject({
      ...away,
      message: expect.stringMatching(/25006/) as unknown,
    });
    await expect(standby.check()).rejects.toMatchObject(away);
    await standby.close();
  });

  it("that takes too long for a statement, or for a lock, is away", async () => {
    // The driver waits for the server's word as long again
    const impatient = openPostgres(empty.location, { statementTimeoutMs: 2000 });
    const slow: Statement = { name: "slow", text: "SELECT pg_sleep(60)" };
    await expect(impatient.read(slow)).rejects.toMatchObject({
      ...away,
      message: expect.stringMatching(/57014/) as unknown,
    });
    await database.transaction(async (transaction) => {
      await transaction.lock(1);
      const waits = impatient.transaction((other) => other.lock(1));
      await expect(waits).rejects.toMatchObject({ ...away, message: expect.stringMatching(/55P03|57014/) as unknown });
    });
    await impatient.close();
  });

  it("with all connections in use lets the others wait, and says how many", async () => {
    const narrow = openPostgres(empty.location, { maxConnections: 1 });
    const free = Promise.withResolvers<undefined>();
    const first = narrow.transaction(() => free.promise);
    const second = narrow.read(count);
    expect(narrow.load()).toEqual({ busy: 1, waiting: 1 });
    free.resolve(undefined);
    await Promise.all([first, second]);
    expect(narrow.load()).toEqual({ busy: 0, waiting: 0 });
    await narrow.close();
  });
});

describe("an error", () => {
  it.each([
    ["of a constraint", "INSERT INTO t VALUES (1) RETURNING n", /SQLSTATE 23505$/],
    ["of a value", "SELECT 'secret-value'::int", /SQLSTATE 22P02$/],
    ["of a name", "SELECT * FROM nowhere", /relation "nowhere" does not exist \(SQLSTATE 42P01\)$/],
  ])("%s tells the state, and no value", async (name, text, message) => {
    const error: unknown = await database.write({ name, text }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ ...away, message: expect.stringMatching(message) as unknown });
    expect(JSON.stringify([error, String(error), (error as Error).cause])).not.toMatch(/secret-value|\(1\)/);
  });

  it("of a URL that is none has no part of it", () => {
    expect(() => openPostgres("postgres://user:sesame@[")).toThrow(
      expect.objectContaining({ code: "StoreUnusable", message: expect.not.stringContaining("sesame") as unknown }),
    );
  });
});

describe("two transactions that wait for each other", () => {
  it("are both done in the end", async () => {
    await database.write({ name: "two", text: "INSERT INTO t VALUES (101), (102)" });
    const touch: Statement = { name: "touch", text: "UPDATE t SET n = n WHERE n = $1" };
    const both = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    let runs = 0;
    const inOrder = (mine: number, order: readonly number[]): Promise<void> =>
      database.transaction(async (transaction) => {
        runs++;
        await transaction.run(touch, [order[0] ?? 0]);
        both[mine]?.resolve(undefined);
        await both[1 - mine]?.promise;
        await transaction.run(touch, [order[1] ?? 0]);
      });
    await Promise.all([inOrder(0, [101, 102]), inOrder(1, [102, 101])]);
    expect(runs).toBe(3);
  });
});

it("commits at READ COMMITTED, whatever the database's default", async () => {
  await ask(
    empty.location,
    `ALTER DATABASE ${new URL(empty.location).pathname.slice(1)} SET default_transaction_isolation = 'serializable'`,
  );
  const isolation: Statement = { name: "isolation", text: "SHOW transaction_isolation" };
  expect(await empty.open().read(isolation)).toEqual([{ transaction_isolation: "read committed" }]);
});
