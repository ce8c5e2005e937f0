/** What became of one suite. */
export type Outcome =
  | { readonly ran: true; readonly passed: number; readonly failed: number; readonly skips: readonly Skip[] }
  | { readonly ran: false; readonly reason: string };

export interface Skip {
  readonly test: string;
  /** What `context.skip(reason)` said; undefined for `test.skip` and its like, which say nothing. */
  readonly reason: string | undefined;
}

export interface SuiteResult {
  readonly name: string;
  readonly ms: number;
  readonly outcome: Outcome;
}

export interface Verdict {
  /** Everything that is wrong, a line each; empty when the run is good. */
  readonly complaints: readonly string[];
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Judges a whole run. A failed test is always a complaint, and so is a skip that gives no reason. With `requireAll`
 * every skip is one, and every suite that did not run.
 */
export function judge(results: readonly SuiteResult[], requireAll: boolean): Verdict {
  const complaints: string[] = [];
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, outcome } of results) {
    if (!outcome.ran) {
      if (requireAll) complaints.push(`${name}: did not run (${outcome.reason}), and KEYTURN_REQUIRE=all`);
      continue;
    }
    sum.passed += outcome.passed;
    sum.failed += outcome.failed;
    sum.skipped += outcome.skips.length;
    if (outcome.failed > 0) complaints.push(`${name}: ${outcome.failed} failed`);
    for (const { test, reason } of outcome.skips) {
      if (reason === undefined) complaints.push(`${name}: "${test}" is skipped without a reason`);
      else if (requireAll) complaints.push(`${name}: "${test}" is skipped (${reason}), and KEYTURN_REQUIRE=all`);
    }
  }
  if (sum.passed + sum.failed === 0) complaints.push("no test ran");
  return { complaints, ...sum };
}

/** The closing table: a row for each suite, and under it the reason of each skip. */
export function table(results: readonly SuiteResult[]): string {
  const width = Math.max(...results.map(({ name }) => name.length), "suite".length);
  const rows = results.flatMap(({ name, ms, outcome }) => {
    if (!outcome.ran) return [`${name.padEnd(width)}  did not run: ${outcome.reason}`];
    const cells = [outcome.passed, outcome.failed, outcome.skips.length, (ms / 1000).toFixed(1)];
    return [row(name.padEnd(width), cells), ...outcome.skips.map((skip) => `  skipped: ${skip.test}: ${why(skip)}`)];
  });
  return [row("suite".padEnd(width), ["passed", "failed", "skipped", "seconds"]), ...rows].join("\n");
}

function row(name: string, cells: readonly (string | number)[]): string {
  return `${name}${cells.map((cell) => String(cell).padStart(9)).join("")}`;
}

function why({ reason }: Skip): string {
  return reason ?? "no reason given";
}

/** The last line of a run, alone: `12 passed, 0 failed`, and `, 1 skipped` if any was. */
export function closingLine({ passed, failed, skipped }: Verdict): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
