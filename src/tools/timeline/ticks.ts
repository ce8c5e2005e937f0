import { wallClock, type LocalNow, type WallClock } from "../text/words.ts";
import type { Scale, Stretch } from "./scale.ts";

export interface Tick {
  readonly column: number;
  /** Empty where there is no room for it. */
  readonly label: string;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Distances of ticks that people count in. */
const steps = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * second),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * minute),
  ...[1, 2, 3, 6, 12].map((n) => n * hour),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500].map((n) => n * day),
];
/** The least cells between two ticks: a label and some air. */
const leastCells = 11;
/** The most ticks in one stretch; a guard, not a wish. */
const mostTicks = 50;

interface Candidate extends Tick {
  /** Labels are placed in this order, while there is room. */
  readonly rank: number;
  /** What it says, in no more cells, where the axis has said its label before. */
  readonly instead?: string;
}

/** Where the axis has ticks, and what they say: round times of the zone, and the date where a new one begins. */
export function ticksOf(scale: Scale, { nowMs, timeZone }: LocalNow): readonly Tick[] {
  const candidates = runsOf(scale.stretches).flatMap((run) => {
    if (!run.folded) return roundOf(run, { nowMs, timeZone });
    return run.fromMs === nowMs ? [] : edgeOf(run, { nowMs, timeZone });
  });
  const placed: Candidate[] = [];
  for (const candidate of candidates.toSorted((a, b) => a.rank - b.rank)) {
    const end = candidate.column + candidate.label.length;
    const isFree = placed.every((p) => end < p.column || candidate.column > p.column + p.label.length);
    if (isFree && end <= scale.columns) placed.push(candidate);
    else if (candidate.rank < 3) placed.push({ ...candidate, label: "" });
  }
  return withoutRepeats(placed.toSorted((a, b) => a.column - b.column));
}

/** A label says each thing once: a date in the whole axis, a time until the next date. */
function withoutRepeats(ticks: readonly Candidate[]): readonly Tick[] {
  let day: string | undefined;
  const times = new Set<string>();
  return ticks.map(({ column, label: wanted, instead = "" }) => {
    const [, date, time = ""] = /^(\d+ [A-Z][a-z]+) ?(.*)$/.exec(wanted) ?? [undefined, undefined, wanted];
    if (date !== undefined && date !== day) {
      day = date;
      times.clear();
      return { column, label: wanted };
    }
    const label = [time, instead].find((text) => text !== "" && !times.has(text)) ?? "";
    times.add(label);
    return { column, label };
  });
}

/** Neighbouring stretches that are to scale are one stretch to the axis. */
function runsOf(stretches: readonly Stretch[]): readonly Stretch[] {
  const runs: Stretch[] = [];
  for (const stretch of stretches) {
    const last = runs.at(-1);
    if (last && last.folded === stretch.folded && !last.folded) {
      runs[runs.length - 1] = { ...last, toMs: stretch.toMs, width: last.width + stretch.width };
    } else runs.push(stretch);
  }
  return runs;
}

/** A fold says when it begins, if there is room for it. */
function edgeOf({ fromMs, toMs, start }: Stretch, { nowMs, timeZone }: LocalNow): readonly Candidate[] {
  const clock = wallClock(fromMs, timeZone);
  const time = `${clock.hour}:${clock.minute}`;
  const isToday = dateOf(clock) === dateOf(wallClock(nowMs, timeZone)) && Math.abs(nowMs - fromMs) < day;
  const label = isToday ? time : toMs - fromMs >= day ? dateOf(clock) : `${dateOf(clock)} ${time}`;
  return [{ column: Math.floor(start + 1e-6), label, rank: 3, instead: time }];
}

function roundOf(run: Stretch, { nowMs, timeZone }: LocalNow): readonly Candidate[] {
  const msPerCell = (run.toMs - run.fromMs) / run.width;
  const step = steps.find((s) => s / msPerCell >= leastCells) ?? steps.at(-1) ?? day;
  const found: Candidate[] = [];
  // Today goes without saying, but where the axis has other days too
  let date = run.toMs - run.fromMs < day / 2 ? dateOf(wallClock(nowMs, timeZone)) : "";
  for (let atMs = roundUp(run.fromMs, step, timeZone); atMs < run.toMs && found.length < mostTicks;) {
    const clock = wallClock(atMs, timeZone);
    const isNewDate = dateOf(clock) !== date;
    date = dateOf(clock);
    const column = Math.floor(run.start + (atMs - run.fromMs) / msPerCell + 1e-6);
    found.push({ column, label: labelOf(clock, step, isNewDate), rank: found.length === 0 ? 0 : 1 });
    atMs = roundUp(atMs + 1, step, timeZone);
  }
  return found;
}

const dateOf = (clock: WallClock): string => `${clock.day} ${clock.month}`;

function labelOf(clock: WallClock, step: number, isNewDate: boolean): string {
  if (step >= day) return dateOf(clock);
  const time = `${clock.hour}:${clock.minute}${step < minute ? `:${clock.second}` : ""}`;
  if (!isNewDate) return time;
  return time === "00:00" ? dateOf(clock) : `${dateOf(clock)} ${time}`;
}

/** The first instant at or after `fromMs` at which a clock in the zone shows a multiple of the step. */
function roundUp(fromMs: number, step: number, timeZone: string): number {
  const atMs = Math.ceil((fromMs + offsetMs(fromMs, timeZone)) / step) * step - offsetMs(fromMs, timeZone);
  // Summer time may have begun or ended between the two
  const shift = offsetMs(fromMs, timeZone) - offsetMs(atMs, timeZone);
  return shift === 0 || atMs + shift < fromMs ? atMs : atMs + shift;
}

/** How far the zone's clocks are ahead of UTC. */
function offsetMs(atMs: number, timeZone: string): number {
  const c = wallClock(atMs, timeZone);
  const shown = Date.parse(`${c.day} ${c.month} ${c.year} ${c.hour}:${c.minute}:${c.second} UTC`);
  return shown - Math.floor(atMs / second) * second;
}
