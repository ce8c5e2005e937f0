import type { Key } from "../../ring/key.ts";
import { widthOf } from "../text/cell-width.ts";
import { paint, type Style } from "../text/screen.ts";
import { blankRow, glyphsOf, written, type Canvas, type Cell } from "./cells.ts";
import type { Row, Span } from "./rows.ts";
import type { Scale } from "./scale.ts";

const styles: Readonly<Record<Key["state"], Style>> = {
  prepared: "prepared",
  active: "active",
  "verify-only": "verifyOnly",
};

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

/** What the glyphs mean; only those that occur, in as many lines as it takes. */
export function legend({ look, scale, nowMs }: Canvas, rows: readonly Row[], timeZone: string): readonly string[] {
  const { past, future, published, revoked, fold, now } = glyphsOf(look);
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
    ...(isFuture ? [`${paint(look, "now", now)} now: past left, forecast right`] : []),
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
