import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { TryLaterError } from "../../../src/errors/keyturn-error.ts";
import { SharedFinds } from "../../../src/issuer/store/shared-finds.ts";
import type { SqlRow, SqlValue } from "../../../src/sql/database.ts";

const idOf = (n: number): Uint8Array => new Uint8Array(16).fill(n);

/** A database whose queries are answered when the test says so. */
class Slow {
  readonly queries: { readonly ids: readonly number[]; answer(known: readonly number[]): void; fail(): void }[] = [];

  read(_statement: unknown, values: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly SqlRow[]>();
    const ids = values.flatMap((value) => (value instanceof Uint8Array ? [value[0] ?? 0] : []));
    this.queries.push({
      ids,
      answer: (known) => resolve(known.map((n) => ({ id: idOf(n), subject: `s${n}` }))),
      fail: () => reject(new TryLaterError("StoreAway", "Cannot use the database: it is away")),
    });
    return promise;
  }
}

const subjects = async (asked: readonly Promise<SqlRow | undefined>[]): Promise<unknown[]> =>
  (await Promise.all(asked)).map((row) => row?.["subject"]);

describe("finds", () => {
  it("asks at once where nothing is under way, and for all that waited in the next query", async () => {
    const slow = new Slow();
    const finds = new SharedFinds(slow);
    const asked = [1, 3, 4, 3].map((n) => finds.find(idOf(n)));
    expect(slow.queries.map(({ ids }) => ids)).toEqual([[1]]);
    slow.queries[0]?.answer([1]);
    await turn();
    expect(slow.queries.map(({ ids }) => ids)).toEqual([[1], [3, 4, 3]]);
    slow.queries[1]?.answer([4]);
    expect(await subjects(asked)).toEqual(["s1", undefined, "s4", undefined]);
  });

  it("asks for 16 at most in a query, in the order in which they came", async () => {
    const slow = new Slow();
    const finds = new SharedFinds(slow);
    const asked = Array.from({ length: 40 }, (_, n) => finds.find(idOf(n)));
    for (let query = 0; query < 4; query++) {
      slow.queries[query]?.answer(slow.queries[query]?.ids ?? []);
      await turn();
    }
    expect(slow.queries.map(({ ids }) => ids.length)).toEqual([1, 16, 16, 7]);
    expect(await subjects(asked)).toEqual(Array.from({ length: 40 }, (_, n) => `s${n}`));
  });

  it("fails those who share a query that fails, and nobody else", async () => {
    const slow = new Slow();
    const finds = new SharedFinds(slow);
    const asked = [1, 2, 3].map((n) => finds.find(idOf(n)));
    const outcomes = Promise.allSettled(asked);
    slow.queries[0]?.answer([1]);
    await turn();
    slow.queries[1]?.fail();
    await turn();
    const later = finds.find(idOf(4));
    slow.queries[2]?.answer([4]);
    expect((await outcomes).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected"]);
    expect((await later)?.["subject"]).toBe("s4");
  });

  it("gives nobody what was read before he asked", async () => {
    const slow = new Slow();
    const finds = new SharedFinds(slow);
    const before = finds.find(idOf(1));
    const after = finds.find(idOf(1));
    slow.queries[0]?.answer([]);
    await turn();
    slow.queries[1]?.answer([1]);
    expect(await subjects([before, after])).toEqual([undefined, "s1"]);
  });

  it("waits for no query that takes long", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const slow = new Slow();
    const finds = new SharedFinds(slow);
    const asked = [1, 2, 3].map((n) => finds.find(idOf(n)));
    vi.advanceTimersByTime(99);
    expect(slow.queries).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(slow.queries.map(({ ids }) => ids)).toEqual([[1], [2, 3]]);
    slow.queries[0]?.answer([1]);
    slow.queries[1]?.answer([2]);
    expect(await subjects(asked)).toEqual(["s1", "s2", undefined]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
