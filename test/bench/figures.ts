/** Something that is measured once, and is no time of one piece of work: memory, counts, a whole story. */
export interface Figure {
  readonly what: string;
  readonly unit:
    | "ms"
    | "µs"
    | "MiB"
    | "KiB"
    | "writes"
    | "requests"
    | "rows"
    | "messages"
    | "a second"
    | "a minute"
    | "a CPU second";
  readonly ours: number;
  readonly baseline?: { readonly name: string; readonly value: number };
  /** What it is meant to be. */
  readonly goal?: string;
}

export interface FiguresBench {
  readonly name: string;
  readonly what: string;
  /**
   * @param isQuick - Only to see that it works
   * @param count - Of how many it is, where a bench is of many
   */
  figures(isQuick: boolean, count?: number): Promise<readonly Figure[]>;
}

/** A table for people; the ratio says how many times as much as the baseline ours is. */
export function figuresTable({ name, what }: Pick<FiguresBench, "name" | "what">, figures: readonly Figure[]): string {
  const rows = figures.map(({ what: row, unit, ours, baseline, goal = "" }) => [
    row,
    `${digits(ours)} ${unit}`,
    baseline === undefined ? "" : `${baseline.name}, ${digits(baseline.value)} ${unit}`,
    baseline === undefined ? "" : `${digits(ours / baseline.value)}×`,
    goal,
  ]);
  const head = ["", "ours", "baseline", "ratio", "goal"];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd();
  return [`${name}: ${what}`, "", line(head), ...rows.map(line)].join("\n");
}

const digits = (value: number): string =>
  value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
