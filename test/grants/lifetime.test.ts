import { describe, expect, it } from "vitest";
import { accessEndsAtMs, endsAtMs, secondsIn } from "../../src/grants/lifetime.ts";

const [hour, day] = [3_600_000, 86_400_000];

describe("secondsIn", () => {
  it.each<[unknown, number]>([
    ...[undefined, null, 0, -1, 1.5, NaN, Infinity, "x", "", "0", "-5", "1e3", " 60", ["60"], true].map(
      (asked): [unknown, number] => [asked, 0],
    ),
    [1, 1],
    ["1", 1],
    [2_592_000, 2_592_000],
    ["2592000", 2_592_000],
    ["9".repeat(300), 1e300],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  ])("%j is %d seconds", (asked, seconds) => {
    expect(secondsIn(asked)).toBe(seconds);
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
