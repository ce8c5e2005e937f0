import { writeFileSync } from "node:fs";
import type { Reporter, SerializedError, TestModule } from "vitest/node";
import type { Skip } from "../verdict.ts";

/** What one Vitest run wrote down for hack/test.ts. Vitest's own JSON report leaves out why a test was skipped. */
export interface Report {
  readonly passed: number;
  /** Failed tests, test files that could not be loaded or finished, and errors that no test caught. */
  readonly failed: number;
  readonly skips: readonly Skip[];
}

export default class ReportWriter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const file = process.env["KEYTURN_TEST_REPORT"];
    if (file === undefined) throw new Error("Cannot write the test report: KEYTURN_TEST_REPORT must name a file");
    writeFileSync(file, JSON.stringify(summarize(modules, unhandled)));
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
