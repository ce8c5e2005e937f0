import type { Kid } from "../../ring/key.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** From which length on two units say too much, and from which on one does; largest unit first. */
const steps: readonly { readonly from: number; readonly unit: number; readonly rest?: number }[] = [
  { from: 8 * year, unit: year },
  { from: 2 * year, unit: year, rest: day },
  { from: 8 * day, unit: day },
  { from: 2 * day, unit: day, rest: hour },
  { from: 8 * hour, unit: hour },
  { from: 3 * hour, unit: hour, rest: minute },
  { from: 10 * minute, unit: minute },
  { from: 2 * minute, unit: minute, rest: second },
  { from: 0, unit: second },
];

const letters = new Map([
  [year, "y"],
  [day, "d"],
  [hour, "h"],
  [minute, "m"],
  [second, "s"],
]);

/**
 * A length of time as kubectl shows ages: `45s`, `5m10s`, `29m`, `3h20m`, `2d4h`, `29d`. Rounded down; less than a second
 * is `0s`.
 */
export function shortSpan(ms: number): string {
  const length = Math.max(0, ms);
  const step = steps.find(({ from }) => length >= from);
  if (!step) return "0s";
  const { unit, rest } = step;
  const text = `${Math.floor(length / unit)}${letters.get(unit) ?? ""}`;
  const left = rest === undefined ? 0 : Math.floor((length % unit) / rest);
  return rest === undefined || left === 0 ? text : `${text}${left}${letters.get(rest) ?? ""}`;
}

/** `in 29m`, `3d4h ago`, `now`. What comes within a second comes `in 1s`: it has not come yet. */
export function distance(atMs: number, nowMs: number): string {
  if (atMs > nowMs && atMs < nowMs + second) return "in 1s";
  const span = shortSpan(Math.abs(atMs - nowMs));
  if (span === "0s") return "now";
  return atMs > nowMs ? `in ${span}` : `${span} ago`;
}

/** As kubectl has ages in tables: `3d4h` for what was, `in 29m` for what will be. */
export const age = (atMs: number, nowMs: number): string =>
  atMs > nowMs ? distance(atMs, nowMs) : shortSpan(nowMs - atMs);

/** The parts of an instant on a clock on the wall. */
export interface WallClock {
  readonly year: string;
  /** Without a leading zero. */
  readonly day: string;
  /** `Nov`. */
  readonly month: string;
  readonly hour: string;
  readonly minute: string;
  readonly second: string;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** What a clock in the zone shows. */
export function wallClock(atMs: number, timeZone: string): WallClock {
  const format = formats.get(timeZone) ?? makeFormat(timeZone);
  const parts = new Map(format.formatToParts(atMs).map((p) => [p.type, p.value]));
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? "";
  return {
    year: part("year"),
    day: part("day"),
    month: part("month"),
    hour: part("hour"),
    minute: part("minute"),
    second: part("second"),
  };
}

function makeFormat(timeZone: string): Intl.DateTimeFormat {
  // The British September has four letters
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
  formats.set(timeZone, format);
  return format;
}

/** How people read instants: in which zone, and from when. */
export interface LocalNow {
  readonly nowMs: number;
  readonly timeZone: string;
}

/** An instant as short as it can be told from now: `10:42:05` within 12 hours, `20 Dec 03:00` within half a year, else with its year. */
export function clockTime(atMs: number, { nowMs, timeZone }: LocalNow): string {
  const at = wallClock(atMs, timeZone);
  const away = Math.abs(atMs - nowMs);
  const today = wallClock(nowMs, timeZone);
  const sameDay = at.day === today.day && at.month === today.month && away < day;
  const time = away < hour ? `${at.hour}:${at.minute}:${at.second}` : `${at.hour}:${at.minute}`;
  if (sameDay || away < hour) return time;
  const date = `${at.day} ${at.month}`;
  return away < year / 2 ? `${date} ${time}` : `${date} ${at.year} ${time}`;
}

/** `20 Dec 03:00 (in 29d)`. */
export const clockTimeAndDistance = (atMs: number, clock: LocalNow): string =>
  `${clockTime(atMs, clock)} (${distance(atMs, clock.nowMs)})`;

const instant = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

/** A line for programs made one for people: each RFC 3339 instant as a clock shows it. */
export const withClockTimes = (text: string, clock: LocalNow): string =>
  text.replaceAll(instant, (found) => clockTimeAndDistance(Date.parse(found), clock));

/** The shortest prefix length, `least` or more, at which these kids still differ. */
export function kidLength(kids: readonly Kid[], least = 8): number {
  const longest = Math.max(least, ...kids.map((kid) => kid.length));
  const different = new Set(kids).size;
  for (let length = least; length < longest; length++) {
    if (new Set(kids.map((kid) => kid.slice(0, length))).size === different) return length;
  }
  return longest;
}

/** The kid cut to the length, with a sign that it was cut. */
export const cutKid = (kid: Kid, length: number, unicode: boolean): string =>
  kid.length <= length + 1 ? kid : `${kid.slice(0, length)}${unicode ? "…" : ".."}`;

/** `a`, `a and b`, `a, b and c`. */
export const listed = (items: readonly string[], last: "and" | "or" = "and"): string =>
  items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} ${last} ${items.at(-1) ?? ""}`;

const unborn = /(?:key )?\(new (\d+)\)/g;

/** The forecast's names for keys that don't exist yet, in words: `(new 1)` is `new key 1`. */
export const newKeyText = (text: string): string => text.replaceAll(unborn, "new key $1");

/** What a row about a key begins with: its kid, cut to the length, or `new key 10`, whole. */
export const keyLabel = (kid: Kid, length: number, unicode: boolean): string => {
  const inWords = newKeyText(kid);
  return inWords === kid ? cutKid(kid, length, unicode) : inWords;
};
