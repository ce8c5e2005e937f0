import type { Key } from "../../ring/key.ts";
import { paint, widthOf, type Look, type Style } from "../screen.ts";
import type { Row, Span } from "./rows.ts";
import type { Scale } from "./scale.ts";
import type { Tick } from "./ticks.ts";

export interface Canvas {
  readonly look: Look;
  readonly scale: Scale;
  readonly nowMs: number;
  readonly ticks: readonly Tick[];
}

interface Cell {
  readonly text: string;
  readonly style?: Style | readonly Style[];
}

interface Glyphs {
  /** What was. */
  readonly past: Readonly<Record<Key["state"], string>>;
  /** What will be. */
  readonly future: Readonly<Record<Key["state"], string>>;
  readonly published: string;
  readonly revoked: string;
  readonly now: string;
  readonly flag: string;
  readonly fold: string;
  readonly grid: string;
  readonly axis: string;
  readonly tick: string;
}

const unicodeGlyphs: Glyphs = {
  past: { prepared: "░", active: "█", "verify-only": "▒" },
  future: { prepared: "┄", active: "━", "verify-only": "─" },
  published: "◆",
  revoked: "✕",
  now: "┃",
  flag: "▼",
  fold: "╱",
  grid: "·",
  axis: "─",
  tick: "┴",
};

const asciiGlyphs: Glyphs = {
  past: { prepared: ":", active: "#", "verify-only": "=" },
  future: { prepared: ".", active: "+", "verify-only": "-" },
  published: "o",
  revoked: "X",
  now: "|",
  flag: "v",
  fold: "/",
  grid: " ",
  axis: "-",
  tick: "+",
};

const styles: Readonly<Record<Key["state"], Style>> = {
  prepared: "prepared",
  active: "active",
  "verify-only": "verifyOnly",
};

const glyphsOf = (look: Look): Glyphs => (look.unicode ? unicodeGlyphs : asciiGlyphs);

/** One key's life. Each phase has a cell at least, be it ever so short. */
export function drawBar(canvas: Canvas, row: Row): string {
  const { look, scale, nowMs } = canvas;
  const glyphs = glyphsOf(look);
  const cells = emptyRow(canvas);
  const now = scale.columnOf(nowMs);
  const byLength = row.spans.toSorted((a, b) => cellsOf(b, scale) - cellsOf(a, scale));
  for (const span of byLength) {
    for (const column of columnsOf(span, scale)) {
      const isPast = column < now || (column === now && span.fromMs < nowMs);
      const style = styles[span.state];
      const text = (isPast ? glyphs.past : glyphs.future)[span.state];
      cells[column] = { text, style };
    }
  }
  markFolds(canvas, cells);
  const put = (atMs: number | undefined, text: string, style: Cell["style"]): void => {
    const column = atMs === undefined ? -1 : scale.columnOf(atMs);
    if (column >= 0 && column < scale.columns && style !== undefined) cells[column] = { text, style };
  };
  put(row.publishedAtMs, glyphs.published, "prepared");
  put(nowMs, glyphs.now, "now");
  put(row.revokedAtMs, glyphs.revoked, ["strong", "revoked"]);
  return written(cells, look);
}

const cellsOf = (span: Span, scale: Scale): number => columnsOf(span, scale).length;

function columnsOf(span: Span, scale: Scale): readonly number[] {
  const first = Math.max(0, scale.columnOf(span.fromMs));
  const last = Math.max(first + 1, scale.columnOf(span.toMs));
  if (scale.columnOf(span.toMs) < 0 || scale.columnOf(span.fromMs) >= scale.columns) return [];
  return Array.from({ length: Math.min(last, scale.columns) - first }, (_, index) => first + index);
}

/** Faint dots below the ticks lead the eye to the axis. */
function emptyRow({ look, scale, ticks }: Canvas): Cell[] {
  const cells = blankRow(scale);
  for (const { column } of ticks) cells[column] = { text: glyphsOf(look).grid, style: "faint" };
  return cells;
}

/** Two strokes through every row where time is folded. */
function markFolds({ look, scale }: Canvas, cells: Cell[]): void {
  for (const { start, width, folded } of scale.stretches) {
    if (!folded || width < 5) continue;
    const middle = Math.floor(start + width / 2);
    for (const column of [middle - 1, middle]) {
      cells[column] = { text: glyphsOf(look).fold, style: "faint" };
    }
  }
}

/** The axis, and below it what the ticks say. */
export function drawAxis(canvas: Canvas): readonly string[] {
  const { look, scale, ticks, nowMs } = canvas;
  const glyphs = glyphsOf(look);
  const axis: Cell[] = Array.from({ length: scale.columns }, () => ({ text: glyphs.axis, style: "faint" }));
  for (const { column } of ticks) axis[column] = { text: glyphs.tick, style: "faint" };
  markFolds(canvas, axis);
  const now = scale.columnOf(nowMs);
  if (now >= 0 && now < scale.columns) axis[now] = { text: glyphs.now, style: "now" };
  const labels = ticks.reduce((text, tick) => (tick.label === "" ? text : text.padEnd(tick.column) + tick.label), "");
  return [written(axis, look), paint(look, "faint", labels)];
}

/** A mark above the rows. */
export interface Flag {
  readonly atMs: number;
  /** The same in fewer and fewer words. */
  readonly labels: readonly string[];
  readonly style: Style;
}

interface Placed {
  readonly from: number;
  readonly text: string;
  readonly style: Style;
}

/** Flags with their labels on whichever side lets most of all of them be read; a flag without room is left out. */
export function drawFlags({ look, scale }: Canvas, flags: readonly Flag[]): string {
  const mark = glyphsOf(look).flag;
  const shown = flags.filter(({ atMs }) => scale.columnOf(atMs) >= 0 && scale.columnOf(atMs) < scale.columns);
  const choices = shown.map(({ atMs, labels, style }): readonly Placed[] => {
    const column = scale.columnOf(atMs);
    const places = labels.flatMap((label) => [
      { from: column, text: `${mark} ${label}`, style },
      { from: column - label.length - 1, text: `${label} ${mark}`, style },
    ]);
    return places.filter(({ from, text }) => from >= 0 && from + text.length <= scale.columns);
  });
  const cells = blankRow(scale);
  for (const { from, text, style } of bestOf(choices)) {
    Array.from(text).forEach((one, index) => (cells[from + index] = { text: one, style }));
  }
  return written(cells, look);
}

/** Of all ways to take one or none of each choice without two touching, the one with the most of them, then with the most text. */
function bestOf(choices: readonly (readonly Placed[])[], taken: readonly Placed[] = []): readonly Placed[] {
  const [first, ...rest] = choices;
  if (!first) return taken;
  const worth = (placed: readonly Placed[]): number => placed.reduce((sum, p) => sum + 1000 + p.text.length, 0);
  const free = first.filter((p) => taken.every((t) => areApart(p, t) || areApart(t, p)));
  const ways = [...free.map((place) => bestOf(rest, [...taken, place])), bestOf(rest, taken)];
  return ways.reduce((a, b) => (worth(b) > worth(a) ? b : a));
}

/** With air between them, unless a mark stands beside a mark. */
function areApart(left: Placed, right: Placed): boolean {
  const end = left.from + left.text.length;
  return end < right.from || (end === right.from && left.text.at(-1) === right.text.at(0));
}

const blankRow = (scale: Scale): Cell[] => Array.from({ length: scale.columns }, () => ({ text: " " }));

/** What the glyphs mean; only those that occur, in as many lines as it takes. */
export function legend({ look, scale, nowMs }: Canvas, rows: readonly Row[], timeZone: string): readonly string[] {
  const { past, future, published, revoked, fold } = glyphsOf(look);
  const spans = rows.flatMap((r) => r.spans);
  const isFuture = spans.some((s) => s.toMs > nowMs);
  const states = (["prepared", "active", "verify-only"] as const).filter((state) =>
    spans.some((s) => s.state === state),
  );
  const items = [
    ...states.map((state) => {
      const bars = isFuture ? paint(look, styles[state], future[state].repeat(2)) : "";
      return `${paint(look, styles[state], past[state].repeat(2))}${bars} ${state}`;
    }),
    ...(rows.some((r) => r.publishedAtMs !== undefined) ? [`${paint(look, "prepared", published)} published`] : []),
    ...(rows.some((r) => r.revokedAtMs !== undefined) ? [`${paint(look, "revoked", revoked)} revoked`] : []),
    ...(scale.stretches.some((s) => s.folded) ? [`${paint(look, "faint", fold.repeat(2))} time left out`] : []),
    paint(look, "faint", `times in ${timeZone}`),
  ];
  return wrapped(items, look.columns - 2);
}

function wrapped(items: readonly string[], columns: number): readonly string[] {
  const lines: string[] = [];
  for (const item of items) {
    const last = lines.at(-1);
    const joined = `${last ?? ""}   ${item}`;
    const width = widthOf(joined);
    if (last !== undefined && width <= columns) lines[lines.length - 1] = joined;
    else lines.push(item);
  }
  return lines;
}

/** Neighbours of one style share their escapes. */
function written(cells: readonly Cell[], look: Look): string {
  const runs: { text: string; readonly style: Cell["style"] }[] = [];
  for (const { text, style } of cells) {
    const last = runs.at(-1);
    if (last && String(last.style) === String(style)) last.text += text;
    else runs.push({ text, style });
  }
  return runs.map(({ text, style }) => (style === undefined ? text : paint(look, style, text))).join("");
}
