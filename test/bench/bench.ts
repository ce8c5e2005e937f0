import type { Contest, Result } from "./measure.ts";

/** A group of contests with one setting. */
export interface Bench {
  readonly name: string;
  readonly what: string;
  contests(): Promise<readonly Contest[]>;
  /** Ends what `contests` started. */
  close?(): Promise<void>;
}

export interface BenchResult {
  readonly bench: string;
  readonly what: string;
  readonly results: readonly Result[];
}

/**
 * A table for people. The ratio says how many times as long as the baseline ours takes: as a rule, and with each at its best, which is
 * what a machine without neighbours would show.
 */
export function tableOf({ bench, what, results }: BenchResult): string {
  const rows = results.map(({ contest, ours, baseline, ratio, rounds }) => [
    contest,
    ours.name,
    durationText(ours.microseconds.median),
    rateText(ours.microseconds.median),
    baseline.name,
    durationText(baseline.microseconds.median),
    ratioText(ratio.median),
    `${ratioText(ratio.min)} … ${ratioText(ratio.max)}`,
    ratioText(ours.microseconds.min / baseline.microseconds.min),
    String(rounds),
  ]);
  const time = results[0]?.clock === "cpu" ? "CPU time" : "time";
  const head = ["", "ours", time, "per second", "baseline", time, "ratio", "min … max", "at best", "rounds"];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const left = [0, 1, 4];
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (left.includes(i) ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join("  ")
      .trimEnd();
  return [`${bench}: ${what}`, "", line(head), ...rows.map(line)].join("\n");
}

function durationText(microseconds: number): string {
  if (microseconds < 1000) return `${digits(microseconds)} µs`;
  return microseconds < 1_000_000 ? `${digits(microseconds / 1000)} ms` : `${digits(microseconds / 1_000_000)} s`;
}

const rateText = (microseconds: number): string => {
  const rate = 1_000_000 / microseconds;
  return rate >= 100 ? Math.round(rate).toLocaleString("en-US") : digits(rate);
};

const ratioText = (ratio: number): string => `${digits(ratio)}×`;

/** Three digits that count. */
const digits = (value: number): string => {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
};
