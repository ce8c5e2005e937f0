import { describe, expect, test } from "vitest";
import {
  age,
  clockTime,
  cutKid,
  distance,
  kidLength,
  listed,
  newKeyText,
  shortSpan,
  wallClock,
  withClockTimes,
} from "../../../src/tools/text/words.ts";
import { day, epoch, hour, minute, second } from "../../support/story.ts";
import { kidOf } from "../support/story-home.ts";

describe("shortSpan", () => {
  test.each([
    [-second, "0s"],
    [0, "0s"],
    [999, "0s"],
    [second, "1s"],
    [119_999, "119s"],
    [2 * minute, "2m"],
    [2 * minute + 10 * second, "2m10s"],
    [10 * minute - 1, "9m59s"],
    [10 * minute + 59 * second, "10m"],
    [3 * hour - 1, "179m"],
    [3 * hour, "3h"],
    [3 * hour + 20 * minute, "3h20m"],
    [8 * hour - 1, "7h59m"],
    [8 * hour + 30 * minute, "8h"],
    [2 * day - 1, "47h"],
    [2 * day + 4 * hour, "2d4h"],
    [8 * day - 1, "7d23h"],
    [8 * day + 4 * hour, "8d"],
    [730 * day - 1, "729d"],
    [730 * day, "2y"],
    [731 * day, "2y1d"],
    [8 * 365 * day, "8y"],
  ])("shows %i ms as kubectl shows ages: %s", (ms, text) => {
    expect(shortSpan(ms)).toBe(text);
  });
});

describe("distance", () => {
  test.each([
    [epoch + 29 * minute, "in 29m"],
    [epoch - 3 * day, "3d ago"],
    [epoch + 1000, "in 1s"],
    [epoch + 999, "in 1s"],
    [epoch + 1, "in 1s"],
    [epoch, "now"],
    [epoch - 999, "now"],
  ])("says on which side of now an instant lies: %i is %s", (atMs, text) => {
    expect(distance(atMs, epoch)).toBe(text);
  });
});

test("age is a bare length of time for what was", () => {
  expect([age(epoch - 3 * day, epoch), age(epoch, epoch), age(epoch + hour, epoch)]).toEqual(["3d", "0s", "in 60m"]);
});

describe("clockTime", () => {
  const clock = { nowMs: epoch + 12 * hour, timeZone: "UTC" };

  test.each([
    ["within the hour with seconds", clock.nowMs + hour - second, "12:59:59"],
    ["within the day without", clock.nowMs + 2 * hour, "14:00"],
    ["on another day with the date", clock.nowMs + 13 * hour, "22 Nov 01:00"],
    ["a month later on the same day of the month with the date", Date.UTC(2026, 11, 21, 3), "21 Dec 03:00"],
    ["far away with the year", clock.nowMs + 300 * day, "17 Sep 2027 12:00"],
  ])("shows an instant %s", (_, atMs, text) => {
    expect(clockTime(atMs, clock)).toBe(text);
  });

  test("shows what a clock in the zone shows", () => {
    expect(clockTime(Date.UTC(2026, 6, 1, 3), { nowMs: epoch, timeZone: "Europe/Berlin" })).toBe("1 Jul 05:00");
  });

  test("shows no date just after midnight for what is an hour ago", () => {
    expect(clockTime(epoch - 10 * minute, { nowMs: epoch, timeZone: "UTC" })).toBe("23:50:00");
  });
});

test("wallClock shows midnight as 00, not as 24", () => {
  expect(wallClock(epoch, "UTC")).toMatchObject({ day: "21", hour: "00", minute: "00" });
});

test("withClockTimes puts each RFC 3339 instant of a line on the clock, with its distance", () => {
  const clock = { nowMs: epoch, timeZone: "UTC" };
  expect(withClockTimes("propagation until 2026-11-21T00:30:00.000Z, pinned", clock)).toBe(
    "propagation until 00:30:00 (in 30m), pinned",
  );
});

describe("kidLength", () => {
  test("is 8 for kids that differ in their first 8 characters", () => {
    expect(kidLength([kidOf("k1"), kidOf("k2")])).toBe(8);
  });

  test("grows until two kids with a common beginning differ", () => {
    expect(kidLength(["abcdefghij1", "abcdefghij2"])).toBe(11);
  });

  test("does not grow because of a kid that stands twice", () => {
    expect(kidLength([kidOf("k1"), kidOf("k1")])).toBe(8);
  });

  test("is the whole length when one kid is the beginning of the other", () => {
    expect(kidLength(["abcdefghij", "abcdefghijkl"])).toBe(11);
  });

  test("is 8 for no kids at all", () => {
    expect(kidLength([])).toBe(8);
  });
});

test("cutKid marks what it cuts, and leaves a kid that is hardly longer", () => {
  expect(cutKid("abcdefghijkl", 8, true)).toBe("abcdefgh…");
  expect(cutKid("abcdefghijkl", 8, false)).toBe("abcdefgh..");
  expect(cutKid("abcdefghi", 8, true)).toBe("abcdefghi");
});

test("listed joins as people do", () => {
  expect([listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])]).toEqual([
    "",
    "a",
    "a and b",
    "a, b and c",
  ]);
});

test("newKeyText calls keys of the forecast by words", () => {
  expect(newKeyText("key (new 12) (ES256) is prepared")).toBe("new key 12 (ES256) is prepared");
  expect(newKeyText("(new 1)")).toBe("new key 1");
});
