import { globSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { plainUnlessTerminal, root, run } from "../run.ts";
import type { Outcome } from "../verdict.ts";
import type { Report } from "./reporter.ts";

/**
 * Runs one project of vitest.config.ts, its output shown as it comes.
 *
 * @param more - Further flags of vitest
 */
export async function runProject(name: string, more: readonly string[] = []): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), "keyturn-test-"));
  const file = join(folder, "report.json");
  try {
    const flags = ["--allowOnly=false", "--reporter=default", "--reporter=./hack/suites/reporter.ts"];
    const { code } = await run(["vitest", "run", "--project", name, ...flags, ...more, ...plainUnlessTerminal], {
      stream: true,
      env: { KEYTURN_TEST_REPORT: file },
    });
    return outcome(await readReport(file), code);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A run that ended badly without naming a failure (it crashed, or its report is missing) counts as one. */
function outcome(report: Report, code: number): Outcome {
  const failed = code !== 0 && report.failed === 0 ? 1 : report.failed;
  return { ran: true, passed: report.passed, failed, skips: report.skips };
}

async function readReport(file: string): Promise<Report> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return { passed: 0, failed: 1, skips: [] };
  // Written by hack/suites/reporter.ts a moment ago
  // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
  return JSON.parse(text) as Report;
}

/** The reason not to start a project whose folder has no test yet. */
export function testsIn(folder: string): string | undefined {
  return globSync(`${folder}/**/*.test.ts`, { cwd: root }).length > 0 ? undefined : `no tests in ${folder}/`;
}
