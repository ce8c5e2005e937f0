import type { Style } from "../text/screen.ts";
import { blankRow, glyphsOf, written, type Canvas } from "./cells.ts";

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
