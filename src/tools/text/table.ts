import { padded, paint, widthOf, type Appearance } from "./screen.ts";

/** A table as kubectl writes it: upper-case heads, three spaces between columns (two where it would get too wide), no lines. Empty columns go. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  look: Appearance,
): readonly string[] {
  const kept = heads.map((_, index) => rows.some((row) => (row[index] ?? "") !== ""));
  const lines = [heads.map((head) => paint(look, "faint", head)), ...rows].map((row) =>
    heads.map((_, index) => row[index] ?? "").filter((_, index) => kept[index]),
  );
  const widths = (lines[0] ?? []).map((_, index) => Math.max(...lines.map((row) => widthOf(row[index] ?? ""))));
  const width = widths.reduce((sum, one) => sum + one, 0);
  const gap = " ".repeat(width + 3 * widths.length > look.columns ? 2 : 3);
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
