import { mkdir, readdir, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeDisk } from "../../src/files/disk.ts";
import { directoryHome } from "../../src/standalone/directory-home.ts";
import { directoryKeeper } from "../../src/standalone/directory-keeper.ts";
import { start } from "./children/start.ts";
import { tempDir, World } from "./world.ts";

const disk = nodeDisk();
const keeper = (dir: string) => directoryKeeper(disk, join(dir, "lock"));
const nobody = {
  kind: "nobody",
  why: "no process of this machine runs on the directory",
  remedy: "keyturn standalone --dir DIR carries it out",
};

describe("keeperOf a directory", () => {
  test("is nobody where nothing has run", async () => {
    expect(await keeper(await tempDir())).toEqual(nobody);
  });

  test(
    "is the process that runs there, and nobody once it has ended, however it ended",
    { timeout: 60_000 },
    async () => {
      const dir = await tempDir();
      const child = start("runner", [dir]);
      await child.spoken;
      expect(await keeper(dir)).toEqual({
        kind: "acts",
        who: expect.stringMatching(
          new RegExp(`^process ${child.process.pid ?? 0} on ${hostname()}, since \\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z$`),
        ) as string,
      });
      child.process.kill("SIGKILL");
      await child.ended;
      const left = await readdir(join(dir, "lock"));
      expect(left).toHaveLength(1);
      expect(await keeper(dir)).toEqual(nobody);
      // Who looks takes nothing away
      expect(await readdir(join(dir, "lock"))).toEqual(left);
    },
  );

  test("is nobody who gets on while the process is stopped", { timeout: 60_000 }, async () => {
    const dir = await tempDir();
    const child = start("runner", [dir]);
    await child.spoken;
    child.process.kill("SIGSTOP");
    expect(await keeper(dir)).toMatchObject({
      kind: "nobody",
      why: "the process that has the lock does not answer: it was stopped, or is overwhelmed",
    });
    child.process.kill("SIGCONT");
    expect(await keeper(dir)).toMatchObject({ kind: "acts" });
    child.process.kill("SIGKILL");
    await child.ended;
  });

  test("can't be told where the file system has no sockets", async () => {
    const dir = await tempDir();
    await mkdir(join(dir, "lock"), { mode: 0o700 });
    await writeFile(join(dir, "lock", "no-sockets"), "EPERM\n");
    expect(await keeper(dir)).toEqual({ kind: "unknown", why: "this file system has no locks" });
  });

  test("can't be told by somebody who may not read the lock", async () => {
    // Root may read everything
    const names = () => Promise.reject(Object.assign(new Error("not allowed"), { code: "EACCES" }));
    expect(await directoryKeeper({ ...disk, names }, "/d/lock")).toEqual({
      kind: "unknown",
      why: '"/d/lock" may not be read here',
    });
  });

  test("is what the home of the tools says", async () => {
    const world = new World(await tempDir());
    await world.run({ forMs: 1 });
    const home = await directoryHome(world.dir, { clock: world.time });
    expect(await home.keeper()).toEqual(nobody);
  });
});
