import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PostgresServer, startPostgres } from "../../../hack/postgres.ts";
import type { GrantStore } from "../../../src/issuer/store/grant-store.ts";
import { grantStoreOn } from "../../../src/issuer/store/sql-grant-store.ts";
import { openPostgres } from "../../../src/sql/postgres.ts";
import { withEffects } from "../../sql/support/effects.ts";
import { deeds, setScene } from "./support/deeds.ts";
import { begin, endTime, renew, t0, windowMs } from "./support/grants.ts";

describe("kill -9 of PostgreSQL", () => {
  let server: PostgresServer;
  let store: GrantStore;
  let left = Infinity;

  beforeAll(async () => {
    server = await startPostgres();
    const database = openPostgres(server.url(), { connectTimeoutMs: 60_000, statementTimeoutMs: 30_000 });
    store = await grantStoreOn(
      withEffects(database, async () => {
        if (left-- === 0) await server.kill();
      }),
    );
  });
  afterAll(async () => {
    await store.close();
    await server.remove();
  });

  it.each(Object.entries(deeds))("at every effect of %s leaves all of it or nothing", async (_, deed) => {
    const outcomes: boolean[] = [];
    let isThrough = false;
    for (let at = 0; !isThrough; at++) {
      const scene = await setScene(store);
      left = at;
      const error = await deed.do(store, scene).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      isThrough = left >= 0;
      left = Infinity;
      if (!isThrough) {
        // After the commit the deed is done, and says so
        if (error !== undefined) expect(error).toMatchObject({ name: "TryLaterError", code: "StoreAway" });
        await expect(store.find(scene.parent.row.grant.id)).rejects.toMatchObject({ code: "StoreAway" });
        await server.start();
      }
      outcomes.push(await deed.isDone(store, scene));
      expect(outcomes.at(-1)).toBe(error === undefined);
    }
    expect(outcomes.slice(-2)).toEqual([true, true]);
  });

  it("amid fifty renewals loses none that was answered, and wakes the listeners when it is back", async () => {
    const grants = await Promise.all(Array.from({ length: 50 }, () => begin(store)));
    let wakes = 0;
    let wake = Promise.withResolvers<undefined>();
    const stop = store.onRevocation(() => {
      wakes++;
      wake.resolve(undefined);
    });
    await wake.promise;
    wake = Promise.withResolvers();
    left = 75;
    const answers = await Promise.allSettled(grants.map(({ token }) => renew(store, token, t0)));
    left = Infinity;
    expect(answers.some(({ status }) => status === "rejected")).toBe(true);
    await server.start();
    await wake.promise;
    for (const [index, { token, row }] of grants.entries()) {
      const answer = answers[index];
      const grant = (await store.find(row.grant.id))?.grant;
      if (answer?.status === "fulfilled") expect(grant?.generation).toBe(1);
      expect(await renew(store, token, t0 + windowMs - 1)).toMatchObject({
        kind: "granted",
        successor: { generation: 1 },
      });
    }
    wake = Promise.withResolvers();
    await store.revoke({ kind: "grant", id: grants[0]?.row.grant.id ?? new Uint8Array() }, endTime(t0));
    await wake.promise;
    expect(wakes).toBeGreaterThan(2);
    stop();
  });
});
