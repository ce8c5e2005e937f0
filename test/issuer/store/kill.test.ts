import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { serialize } from "node:v8";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GrantStore } from "../../../src/issuer/store/grant-store.ts";
import { grantStoreOn } from "../../../src/issuer/store/sql-grant-store.ts";
import { dialects, type EmptyDatabase, emptyDatabase } from "../../sql/support/databases.ts";
import { deeds, type Scene, setScene } from "./support/deeds.ts";
import { begin, renew, t0, tokenOf, windowMs } from "./support/grants.ts";

const program = fileURLToPath(new URL("support/doomed.ts", import.meta.url));
const renewing = fileURLToPath(new URL("support/renewing.ts", import.meta.url));

/** Runs the deed in a process of its own; false when it was killed before it was through. */
async function survives(
  location: string,
  name: string,
  { at, scene }: { at: number; scene?: Scene },
): Promise<boolean> {
  const child = spawn(process.execPath, [program, location, name, String(at)], { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.end(serialize(scene));
  const [said, complaints] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  expect(complaints).toBe("");
  expect(child.signalCode).toBe(said === "done\n" ? null : "SIGKILL");
  return said === "done\n";
}

describe.each(dialects)("kill -9 of the process on %s", (dialect) => {
  let database: EmptyDatabase;
  let store: GrantStore;

  beforeAll(async () => {
    database = await emptyDatabase(dialect);
    store = await grantStoreOn(database.open());
  });
  afterAll(() => database[Symbol.asyncDispose]());

  it.each(Object.entries(deeds))("at every effect of %s leaves all of it or nothing", async (name, deed) => {
    const outcomes: boolean[] = [];
    for (let at = 0; ; at++) {
      const scene = await setScene(store);
      const isThrough = await survives(database.location, name, { at, scene });
      outcomes.push(await deed.isDone(store, scene));
      if (isThrough) break;
    }
    // Nothing at first; all of it after the commit, with a kill and without
    expect(outcomes[0]).toBe(false);
    expect(outcomes.slice(-2)).toEqual([true, true]);
    expect(outcomes).toEqual(outcomes.toSorted());
  });

  it("at every effect of the migration leaves a database that can be used", async () => {
    let isThrough = false;
    for (let at = 0; !isThrough; at++) {
      const empty = await emptyDatabase(dialect);
      isThrough = await survives(empty.location, "migration", { at });
      await begin(await grantStoreOn(empty.open()));
      await empty[Symbol.asyncDispose]();
      expect(isThrough && at < 5).toBe(false);
    }
  });

  it("at any moment of many renewals loses none that was answered", async () => {
    for (let round = 0; round < 5; round++) {
      const scene = await setScene(store);
      const child = spawn(process.execPath, [renewing, database.location], { stdio: ["pipe", "pipe", "inherit"] });
      child.stdin.end(serialize(scene));
      const exit = once(child, "exit");
      let last = "";
      let answers = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        last = line;
        if (++answers === 20 + 7 * round) child.kill("SIGKILL");
      }
      expect(await exit).toEqual([null, "SIGKILL"]);
      const token = tokenOf(last);
      const generation = (await store.find(scene.parent.row.grant.id))?.grant.generation ?? -1;
      expect([token.generation, token.generation + 1]).toContain(generation);
      // The answer that was on its way is given again
      expect(await renew(store, token, t0 + answers * windowMs)).toMatchObject({
        kind: "granted",
        successor: { generation: token.generation + 1 },
      });
    }
  });
});
