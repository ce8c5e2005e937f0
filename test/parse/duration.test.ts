import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  durationAdvice,
  durationMaxLength,
  durationPattern,
  formatDuration,
  readDuration,
} from "../../src/parse/duration.ts";

/** 2⁶³ − 1 ns in whole milliseconds. */
const mostMs = 9_223_372_036_854;

describe("readDuration", () => {
  it.each([
    ["0s", 0],
    ["0h0m0s", 0],
    ["1ms", 1],
    ["500ms", 500],
    ["45s", 45_000],
    ["90m", 5_400_000],
    ["1h30m", 5_400_000],
    ["720h", 2_592_000_000],
    ["1.5h", 5_400_000],
    ["1.1h", 3_960_000],
    ["0.1s", 100],
    ["0.001s", 1],
    ["1.0000s", 1000],
    ["007m", 420_000],
    ["1m1h", 3_660_000],
    ["1h1h", 7_200_000],
    ["9223372036.854s", mostMs],
    ["00000000000000000000000000000.1s", 100],
  ])("reads %s as Go does", (text, ms) => expect(readDuration(text)).toBe(ms));

  it.each([
    ["-1s", "a sign"],
    ["+1s", "a sign"],
    ["1h-1m", "a sign within"],
    ["", "no number"],
    ["0", "no unit"],
    ["90", "no unit"],
    ["1h30", "no unit at the end"],
    ["h", "a unit alone"],
    [".5h", "no digit before the point"],
    ["1.h", "no digit after the point"],
    ["1..5h", "two points"],
    ["1,5h", "a comma"],
    ["1d", "days"],
    ["1µs", "microseconds"],
    ["1000000ns", "nanoseconds"],
    ["1H", "a capital"],
    [" 1h", "a space before"],
    ["1h ", "a space after"],
    ["1h\n", "a line break after"],
    ["1 h", "a space within"],
    ["1e3s", "an exponent"],
    ["0x1s", "hexadecimal"],
    ["١s", "foreign digits"],
    ["PT1H", "ISO 8601"],
    ["Infinitys", "infinity"],
    ["1constructor", "the name of an inherited property as unit"],
    ["0.5ms", "a fraction of a millisecond"],
    ["0.0001s", "a fraction of a millisecond"],
    ["9223372036.855s", "more than Go holds"],
    ["99999999999999999999999999999h", "far more than Go holds"],
    ["000000000000000000000000000000.1s", "33 characters"],
  ])("refuses %j: %s", (text) => expect(readDuration(text)).toBeUndefined());

  it("reads whatever formatDuration writes, to the millisecond", () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: mostMs }), (ms) => readDuration(formatDuration(ms)) === ms));
  });

  it("adds up parts in any order, exactly", () => {
    const units = fc.constantFrom<[string, number]>(["h", 3_600_000], ["m", 60_000], ["s", 1000], ["ms", 1]);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(99_999), units), { minLength: 1, maxLength: 4 }), (parts) => {
        const text = parts.map(([count, [unit]]) => `${count}${unit}`).join("");
        return readDuration(text) === parts.reduce((sum, [count, [, ms]]) => sum + count * ms, 0);
      }),
    );
  });

  it("never answers with anything but a whole number of milliseconds, 0 or more, in the published form", () => {
    const near = fc.string({ unit: fc.constantFrom(...Array.from("0159.hms-+ ")), maxLength: 12 });
    fc.assert(
      fc.property(near, (text) => {
        const ms = readDuration(text);
        return ms === undefined || (Number.isSafeInteger(ms) && ms >= 0 && new RegExp(durationPattern).test(text));
      }),
      { numRuns: 5000 },
    );
  });

  it("answers at once for a long text that almost fits", () => {
    expect(readDuration(`${"1".repeat(1_000_000)}x`)).toBeUndefined();
    expect(durationMaxLength).toBe(32);
  });
});

describe("formatDuration", () => {
  it.each([
    [0, "0s"],
    [1, "1ms"],
    [999, "999ms"],
    [1000, "1s"],
    [1001, "1.001s"],
    [1500, "1.5s"],
    [45_000, "45s"],
    [59_999, "59.999s"],
    [60_000, "1m"],
    [61_000, "1m1s"],
    [3_599_000, "59m59s"],
    [3_600_000, "1h"],
    [3_601_000, "1h1s"],
    [3_600_500, "1h0.5s"],
    [5_400_000, "1h30m"],
    [86_400_000, "24h"],
    [2_592_000_000, "720h"],
    [2_592_061_000, "720h1m1s"],
  ])("writes %d ms as %s", (ms, text) => expect(formatDuration(ms)).toBe(text));

  it.each([-1, 0.5, NaN, Infinity, Number.MAX_SAFE_INTEGER + 1])("throws RangeError for %d ms", (ms) =>
    expect(() => formatDuration(ms)).toThrow(RangeError),
  );

  it("writes whole seconds without a fraction and without ms", () => {
    fc.assert(fc.property(fc.nat(10 ** 9), (seconds) => /^([0-9]+[hms])+$/.test(formatDuration(seconds * 1000))));
  });
});

describe("durationAdvice", () => {
  it.each([
    ["30d", "there are no days: 30d is 720h"],
    ["2 weeks", "there are no weeks: 2 weeks is 336h"],
    ["90", "it needs a unit: 90s, 90m or 90h"],
    ["1 h", "1 h is 1h"],
    ["1h\n", "without anything around it"],
    ["1\nh", undefined],
    ["30d\u001b[31m", undefined],
    ["soon", undefined],
    ["1h", undefined],
  ])("%j: %s", (text, advice) => {
    expect(durationAdvice(text)).toBe(advice);
  });
});
