/** The one that somebody may have meant: with the fewest slips, and no more than a third of its letters. */
export function nearest(typed: string, names: readonly string[]): string | undefined {
  const ranked = names
    .map((name) => ({ name, slips: slipsBetween(typed, name) }))
    .filter(({ name, slips }) => slips <= Math.ceil(name.length / 3))
    .sort((a, b) => a.slips - b.slips);
  return ranked[0]?.name;
}

/** Letters to put in, to take out, to change, or to swap with the next (optimal string alignment). */
function slipsBetween(from: string, to: string): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const isSame = from[i - 1] === to[j - 1];
      const isSwapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      next.push(
        Math.min(
          (row[j] ?? Infinity) + 1,
          (next[j - 1] ?? Infinity) + 1,
          (row[j - 1] ?? Infinity) + (isSame ? 0 : 1),
          isSwapped ? (before[j - 2] ?? Infinity) + 1 : Infinity,
        ),
      );
    }
    [before, row] = [row, next];
  }
  return row[to.length] ?? Infinity;
}
