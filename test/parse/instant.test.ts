import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatInstant, readInstant, readOwnInstant } from "../../src/parse/instant.ts";

describe("readInstant", () => {
  it.each([
    ["2026-11-21T10:00:00Z", "2026-11-21T10:00:00.000Z"],
    ["2026-11-21T10:00:00.5Z", "2026-11-21T10:00:00.500Z"],
    ["2026-11-21T10:00:00.123999999Z", "2026-11-21T10:00:00.123Z"],
    ["2026-11-21T10:00:00+05:45", "2026-11-21T04:15:00.000Z"],
    ["2026-11-21T00:30:00-01:00", "2026-11-21T01:30:00.000Z"],
    ["2028-02-29T23:59:59Z", "2028-02-29T23:59:59.000Z"],
  ])("reads %s", (text, instant) => {
    expect(readInstant(text)).toBe(Date.parse(instant));
  });

  it.each([
    "2026-11-21",
    "2026-11-21T10:00:00",
    "2026-11-21T10:00Z",
    "2026-11-21 10:00:00Z",
    "2026-11-21t10:00:00z",
    "2026-11-21T10:00:00.Z",
    "2026-11-21T10:00:00.1234567890Z",
    "2026-02-29T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T23:60:00Z",
    "2026-01-01T23:59:60Z",
    "2026-01-01T00:00:00+24:00",
    "2026-01-01T00:00:00+01:60",
    "2026-01-01T00:00:00+0100",
    "+002026-01-01T00:00:00Z",
    "2026-01-01T00:00:00Z\n",
  ])("refuses %j", (text) => {
    expect(readInstant(text)).toBeUndefined();
  });
});

describe("readOwnInstant", () => {
  it("reads what formatInstant writes, and so does readInstant", () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true }),
        (date) => {
          const text = formatInstant(date.getTime());
          expect([readOwnInstant(text), readInstant(text)]).toEqual([date.getTime(), date.getTime()]);
        },
      ),
    );
  });

  it.each([
    "2026-11-21T10:00:00Z",
    "2026-11-21T10:00:00.00Z",
    "2026-11-21T10:00:00.000+00:00",
    "2026-02-30T10:00:00.000Z",
    "2026-11-21T24:00:00.000Z",
    "+010000-01-01T00:00:00.000Z",
    "",
  ])("refuses %j", (text) => {
    expect(readOwnInstant(text)).toBeUndefined();
  });
});
