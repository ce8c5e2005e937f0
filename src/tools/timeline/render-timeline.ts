import { keysOf, type Ring } from "../../ring/ring.ts";
import { widthOf } from "../text/cell-width.ts";
import { paint, padded, type Appearance } from "../text/screen.ts";
import { clockTime, distance, keyLabel, kidLength, type LocalNow } from "../text/words.ts";
import type { Canvas } from "./cells.ts";
import { drawAxis, drawBar, legend } from "./draw.ts";
import { drawFlags, type Flag } from "./draw-flags.ts";
import { isInRange, rangeOf, type DrawnRange } from "./drawn-range.ts";
import { rowsOf, type Row, type RingAt, type Span } from "./rows.ts";
import { scaleOf } from "./scale.ts";
import { ticksOf } from "./ticks.ts";

export interface TimelineInput {
  readonly ring: Ring;
  /** What will happen; see `forecast`. */
  readonly forecast: readonly RingAt[];
  readonly nowMs: number;
  /** Rings that were, oldest first. The ring itself forgets the keys that it prunes. @default none */
  readonly history?: readonly RingAt[];
  /** Width of the picture in cells; below 40 it is 40. */
  readonly columns: number;
  /** Write ANSI colours. */
  readonly colour: boolean;
  /** Write more than ASCII. @default the value of `colour` */
  readonly unicode?: boolean;
  /** IANA zone of the axis. @default "UTC" */
  readonly timeZone?: string;
  /** Left edge. @default the birth of the oldest key in the picture */
  readonly fromMs?: number;
  /** Right edge. @default until the present signer is pruned, or the forecast ends */
  readonly untilMs?: number;
  /** Rows at the most: the oldest go first. @default 20 */
  readonly mostRows?: number;
}

/** On a narrower screen nothing can be seen in a picture. */
export const leastColumns = 40;
/** In a longer picture a second is nothing. */
const sixHoursMs = 6 * 3_600_000;

/**
 * Draws the life of the keys, one row each: bars for what was, lines for what will be, and now between them. Pure; the
 * same input gives the same lines, none wider than `columns`.
 */
export function renderTimeline(input: TimelineInput): readonly string[] {
  const { ring, forecast, nowMs, history = [], timeZone = "UTC", mostRows = 20 } = input;
  const look: Appearance = {
    columns: Math.max(leastColumns, input.columns),
    colour: input.colour,
    unicode: input.unicode ?? input.colour,
  };
  const all = rowsOf({ ring, nowMs, forecast, history });
  const range = rangeOf(input, all);
  const rows = all.filter((row) => isInRange(row, range)).slice(-mostRows);
  const labels = labelsOf(rows, ring, look);
  const gutter = 1 + Math.max(0, ...labels.map(widthOf)) + 2;
  const scale = scaleOf({
    ...range,
    columns: look.columns - gutter,
    edges: edgesOf(rows),
    phaseMs: phaseOf(rows, range),
    nowMs,
  });
  const clock: LocalNow = { nowMs, timeZone };
  const canvas: Canvas = { look, scale, nowMs, ticks: ticksOf(scale, clock) };
  const indent = " ".repeat(gutter);
  return [
    indent + drawFlags(canvas, flagsOf(input, clock, range)),
    ...rows.map((row, index) => ` ${padded(labels[index] ?? "", gutter - 1)}${drawBar(canvas, row)}`),
    ...drawAxis(canvas).map((text) => indent + text),
    ...legend(canvas, rows, timeZone).map((text) => ` ${text}`),
  ].map((text) => text.trimEnd());
}

const edgesOf = (rows: readonly Row[]): readonly number[] =>
  rows.flatMap((r) => r.spans.flatMap((s) => [s.fromMs, s.toMs]));

/** The longest phase of each state stands for its kind; a key that was there for seconds only is no reason to fold days. */
function phaseOf(rows: readonly Row[], { fromMs, untilMs }: DrawnRange): number {
  const spans = rows.flatMap((r) => r.spans);
  const lengthOf = (span: Span): number => Math.min(span.toMs, untilMs) - Math.max(span.fromMs, fromMs);
  const longest = (["prepared", "active", "verify-only"] as const).map((state) =>
    Math.max(0, ...spans.filter((span) => span.state === state).map(lengthOf)),
  );
  return Math.min(...longest.filter((ms) => ms > 0));
}

/** Kids long enough to tell apart, and what each is at the moment. */
function labelsOf(rows: readonly Row[], ring: Ring, look: Appearance): readonly string[] {
  const kids = rows.map((r) => r.kid);
  const length = kidLength(kids);
  const shown = kids.map((kid) => keyLabel(kid, length, look.unicode));
  const width = Math.max(0, ...shown.map(widthOf));
  return rows.map((row, index) => `${padded(shown[index] ?? "", width)}  ${stateOf(row, ring, look)}`);
}

function stateOf(row: Row, ring: Ring, look: Appearance): string {
  const state = keysOf(ring).find((k) => k.kid === row.kid)?.state;
  switch (state) {
    case "prepared":
      return paint(look, "prepared", "prepared");
    case "active":
      return paint(look, ["strong", "active"], "active");
    case "verify-only":
      return paint(look, "verifyOnly", "verify-only");
    case undefined: {
      if (row.revokedAtMs !== undefined) return paint(look, "revoked", "revoked");
      return paint(look, "faint", row.kid.startsWith("(") ? "to come" : "pruned");
    }
    default:
      return state satisfies never;
  }
}

function flagsOf({ ring, forecast, nowMs }: TimelineInput, clock: LocalNow, range: DrawnRange): readonly Flag[] {
  const next = forecast.find((f) => f.ring.signer.kid !== ring.signer.kid);
  const isWide = range.untilMs - range.fromMs > sixHoursMs;
  const time = clockTime(nowMs, clock).slice(0, isWide ? "10:42".length : undefined);
  const now: Flag = { atMs: nowMs, labels: [`now ${time}`, "now"], style: "now" };
  if (!next || next.atMs <= nowMs) return [now];
  const when = [clockTime(next.atMs, clock), distance(next.atMs, nowMs)];
  const labels = [
    `next rotation ${when.join(", ")}`,
    `rotates ${when.join(", ")}`,
    `rotates ${when[1] ?? ""}`,
    "rotates",
  ];
  return [now, { atMs: next.atMs, labels, style: "strong" }];
}
