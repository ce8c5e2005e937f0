import { mkdir, readdir, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { nodeDisk, type Disk } from "../../src/files/disk.ts";
import { acquireLock, type Lock } from "../../src/files/lock.ts";
import { start } from "./children/start.ts";
import { tempDir } from "./world.ts";

const disk = nodeDisk();
let ids = 0;

const acquire = (dir: string, on: Disk = disk): Promise<Lock> =>
  acquireLock(
    on,
    { path: dir, lockDir: join(dir, "lock") },
    {
      holder: { pid: 4711, host: "web-1", since: "2026-11-22T00:00:00.000Z", state: "trying" },
      newId: () => `id${String(ids++).padStart(14, "0")}`,
      chance: Math.random,
      pause: (ms) =>
        new Promise((resolve) => {
          setTimeout(resolve, ms);
        }),
    },
  );

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

describe("acquireLock", () => {
  test("keeps everybody else out, and names the holder", async () => {
    const dir = await tempDir();
    const lock = await acquire(dir);
    await expect(acquire(dir)).rejects.toThrow(
      `Cannot run on "${dir}": must be the only process there, process 4711 on web-1 since 2026-11-22T00:00:00.000Z has the lock`,
    );
    await lock.release();
    const next = await acquire(dir);
    await next.release();
    expect(await readdir(join(dir, "lock"))).toEqual([]);
  });

  test("of many that start at once, one gets it and all others hear who", async () => {
    const dir = await tempDir();
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => acquire(dir)));
    const won = results.filter((result) => result.status === "fulfilled");
    expect(won).toHaveLength(1);
    await Promise.all(won.map(({ value }) => value.release()));
    expect(await readdir(join(dir, "lock"))).toEqual([]);
  });

  test("is free at once when its holder is killed", { timeout: 60_000 }, async () => {
    const dir = await tempDir();
    const first = start("runner", [dir]);
    expect(await first.spoken).toBe("running\n");
    const second = start("runner", [dir]);
    const { said, code } = await second.ended;
    expect(said).toContain(`process ${first.process.pid ?? 0} on ${hostname()} since `);
    expect(code).toBe(1);
    first.process.kill("SIGKILL");
    await first.ended;
    const third = start("runner", [dir]);
    expect(await third.spoken).toBe("running\n");
    third.process.kill("SIGTERM");
    expect(await third.ended).toEqual({ said: "running\nended\n", code: 0 });
    expect(await readdir(join(dir, "lock"))).toEqual([]);
  });

  test("counts a process that was stopped as its holder", { timeout: 60_000 }, async () => {
    const dir = await tempDir();
    const first = start("runner", [dir]);
    await first.spoken;
    first.process.kill("SIGSTOP");
    await expect(acquire(dir)).rejects.toThrow("a process that does not answer has the lock");
    first.process.kill("SIGCONT");
    first.process.kill("SIGTERM");
    await first.ended;
    await (await acquire(dir)).release();
  });

  test("works where the path is longer than the address of a socket", async () => {
    const dir = join(await tempDir(), "d".repeat(100), "e".repeat(100));
    await mkdir(dir, { recursive: true });
    const lock = await acquire(dir);
    await expect(acquire(dir)).rejects.toThrow("has the lock");
    await lock.release();
  });

  test("begins anew when somebody took its socket for dead", async () => {
    const dir = await tempDir();
    let removals = 0;
    const racing: Disk = {
      ...disk,
      entry: async (path) => {
        if (path.endsWith(".sock") && removals++ === 0) await disk.removeFile(path);
        return disk.entry(path);
      },
    };
    const lock = await acquire(dir, racing);
    expect(removals).toBe(2);
    await expect(acquire(dir)).rejects.toThrow("has the lock");
    await lock.release();
  });

  test("withdraws from one who tries as well, and gets the lock when that one gives up", async () => {
    const dir = await tempDir();
    await mkdir(join(dir, "lock"));
    const path = join(dir, "lock", "zzzzzzzzzzzzzzzz.sock");
    const rival = createServer((socket) => {
      socket.end('{"state":"trying"}');
      rival.close();
    });
    servers.push(rival);
    await new Promise<void>((resolve) => {
      rival.listen(path, resolve);
    });
    const lock = await acquire(dir);
    await lock.release();
  });

  test("takes an answer that makes no sense for that of a holder", async () => {
    const dir = await tempDir();
    await mkdir(join(dir, "lock"));
    for (const answer of ["not JSON", "[]", "x".repeat(10_000), ""]) {
      const server = createServer((socket) => socket.on("error", () => undefined).end(answer));
      await new Promise<void>((resolve) => {
        server.listen(join(dir, "lock", "zzzzzzzzzzzzzzzz.sock"), resolve);
      });
      await expect(acquire(dir), answer).rejects.toThrow("a process that does not answer has the lock");
      await new Promise((resolve) => {
        server.close(resolve);
      });
    }
  });

  test("leaves files of others in its directory alone", async () => {
    const dir = await tempDir();
    await mkdir(join(dir, "lock"));
    await writeFile(join(dir, "lock", "README"), "mine");
    await (await acquire(dir)).release();
    expect(await readdir(join(dir, "lock"))).toEqual(["README"]);
  });
});
