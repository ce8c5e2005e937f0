import { globSync } from "node:fs";
import { plainUnlessTerminal, root, run } from "../run.ts";
import type { Outcome } from "../verdict.ts";
import type { News, Report } from "./reporter.ts";
import type { Stage } from "./stage.ts";

/** Runs one project of vitest.config.ts. */
export async function runProject(name: string, stage: Stage): Promise<Outcome> {
  let report: Report = { passed: 0, failed: 1, skips: [] };
  const flags = ["--allowOnly=false", "--reporter=default", "--reporter=./hack/suites/reporter.ts"];
  // Left alone, vitest keeps a core for itself: of two that is half
  const { code, output } = await run(
    ["vitest", "run", "--project", name, "--maxWorkers=100%", ...flags, ...plainUnlessTerminal],
    {
      stream: stage.isTerminal,
      isYielding: stage.isYielding,
      onLine(line) {
        // Written by hack/suites/reporter.ts a moment ago
        // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
        const news = JSON.parse(line) as News;
        if ("report" in news) report = news.report;
        else stage.fail(news.failure);
      },
    },
  );
  if (!stage.isTerminal) stage.say(output);
  return outcome(report, code);
}

/** A run that ended badly without naming a failure (it crashed, or its report is missing) counts as one. */
function outcome(report: Report, code: number): Outcome {
  const failed = code !== 0 && report.failed === 0 ? 1 : report.failed;
  return { ran: true, passed: report.passed, failed, skips: report.skips };
}

/** The reason not to start a project whose folder has no test yet. */
export function testsIn(folder: string): string | undefined {
  return globSync(`${folder}/**/*.test.ts`, { cwd: root }).length > 0 ? undefined : `no tests in ${folder}/`;
}
