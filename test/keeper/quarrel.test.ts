import { describe, expect, it } from "vitest";
import { quarrelIn, withWrite, type Writes } from "../../src/keeper/quarrel.ts";

const writesAt = (times: readonly number[]): Writes =>
  times.reduce((writes: Writes, atMs) => withWrite(writes, atMs), []);
const times = (count: number, everyMs = 0): readonly number[] =>
  Array.from({ length: count }, (_, index) => index * everyMs);

describe("quarrelIn", () => {
  it.each([
    [99, undefined],
    [100, undefined],
    [101, "Quarrel"],
    [1000, "Quarrel"],
  ])("of %i writes at one moment is %s", (count, reason) => {
    expect(quarrelIn(writesAt(times(count)), 0)?.reason).toBe(reason);
  });

  it("is over as soon as a minute has no more than a hundred writes", () => {
    const writes = writesAt(times(101, 10));
    expect([1000, 59_999, 60_000].map((nowMs) => quarrelIn(writes, nowMs)?.reason)).toEqual([
      "Quarrel",
      "Quarrel",
      undefined,
    ]);
  });

  it("never is where a write comes every 600 milliseconds, for ever", () => {
    expect(quarrelIn(writesAt(times(1000, 600)), 599_400)).toBeUndefined();
  });
});

describe("withWrite", () => {
  it("remembers no more than it takes to tell", () => {
    expect(writesAt(times(5000))).toHaveLength(101);
  });

  it("forgets what is a minute old", () => {
    expect(withWrite([0, 1, 2], 60_001)).toEqual([2, 60_001]);
  });
});
