import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type PostgresServer, startPostgres } from "../../hack/postgres.ts";
import { newAuthority } from "../kube/support/certificates.ts";
import type { Database, Statement } from "../../src/sql/database.ts";
import { openPostgres } from "../../src/sql/postgres.ts";

const run = promisify(execFile);
const away = { name: "TryLaterError", code: "StoreAway" };
const isRoot = process.getuid?.() === 0;

describe("a server with TLS", () => {
  let folder: string;
  let server: PostgresServer;
  const encrypted: Statement = { name: "tls", text: "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()" };

  const openWith = (parameters: Readonly<Record<string, string>>): Database => {
    const url = new URL(server.url());
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return openPostgres(url.href);
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "keyturn-tls-"));
    const authorities = { right: newAuthority("right"), wrong: newAuthority("wrong") };
    for (const [name, { cert }] of Object.entries(authorities)) await writeFile(join(folder, `${name}.crt`), cert);
    const { cert, key } = authorities.right.issue("postgres");
    server = await startPostgres({ files: { "server.crt": cert, "server.key": key }, settings: { ssl: "on" } });
  });
  afterAll(async () => {
    await server.remove();
    await rm(folder, { recursive: true });
  });

  it("is used with TLS as the URL says", async () => {
    const database = openWith({ sslmode: "verify-full", sslrootcert: join(folder, "right.crt") });
    expect(await database.read(encrypted)).toEqual([{ ssl: true }]);
    await database.close();
  });

  it.each([{ sslmode: "verify-full" }, { sslmode: "verify-full", sslrootcert: "wrong.crt" }])(
    "whose certificate nobody vouches for is away: %j",
    async ({ sslmode, sslrootcert }) => {
      const database = openWith({ sslmode, ...(sslrootcert && { sslrootcert: join(folder, sslrootcert) }) });
      await expect(database.read(encrypted)).rejects.toMatchObject({
        ...away,
        message: expect.stringMatching(/certificate/) as unknown,
      });
      await database.close();
    },
  );
});

describe("a server whose disk is full", () => {
  let disk: string;
  let server: PostgresServer;
  let database: Database;
  const insert: Statement = { name: "insert", text: "INSERT INTO t VALUES ($1, $2)" };
  const count: Statement = { name: "count", text: "SELECT count(*) AS n FROM t" };

  beforeAll(async () => {
    if (!isRoot) return;
    disk = await mkdtemp(join(tmpdir(), "keyturn-disk-"));
    await run("mount", ["-t", "tmpfs", "-o", "size=256m,mode=755", "tmpfs", disk]);
    server = await startPostgres({ parent: disk, settings: { max_wal_size: "32MB", min_wal_size: "32MB" } });
    database = openPostgres(server.url());
    await database.transaction(async (transaction) => {
      await transaction.script("CREATE TABLE t (n INTEGER PRIMARY KEY, filler BYTEA)");
      await transaction.script("ALTER TABLE t ALTER filler SET STORAGE EXTERNAL");
    });
  });
  afterAll(async () => {
    if (!isRoot) return;
    await database.close();
    await server.remove();
    await run("umount", [disk]);
    await rm(disk, { recursive: true });
  });

  it("fails writes, keeps what was written, and goes on when there is room", async (context) => {
    if (!isRoot) context.skip("only root can mount a small disk");
    const ballast = join(disk, "ballast");
    const { stdout } = await run("df", ["--output=avail", "-B1", disk]);
    await writeFile(ballast, Buffer.alloc(Number(stdout.split("\n")[1]) - 48 * 2 ** 20));
    let written = 0;
    const error: unknown = await (async () => {
      for (; ; written++) await database.write(insert, [written, randomBytes(256 * 1024)]);
    })().catch((reason: unknown) => reason);
    expect(error).toMatchObject(away);
    expect(written).toBeGreaterThan(5);
    await rm(ballast);
    // Where it was the log that found no room, the server starts anew by itself; it ends where that finds no room either
    const goesOn = async (): Promise<void> => {
      if (server.hasEnded) await server.start();
      await database.check();
    };
    await vi.waitFor(goesOn, { timeout: 60_000 });
    expect(await database.read(count)).toEqual([{ n: written }]);
    await database.write(insert, [-1, null]);
  });
});
