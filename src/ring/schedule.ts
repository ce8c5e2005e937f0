import { Cron } from "croner";
import type { Schedule } from "./plan.ts";
import { dayMs } from "../parse/duration.ts";

/** What a Kubernetes CronJob takes beside five fields. `@every` is not among them: that is what `interval` is for. */
const macros = new Map([
  ["@yearly", "0 0 1 1 *"],
  ["@annually", "0 0 1 1 *"],
  ["@monthly", "0 0 1 * *"],
  ["@weekly", "0 0 * * 0"],
  ["@daily", "0 0 * * *"],
  ["@midnight", "0 0 * * *"],
  ["@hourly", "0 * * * *"],
]);

/** The fields of a cron expression, in their order, with what their values are. */
export const cronFields = [
  "minute (0-59)",
  "hour (0-23)",
  "day (1-31)",
  "month (1-12, JAN-DEC)",
  "weekday (0-7, SUN-SAT)",
] as const;

/** What a field must be: fits after the path. */
export const cronFieldMust = (name: (typeof cronFields)[number]): string =>
  `must have numbers, lists, ranges, steps or * as its ${name}`;

/**
 * One field as Kubernetes reads it. Croner knows more (`L`, `W`, `#`, `+`); a schedule that works here and nowhere else is
 * refused.
 */
const field = /^(?:(?:[*?]|(?:\d+|[a-z]{3})(?:-(?:\d+|[a-z]{3}))?)(?:\/\d+)?(?:,(?!$)|$))+$/i;

/** An IANA name begins with a letter; an offset such as `+01:00`, which `Intl` also takes, knows no summer time. */
export const zoneName = /^[A-Za-z][A-Za-z0-9_+/-]*$/;

export const timeZoneMust = "must be a name of the IANA time zone database";

/** 2026-01-01T00:00:00Z, a midnight with nothing special about it: where looking for a first run begins. */
const referenceMs = 1_767_225_600_000;

interface Cronlike {
  readonly minute: string;
  readonly hour: string;
  /** Day of the month, month and day of the week. */
  readonly days: string;
}

function split(expression: string): readonly string[] {
  const text = expression.trim();
  return (macros.get(text.toLowerCase()) ?? text).split(/[ \t]+/);
}

function partsOf(expression: string): Cronlike {
  const [minute = "", hour = "", ...days] = split(expression);
  return { minute, hour, days: days.join(" ") };
}

/**
 * `no-wildcard`: a list such as `30 2,14 * * *` counts as fixed times too, so it runs after a gap and once in a fold.
 * `sloppyRanges`: `5/15` means 5, 20, 35, 50, as in Kubernetes. Without a function to call, Croner sets no timer.
 */
const open = (pattern: string, zone: { timezone: string } | { utcOffset: number }): Cron =>
  // `?` means `*` in Kubernetes; for Croner it may mean the current time, which a pure function must not know
  new Cron(pattern.replaceAll("?", "*"), { mode: "5-part", fixedTimeRule: "no-wildcard", sloppyRanges: true, ...zone });

/** Croner drops the milliseconds of `afterMs`, which is harmless: runs fall on whole minutes, strictly later ones only. */
const nextMs = (cron: Cron, afterMs: number): number => cron.nextRun(new Date(afterMs))?.getTime() ?? Infinity;

/**
 * The first run strictly after `afterMs`, in Unix milliseconds; `Infinity` when there is none (`onRequest`). Counted from
 * the last activation, it makes any number of missed runs one.
 *
 * When clocks go forward over a run at a fixed time, it comes at the first instant after the gap; when they go back over
 * it, it comes once, the first time. Minutes or hours with `*` or a step skip the gap and go on through the fold.
 *
 * @param afterMs Unix milliseconds.
 * @throws TypeError or RangeError for an expression or a zone that {@link checkCron} refuses.
 */
export function nextRunAfterMs(schedule: Schedule, afterMs: number): number {
  switch (schedule.kind) {
    case "interval":
      return afterMs + schedule.everyMs;
    case "cron":
      return nextMs(open(split(schedule.expression).join(" "), { timezone: schedule.timeZone }), afterMs);
    case "onRequest":
      return Infinity;
    default:
      return schedule satisfies never;
  }
}

/** True when `Intl` knows the zone and its name is one of the IANA database, in any case; not for offsets and `Local`. */
export function isTimeZone(name: string): boolean {
  if (!zoneName.test(name)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

function isReadable(pattern: string): boolean {
  try {
    return open(pattern, { utcOffset: 0 }).getPattern() !== undefined;
  } catch {
    return false;
  }
}

/** What is wrong with a schedule: which of the two fields, and what it must be. */
export interface CronProblem {
  readonly field: "schedule" | "timeZone";
  /** Fits between the field's path and its value: `must be five fields …`. */
  readonly must: string;
}

function expressionMust(expression: string): readonly string[] {
  if (/^\s*(?:CRON_)?TZ=/.test(expression)) return ["must not name a time zone, timeZone does that"];
  const parts = split(expression);
  if (parts.length !== cronFields.length) return ["must have five fields: minute hour day month weekday"];
  const isWrong = (text: string, index: number): boolean =>
    !field.test(text) || !isReadable(cronFields.map((_, other) => (other === index ? text : "*")).join(" "));
  const wrong = cronFields.filter((_, index) => isWrong(parts[index] ?? "", index));
  if (wrong.length > 0) return wrong.map(cronFieldMust);
  // Croner looks as far as the year 10000
  const runs = nextMs(open(parts.join(" "), { utcOffset: 0 }), referenceMs) < Infinity;
  return runs ? [] : ["must have a day that exists"];
}

/**
 * The problems of a cron schedule as Kubernetes CronJobs write it: five fields or a macro such as `@monthly`, without
 * seconds and without `TZ=`, a run that comes one day, and a time zone with an IANA name. Empty when all is well.
 */
export function checkCron(expression: string, timeZone: string): readonly CronProblem[] {
  return [
    ...expressionMust(expression).map((must): CronProblem => ({ field: "schedule", must })),
    ...(isTimeZone(timeZone) ? [] : [{ field: "timeZone", must: timeZoneMust } as const]),
  ];
}

/** Runs of a day or an hour from the reference on, in milliseconds after it. */
function runsWithin(pattern: string, lengthMs: number): readonly number[] {
  const cron = open(pattern, { utcOffset: 0 });
  const runs: number[] = [];
  for (let ms = nextMs(cron, referenceMs - 1); ms < referenceMs + lengthMs; ms = nextMs(cron, ms))
    runs.push(ms - referenceMs);
  return runs;
}

/** Thirteen months show every pair of neighbouring months. */
const calendarDays = 396;

/** The days of a calendar, and so many more that there are `least`; as {@link runsWithin}. */
function midnightsOf(days: string, least: number): readonly number[] {
  const cron = open(`0 0 ${days}`, { utcOffset: 0 });
  // Asking each day is ten times faster than asking for the next one
  const calendar = Array.from({ length: calendarDays }, (_, day) => day * dayMs);
  const midnights = calendar.filter((ms) => cron.match(new Date(referenceMs + ms)));
  let last = calendarDays * dayMs - 1;
  while (midnights.length < least && last < Infinity) {
    last = nextMs(cron, referenceMs + last) - referenceMs;
    midnights.push(last);
  }
  return midnights;
}

function cronSpanMs(expression: string, count: number): number {
  const { minute, hour, days } = partsOf(expression);
  const minutes = runsWithin(`${minute} * * * *`, dayMs / 24);
  const times = runsWithin(`0 ${hour} * * *`, dayMs).flatMap((hourMs) => minutes.map((minuteMs) => hourMs + minuteMs));
  const midnights = midnightsOf(days, count + 2);
  const runMs = (index: number): number =>
    (midnights[Math.floor(index / times.length)] ?? Infinity) + (times[index % times.length] ?? Infinity);
  let shortestMs = Infinity;
  for (let index = 0; index + count < times.length * midnights.length; index++)
    shortestMs = Math.min(shortestMs, runMs(index + count) - runMs(index));
  return shortestMs;
}

/**
 * The shortest time in milliseconds in which `count` runs follow a run: `count` intervals, or the tightest place of a cron
 * schedule; `Infinity` for `onRequest`. With a count of 1, the shortest gap.
 *
 * By the clock on the wall: when clocks go forward, fixed times on both sides of the gap are up to an hour closer, once a
 * year.
 *
 * @param count A whole number, 1 or more.
 * @throws TypeError or RangeError for an expression that {@link checkCron} refuses.
 */
export function shortestSpanMs(schedule: Schedule, count: number): number {
  switch (schedule.kind) {
    case "interval":
      return count * schedule.everyMs;
    case "cron":
      return cronSpanMs(schedule.expression, count);
    case "onRequest":
      return Infinity;
    default:
      return schedule satisfies never;
  }
}
