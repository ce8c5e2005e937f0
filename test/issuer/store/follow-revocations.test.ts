import { EventEmitter, once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { GrantStore } from "../../../src/issuer/store/grant-store.ts";
import { followRevocations } from "../../../src/issuer/store/follow-revocations.ts";
import { openGrantStore } from "../../../src/issuer/store/open-grant-store.ts";
import type { RevocationLog } from "../../../src/issuer/store/revocation-log.ts";
import { RevokedSet, type TokenRevocation } from "../../../src/jwt/revoked-set.ts";
import { systemClock } from "../../../src/time/clock.ts";
import { TryLaterError } from "../../../src/errors/keyturn-error.ts";
import { type EmptyDatabase, emptyDatabase } from "../../sql/support/databases.ts";
import { hourMs, t0 } from "./support/grants.ts";

/** Tells of each change. */
class Watched extends RevokedSet {
  readonly told = new EventEmitter();

  override add(one: TokenRevocation): void {
    super.add(one);
    this.told.emit(one.value);
  }
}

let database: EmptyDatabase;
let store: GrantStore;
let stop: AbortController;
let running: Promise<void>;
beforeEach(async () => {
  database = await emptyDatabase("sqlite");
  store = await openGrantStore(database.location);
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await running;
  await store.close();
  await database[Symbol.asyncDispose]();
});

const revoke = (jti: string): Promise<void> => store.revokeToken(jti, { nowMs: t0, endsAtMs: t0 + hourMs });

function follow(set: RevokedSet, log: RevocationLog = store, problems: unknown[] = []): void {
  const options = {
    clock: { ...systemClock, nowMs: () => t0 },
    chance: () => 0,
    onProblem: (error: unknown) => void problems.push(error),
  };
  running = followRevocations(log, { set, signal: stop.signal }, options);
}

describe("followRevocations", () => {
  it("begins with what is in force, and hears of each that comes", async () => {
    await revoke("before");
    const set = new Watched();
    const begun = once(set.told, "before");
    follow(set);
    await begun;
    const heard = once(set.told, "after");
    await revoke("after");
    await heard;
    expect([set.has({ jti: "before" }), set.has({ jti: "after" }), set.has({ jti: "other" })]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("keeps what it knows while the log can't be read, says so, and goes on where it was", async () => {
    const set = new Watched();
    let isAway = false;
    const log: RevocationLog = {
      ...{ revokeToken: () => Promise.reject(new Error("not here")), pruneRevocations: () => Promise.resolve(0) },
      revocations: (nowMs) => store.revocations(nowMs),
      onRevocation: (listener) => store.onRevocation(listener),
      revocationsAfter: (seq, limit) => {
        if (!isAway) return store.revocationsAfter(seq, limit);
        isAway = false;
        return Promise.reject(new TryLaterError("StoreAway", "Cannot read"));
      },
    };
    await revoke("before");
    const problems: unknown[] = [];
    const begun = once(set.told, "before");
    follow(set, log, problems);
    await begun;
    isAway = true;
    const heard = once(set.told, "after");
    await revoke("after");
    await heard;
    expect([problems.length, set.has({ jti: "before" })]).toEqual([1, true]);
  });
});
