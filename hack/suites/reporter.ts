import { writeSync } from "node:fs";
import type { Reporter, SerializedError, TestCase, TestModule } from "vitest/node";
import type { Skip } from "../verdict.ts";

/** What one Vitest run comes to. Vitest's own JSON report leaves out why a test was skipped. */
export interface Report {
  readonly passed: number;
  /** Failed tests, test files that could not be loaded or finished, and errors that no test caught. */
  readonly failed: number;
  readonly skips: readonly Skip[];
}

/** A line for hack/test.ts: each test that fails, at once, and the report at the end. */
export type News = { readonly failure: string } | { readonly report: Report };

/** On the file descriptor that hack/run.ts reads line by line: the others are people's. */
function tell(news: News): void {
  writeSync(3, `${JSON.stringify(news)}\n`);
}

export default class ReportWriter implements Reporter {
  onTestCaseResult(test: TestCase): void {
    if (test.result().state === "failed") tell({ failure: `${test.module.relativeModuleId} > ${test.fullName}` });
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    tell({ report: summarize(modules, unhandled) });
  }
}

function summarize(modules: readonly TestModule[], unhandled: readonly SerializedError[]): Report {
  let passed = 0;
  let failed = unhandled.length;
  const skips: Skip[] = [];
  for (const module of modules) {
    const failedBefore = failed;
    for (const test of module.children.allTests()) {
      const result = test.result();
      if (result.state === "passed") passed += 1;
      else if (result.state === "skipped") skips.push({ test: test.fullName, reason: result.note });
      else failed += 1;
    }
    if (!module.ok() && failed === failedBefore) failed += 1;
  }
  return { passed, failed, skips };
}
