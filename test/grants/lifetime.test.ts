import { describe, expect, it } from "vitest";
import { accessEndsAtMs, endsAtMs, refreshTtlOf } from "../../src/grants/lifetime.ts";

const [hour, day] = [3_600_000, 86_400_000];

describe("refreshTtlOf", () => {
  it.each<[unknown, number]>([
    [undefined, day],
    [null, day],
    [0, day],
    [-1, day],
    [1.5, day],
    [NaN, day],
    [Infinity, day],
    ["x", day],
    ["", day],
    ["0", day],
    ["-5", day],
    ["1e3", day],
    [" 60", day],
    [["60"], day],
    [true, day],
    [1, 1000],
    ["1", 1000],
    [2_592_000, 30 * day],
    ["2592000", 30 * day],
    [90 * 86_400 - 1, 90 * day - 1000],
    [90 * 86_400, 90 * day],
    [90 * 86_400 + 1, 90 * day],
    [365 * 86_400, 90 * day],
    ["9".repeat(300), 90 * day],
    [Number.MAX_SAFE_INTEGER, 90 * day],
  ])("%j asks for %d ms", (asked, ms) => {
    expect(refreshTtlOf(asked)).toBe(ms);
  });

  it("takes the default and the cap that are configured", () => {
    expect(refreshTtlOf("x", { defaultMs: hour, maxMs: 30 * day })).toBe(hour);
    expect(refreshTtlOf(40 * 86_400, { maxMs: 30 * day })).toBe(30 * day);
  });

  it("cuts a default above the cap, and a cap above 90 days", () => {
    expect(refreshTtlOf(undefined, { defaultMs: 2 * day, maxMs: day })).toBe(day);
    expect(refreshTtlOf(100 * 86_400, { maxMs: 100 * day })).toBe(90 * day);
  });
});

describe("endsAtMs", () => {
  it("is the TTL from now, cut by the cap in force and by not_after", () => {
    expect(endsAtMs({ refreshTtlMs: 10 * day }, 5)).toBe(5 + 10 * day);
    expect(endsAtMs({ refreshTtlMs: 10 * day }, 5, 3 * day)).toBe(5 + 3 * day);
    expect(endsAtMs({ refreshTtlMs: 100 * day }, 5)).toBe(5 + 90 * day);
    expect(endsAtMs({ refreshTtlMs: 10 * day, notAfterMs: 7 }, 5)).toBe(7);
  });
});

describe("accessEndsAtMs", () => {
  it("never passes not_after", () => {
    expect(accessEndsAtMs(hour, 5)).toBe(5 + hour);
    expect(accessEndsAtMs(hour, 5, 5 + hour - 1)).toBe(5 + hour - 1);
  });
});
