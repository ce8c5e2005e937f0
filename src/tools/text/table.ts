import { widthOf } from "./cell-width.ts";
import { padded, paint, type Appearance } from "./screen.ts";

/** So much room a last column needs where its text goes on below. */
const leastLast = 16;

/** How a table is to look. */
export interface TableAppearance extends Appearance {
  /** Heads of columns that go, the first ones first, where somebody watches and the table is too wide. */
  readonly spare?: readonly string[];
  /** Cells that stand left of the table. @default 0 */
  readonly indent?: number;
}

/** A table as kubectl writes it: upper-case heads, three spaces between columns (two where it would get too wide), no lines. Empty columns go. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  { spare = [], indent = 0, ...look }: TableAppearance,
): readonly string[] {
  const [columns, isEmpty] = [look.columns - indent, (index: number) => rows.every((row) => (row[index] ?? "") === "")];
  const widthAt = (index: number): number =>
    Math.max(widthOf(heads[index] ?? ""), ...rows.map((row) => widthOf(row[index] ?? "")));
  const left = heads.map((_, index) => index).filter((index) => !isEmpty(index));
  const isTooWide = (): boolean => {
    const [last = 0, ...others] = left.map(widthAt).toReversed();
    return others.reduce((sum, one) => sum + one + 2, Math.min(last, leastLast)) > columns;
  };
  for (const head of look.live === true ? spare : []) {
    if (isTooWide()) left.splice(0, left.length, ...left.filter((index) => heads[index] !== head));
  }
  const kept = heads.map((_, index) => left.includes(index));
  const lines = [heads.map((head) => paint(look, "faint", head)), ...rows].map((row) =>
    heads.map((_, index) => row[index] ?? "").filter((_, index) => kept[index]),
  );
  const widths = (lines[0] ?? []).map((_, index) => Math.max(...lines.map((row) => widthOf(row[index] ?? ""))));
  const width = widths.reduce((sum, one) => sum + one, 0);
  const gap = " ".repeat(width + 3 * (widths.length - 1) > columns ? 2 : 3);
  return lines.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : padded(cell, widths[index] ?? 0)))
      .join(gap)
      .trimEnd(),
  );
}

/** `Name   value` lines, values below each other. */
export function pairs(rows: readonly (readonly [name: string, value: string])[], look: Appearance): readonly string[] {
  const width = Math.max(0, ...rows.map(([name]) => widthOf(name)));
  return rows.map(([name, value]) => `${paint(look, "faint", padded(name, width))}   ${value}`);
}
