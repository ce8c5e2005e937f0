import { isMainThread } from "node:worker_threads";
import fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Schedule } from "../../src/ring/plan.ts";
import { checkCron, isTimeZone, nextRunAfterMs, shortestSpanMs } from "../../src/ring/schedule.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

const at = (text: string): number => Date.parse(text);
const cron = (expression: string, timeZone = "UTC"): Schedule => ({ kind: "cron", expression, timeZone });
const every = (everyMs: number): Schedule => ({ kind: "interval", everyMs });
const onRequest: Schedule = { kind: "onRequest" };

/** The first `count` runs after an instant, as RFC 3339 without the seconds, which are always 0. */
function runs(schedule: Schedule, after: string, count: number): string[] {
  const found: string[] = [];
  for (let ms = at(after); found.length < count;) {
    ms = nextRunAfterMs(schedule, ms);
    found.push(new Date(ms).toISOString().replace(":00.000Z", "Z"));
  }
  return found;
}

describe("nextRunAfterMs with an interval", () => {
  it("counts it from the last activation, to the millisecond", () => {
    expect(nextRunAfterMs(every(720 * hourMs), 1_767_225_600_123)).toBe(1_767_225_600_123 + 720 * hourMs);
  });
});

describe("nextRunAfterMs on request only", () => {
  it("never comes", () => expect(nextRunAfterMs(onRequest, 0)).toBe(Infinity));
});

type Row = [name: string, schedule: Schedule, after: string, expected: string[]];

describe("nextRunAfterMs with a cron schedule", () => {
  const noon = cron("0 12 * * *");
  it.each([
    ["a millisecond before a run", "2026-03-01T11:59:59.999Z", "2026-03-01T12:00Z"],
    ["a second before a run", "2026-03-01T11:59:59.000Z", "2026-03-01T12:00Z"],
    ["at a run", "2026-03-01T12:00:00.000Z", "2026-03-02T12:00Z"],
    ["a millisecond after a run", "2026-03-01T12:00:00.001Z", "2026-03-02T12:00Z"],
  ])("is strictly later: from %s", (_, after, next) => {
    expect(runs(noon, after, 1)).toEqual([next]);
  });

  it("collapses missed runs: only the first after the last activation counts", () => {
    const daily = cron("0 3 * * *");
    const lastActivation = "2026-05-01T03:00:05Z";
    const missed = runs(daily, lastActivation, 1);
    expect(missed).toEqual(["2026-05-02T03:00Z"]);
    expect(runs(daily, "2026-05-20T11:00:00Z", 1)).toEqual(["2026-05-21T03:00Z"]);
  });

  it.each<Row>([
    ["each month", cron("0 3 1 * *"), "2026-01-01T03:00:00Z", ["2026-02-01T03:00Z", "2026-03-01T03:00Z"]],
    [
      "only in months with 31 days",
      cron("0 0 31 * *"),
      "2026-03-01T00:00:00Z",
      ["2026-03-31T00:00Z", "2026-05-31T00:00Z"],
    ],
    ["each leap day", cron("0 0 29 2 *"), "2026-01-01T00:00:00Z", ["2028-02-29T00:00Z", "2032-02-29T00:00Z"]],
    ["no leap day in 2100", cron("0 0 29 2 *"), "2096-03-01T00:00:00Z", ["2104-02-29T00:00Z"]],
    ["each Sunday, written 0", cron("0 0 * * 0"), "2026-01-01T00:00:00Z", ["2026-01-04T00:00Z", "2026-01-11T00:00Z"]],
    ["each Sunday, written 7", cron("0 0 * * 7"), "2026-01-01T00:00:00Z", ["2026-01-04T00:00Z", "2026-01-11T00:00Z"]],
    [
      "on a day or a weekday, when both are given",
      cron("0 0 6 * MON"),
      "2026-01-01T00:00:00Z",
      ["2026-01-05T00:00Z", "2026-01-06T00:00Z", "2026-01-12T00:00Z"],
    ],
    ["by names in any case", cron("0 0 * feb-Mar Mon"), "2026-01-01T00:00:00Z", ["2026-02-02T00:00Z"]],
    [
      "from a number on, in steps",
      cron("5/25 0 * * *"),
      "2026-01-01T00:00:00Z",
      ["2026-01-01T00:05Z", "2026-01-01T00:30Z", "2026-01-01T00:55Z", "2026-01-02T00:05Z"],
    ],
    ["with ? as *", cron("? ? ? * ?"), "2026-01-01T00:00:00Z", ["2026-01-01T00:01Z", "2026-01-01T00:02Z"]],
    ["with blanks and tabs around", cron("  0\t0  1 * *  "), "2026-01-01T00:00:00Z", ["2026-02-01T00:00Z"]],
    ["@hourly", cron("@hourly"), "2026-01-01T00:00:00Z", ["2026-01-01T01:00Z"]],
    ["@daily", cron("@daily"), "2026-01-01T00:00:00Z", ["2026-01-02T00:00Z"]],
    ["@midnight", cron("@midnight"), "2026-01-01T00:00:00Z", ["2026-01-02T00:00Z"]],
    ["@weekly", cron("@weekly"), "2026-01-01T00:00:00Z", ["2026-01-04T00:00Z"]],
    ["@monthly", cron("@monthly"), "2026-01-01T00:00:00Z", ["2026-02-01T00:00Z"]],
    ["@yearly", cron("@yearly"), "2026-01-01T00:00:00Z", ["2027-01-01T00:00Z"]],
    ["@annually", cron("@annually"), "2026-01-01T00:00:00Z", ["2027-01-01T00:00Z"]],
  ])("runs %s", (...[, schedule, after, expected]) => {
    expect(runs(schedule, after, expected.length)).toEqual(expected);
  });

  it.each<Row>([
    [
      "Berlin, spring: 02:30 does not exist, so at 03:00 summer time",
      cron("30 2 * * *", "Europe/Berlin"),
      "2026-03-27T12:00:00Z",
      ["2026-03-28T01:30Z", "2026-03-29T01:00Z", "2026-03-30T00:30Z"],
    ],
    [
      "Berlin, spring: a list of times in the gap is one run",
      cron("15,45 2 * * *", "Europe/Berlin"),
      "2026-03-28T12:00:00Z",
      ["2026-03-29T01:00Z", "2026-03-30T00:15Z"],
    ],
    [
      "Berlin, spring: steps skip the gap",
      cron("*/30 2 * * *", "Europe/Berlin"),
      "2026-03-28T12:00:00Z",
      ["2026-03-30T00:00Z", "2026-03-30T00:30Z"],
    ],
    [
      "Berlin, autumn: 02:30 comes twice, once is enough",
      cron("30 2 * * *", "Europe/Berlin"),
      "2026-10-24T12:00:00Z",
      ["2026-10-25T00:30Z", "2026-10-26T01:30Z"],
    ],
    [
      "Berlin, autumn: a list of hours runs once each",
      cron("30 2,14 * * *", "Europe/Berlin"),
      "2026-10-24T20:00:00Z",
      ["2026-10-25T00:30Z", "2026-10-25T13:30Z"],
    ],
    [
      "Berlin, autumn: asked between both 02:30, the next day",
      cron("30 2 * * *", "Europe/Berlin"),
      "2026-10-25T01:00:00Z",
      ["2026-10-26T01:30Z"],
    ],
    [
      "Berlin, autumn: each hour goes on each hour",
      cron("0 * * * *", "Europe/Berlin"),
      "2026-10-24T23:30:00Z",
      ["2026-10-25T00:00Z", "2026-10-25T01:00Z", "2026-10-25T02:00Z"],
    ],
    [
      "New York, spring",
      cron("30 2 * * *", "America/New_York"),
      "2026-03-07T00:00:00Z",
      ["2026-03-07T07:30Z", "2026-03-08T07:00Z", "2026-03-09T06:30Z"],
    ],
    [
      "New York, autumn",
      cron("30 1 * * *", "America/New_York"),
      "2026-10-31T00:00:00Z",
      ["2026-10-31T05:30Z", "2026-11-01T05:30Z", "2026-11-02T06:30Z"],
    ],
    [
      "Kathmandu: 5:45 ahead",
      cron("0 3 * * *", "Asia/Kathmandu"),
      "2026-03-07T00:00:00Z",
      ["2026-03-07T21:15Z", "2026-03-08T21:15Z"],
    ],
    [
      "Lord Howe, spring: a gap of half an hour",
      cron("15 2 * * *", "Australia/Lord_Howe"),
      "2026-10-03T00:00:00Z",
      ["2026-10-03T15:30Z", "2026-10-04T15:15Z"],
    ],
    [
      "Lord Howe, autumn: a fold of half an hour",
      cron("45 1 * * *", "Australia/Lord_Howe"),
      "2026-04-04T00:00:00Z",
      ["2026-04-04T14:45Z", "2026-04-05T15:15Z"],
    ],
    [
      "Beirut: the gap is at midnight",
      cron("30 0 * * *", "Asia/Beirut"),
      "2026-03-28T00:00:00Z",
      ["2026-03-28T22:00Z", "2026-03-29T21:30Z"],
    ],
    [
      "Apia: a whole day did not exist",
      cron("0 12 * * *", "Pacific/Apia"),
      "2011-12-29T00:00:00Z",
      ["2011-12-29T22:00Z", "2011-12-30T22:00Z"],
    ],
    [
      "Berlin: the first of a month by the local calendar",
      cron("30 0 1 * *", "Europe/Berlin"),
      "2026-01-31T22:00:00Z",
      ["2026-01-31T23:30Z", "2026-02-28T23:30Z"],
    ],
  ])("keeps to the clock on the wall in %s", (...[, schedule, after, expected]) => {
    expect(runs(schedule, after, expected.length)).toEqual(expected);
  });

  it("never comes after the year 9999", () => {
    expect(nextRunAfterMs(cron("@yearly"), at("9999-06-01T00:00:00Z"))).toBe(Infinity);
  });

  const zones = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
  ];
  const patterns = [
    "* * * * *",
    "*/7 * * * *",
    "30 1,2 * * *",
    "0 */3 * * *",
    "15 2 * * SUN",
    "0 0 1 * *",
    "59 23 31 12 *",
  ];

  it("is strictly later and on a whole minute, wherever and whenever", () => {
    const instants = fc.integer({ min: at("2020-01-01T00:00:00Z"), max: at("2040-01-01T00:00:00Z") });
    fc.assert(
      fc.property(fc.constantFrom(...patterns), fc.constantFrom(...zones), instants, (pattern, zone, afterMs) => {
        const nextMs = nextRunAfterMs(cron(pattern, zone), afterMs);
        return nextMs > afterMs && nextMs % minuteMs === 0;
      }),
      { numRuns: 300 },
    );
  });

  it("never goes back when asked later, around both changes of the clocks", () => {
    const changes = ["2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z", "2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z"];
    const near = fc.tuple(fc.constantFrom(...changes), fc.integer({ min: -180, max: 180 }), fc.nat(180));
    fc.assert(
      fc.property(
        fc.constantFrom(...patterns),
        fc.constantFrom(...zones),
        near,
        (pattern, zone, [change, start, more]) => {
          const schedule = cron(pattern, zone);
          const firstMs = at(change) + start * minuteMs;
          return nextRunAfterMs(schedule, firstMs) <= nextRunAfterMs(schedule, firstMs + more * minuteMs);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("isTimeZone", () => {
  it.each(["UTC", "Etc/UTC", "Europe/Berlin", "europe/berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+1"])(
    "accepts %s",
    (name) => expect(isTimeZone(name)).toBe(true),
  );
  it.each(["", "Local", "Mars/Base", "+01:00", "-0500", "GMT+1", "Europe/Berlin ", "../Europe/Berlin", "CET-1CEST"])(
    "refuses %j",
    (name) => expect(isTimeZone(name)).toBe(false),
  );
});

describe("checkCron", () => {
  it.each([
    "* * * * *",
    "0 3 1 * *",
    "59 23 31 12 7",
    "0 0 1 1 0",
    "0,30 0-6/2 */5 JAN-MAR,dec MON-FRI",
    "5/15 * ? * ?",
    "0 0 29 2 *",
    "@monthly",
    "@Monthly",
    " 0 3 1 * * ",
    "0  3\t1 *   *",
  ])("accepts %j", (expression) => expect(checkCron(expression, "Europe/Berlin")).toEqual([]));

  const five = "must have five fields: minute hour day month weekday";
  const zone = "must not name a time zone, timeZone does that";
  const wrong = (field: string) => `must have numbers, lists, ranges, steps or * as its ${field}`;
  it.each([
    ["", five],
    ["* * * *", five],
    ["0 0 3 1 * *", five],
    ["0 0 3 1 * * 2027", five],
    ["@every 1h", five],
    ["@reboot", five],
    ["2027-01-01T00:00:00Z", five],
    ["TZ=UTC 0 3 * * *", zone],
    ["CRON_TZ=Europe/Berlin 0 3 * * *", zone],
    [" TZ=UTC 0 3 * * *", zone],
    ["0 3 * * TZ=UTC", wrong("weekday (0-7, SUN-SAT)")],
    ["60 * * * *", wrong("minute (0-59)")],
    ["-1 * * * *", wrong("minute (0-59)")],
    ["*/0 * * * *", wrong("minute (0-59)")],
    ["*/90 * * * *", wrong("minute (0-59)")],
    ["/5 * * * *", wrong("minute (0-59)")],
    ["1,,2 * * * *", wrong("minute (0-59)")],
    ["1, * * * *", wrong("minute (0-59)")],
    [",1 * * * *", wrong("minute (0-59)")],
    ["1.5 * * * *", wrong("minute (0-59)")],
    ["MON * * * *", wrong("minute (0-59)")],
    ["0 24 * * *", wrong("hour (0-23)")],
    ["0 20-4 * * *", wrong("hour (0-23)")],
    ["0 0 0 * *", wrong("day (1-31)")],
    ["0 0 32 * *", wrong("day (1-31)")],
    ["0 0 L * *", wrong("day (1-31)")],
    ["0 0 15W * *", wrong("day (1-31)")],
    ["0 0 * 0 *", wrong("month (1-12, JAN-DEC)")],
    ["0 0 * 13 *", wrong("month (1-12, JAN-DEC)")],
    ["0 0 * MON *", wrong("month (1-12, JAN-DEC)")],
    ["0 0 * * 8", wrong("weekday (0-7, SUN-SAT)")],
    ["0 0 * * MON#1", wrong("weekday (0-7, SUN-SAT)")],
    ["0 0 * * FRIL", wrong("weekday (0-7, SUN-SAT)")],
    ["0 0 * * +MON", wrong("weekday (0-7, SUN-SAT)")],
    ["0 0 30 2 *", "must have a day that exists"],
    ["0 0 31 4,6,9,11 *", "must have a day that exists"],
  ])("refuses %j: %s", (expression, must) =>
    expect(checkCron(expression, "UTC")).toEqual([{ field: "schedule", must }]),
  );

  it("refuses a time zone that is unknown", () => {
    expect(checkCron("0 3 * * *", "Mars/Base")).toEqual([
      { field: "timeZone", must: "must be a name of the IANA time zone database" },
    ]);
  });

  it("names every field that is wrong, and the time zone beside them", () => {
    expect(checkCron("99 99 * * *", "Mars/Base")).toEqual([
      { field: "schedule", must: wrong("minute (0-59)") },
      { field: "schedule", must: wrong("hour (0-23)") },
      { field: "timeZone", must: "must be a name of the IANA time zone database" },
    ]);
  });

  it("accepts a day that exists only together with a weekday", () => {
    expect(checkCron("0 0 30 2 MON", "UTC")).toEqual([]);
  });

  it("either refuses a pattern or finds its next run, whatever the pattern", () => {
    const part = fc.string({ unit: fc.constantFrom(...Array.from("01259*/,-?LWx#")), minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(part, { minLength: 5, maxLength: 5 }), (parts) => {
        const expression = parts.join(" ");
        return checkCron(expression, "UTC").length > 0 || nextRunAfterMs(cron(expression), 0) < Infinity;
      }),
      { numRuns: 3000 },
    );
  });
});

describe("shortestSpanMs", () => {
  it("is count intervals", () => expect(shortestSpanMs(every(90_000), 12)).toBe(12 * 90_000));
  it("has no end on request only", () => expect(shortestSpanMs(onRequest, 1)).toBe(Infinity));

  it.each([
    ["* * * * *", 1, minuteMs],
    ["* * * * *", 12, 12 * minuteMs],
    ["*/15 * * * *", 12, 3 * hourMs],
    ["*/7 * * * *", 1, 4 * minuteMs],
    ["0 * * * *", 12, 12 * hourMs],
    ["0 3 * * *", 12, 12 * dayMs],
    ["0,5 3 1 * *", 1, 5 * minuteMs],
    ["0,5 3 1 * *", 2, 28 * dayMs],
    ["59 23 * * *", 1, dayMs],
    ["0,59 0,23 * * *", 1, minuteMs],
    ["0,59 0,23 1 * *", 1, 59 * minuteMs],
    ["0 0 1,31 * *", 1, dayMs],
    ["0 0 1 * *", 1, 28 * dayMs],
    ["0 0 1 * *", 12, 365 * dayMs],
    ["0 0 * * MON-FRI", 1, dayMs],
    ["0 0 * * MON-FRI", 5, 7 * dayMs],
    ["0 0 1 1 *", 1, 365 * dayMs],
    ["0 0 29 2 *", 1, 1461 * dayMs],
    ["0 0 1 1 *", 12, 4383 * dayMs],
    ["@weekly", 12, 84 * dayMs],
  ])("of %j, %d runs, is the tightest place", (expression, count, ms) => {
    expect(shortestSpanMs(cron(expression), count)).toBe(ms);
  });

  it("does not depend on the zone of the machine", (context) => {
    // As Stryker runs the tests
    if (!isMainThread) context.skip("a worker thread can't change its time zone");
    onTestFinished(() => void vi.unstubAllEnvs());
    vi.stubEnv("TZ", "Asia/Kolkata");
    expect(new Date(0).getTimezoneOffset()).toBe(-330);
    expect(shortestSpanMs(cron("0,40 5 * * *"), 1)).toBe(40 * minuteMs);
    expect(shortestSpanMs(cron("0 0 1 * *"), 12)).toBe(365 * dayMs);
  });

  it("agrees with the runs themselves, in a zone without summer time", () => {
    const pick = (least: number, most: number, spare: readonly string[]) =>
      fc.oneof(
        fc.constantFrom(...spare),
        fc.uniqueArray(fc.integer({ min: least, max: most }), { minLength: 1, maxLength: 4 }).map(String),
      );
    const minutes = pick(0, 59, ["*/20"]);
    const hours = pick(0, 23, ["*/6"]);
    const days = fc.oneof(fc.constant("*"), pick(1, 28, ["*/10"]));
    fc.assert(
      fc.property(fc.tuple(minutes, hours, days), fc.integer({ min: 1, max: 12 }), ([minute, hour, day], count) => {
        const schedule = cron(`${minute} ${hour} ${day} * *`);
        const found = [at("2026-02-11T00:00:00Z")];
        for (let i = 0; i < 40; i++) found.push(nextRunAfterMs(schedule, found.at(-1) ?? 0));
        found.shift();
        const spans = found.slice(count).map((ms, i) => ms - (found[i] ?? NaN));
        return Math.min(...spans) >= shortestSpanMs(schedule, count);
      }),
      { numRuns: 40 },
    );
  });
});
