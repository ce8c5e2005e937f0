import { describe, expect, test } from "vitest";
import { closingLine, judge, type Outcome, type SuiteResult, table } from "../../hack/verdict.ts";

function ran(passed: number, failed = 0, skips: { test: string; reason: string | undefined }[] = []): Outcome {
  return { ran: true, passed, failed, skips };
}

function result(name: string, outcome: Outcome): SuiteResult {
  return { name, ms: 1234, outcome };
}

const absent: Outcome = { ran: false, reason: "no Docker engine answers" };
const skip = { test: "adapter refuses a foreign owner", reason: "runs as root" };

describe("judge", () => {
  test("has no complaint when every test passed", () => {
    const verdict = judge([result("unit", ran(3)), result("model", ran(2))], true);
    expect(verdict).toEqual({ complaints: [], passed: 5, failed: 0, skipped: 0 });
  });

  test("complains of a failed test", () => {
    expect(judge([result("unit", ran(3, 1))], false).complaints).toEqual(["unit: 1 failed"]);
  });

  test("complains of a suite that did not run only when everything is required", () => {
    const results = [result("unit", ran(3)), result("image", absent)];
    expect(judge(results, false).complaints).toEqual([]);
    expect(judge(results, true).complaints).toEqual([
      "image: did not run (no Docker engine answers), and KEYTURN_REQUIRE=all",
    ]);
  });

  test("complains of a skip with a reason only when everything is required", () => {
    const results = [result("unit", ran(3, 0, [skip]))];
    expect(judge(results, false)).toMatchObject({ complaints: [], skipped: 1 });
    expect(judge(results, true).complaints).toEqual([
      'unit: "adapter refuses a foreign owner" is skipped (runs as root), and KEYTURN_REQUIRE=all',
    ]);
  });

  test("complains of a skip without a reason always", () => {
    const results = [result("unit", ran(3, 0, [{ test: "a", reason: undefined }]))];
    expect(judge(results, false).complaints).toEqual(['unit: "a" is skipped without a reason']);
  });

  test("complains when no test ran at all", () => {
    expect(judge([result("image", absent)], false).complaints).toEqual(["no test ran"]);
    expect(judge([result("unit", ran(0, 0, [skip]))], false).complaints).toEqual(["no test ran"]);
  });
});

describe("table", () => {
  test("has a row for each suite and names what did not run and what was skipped", () => {
    const results = [result("static", ran(5)), result("unit", ran(120, 1, [skip])), result("image", absent)];
    expect(table(results)).toBe(
      [
        "suite    passed   failed  skipped  seconds",
        "static        5        0        0      1.2",
        "unit        120        1        1      1.2",
        "  skipped: adapter refuses a foreign owner: runs as root",
        "image   did not run: no Docker engine answers",
      ].join("\n"),
    );
  });
});

describe("closingLine", () => {
  test("names skipped tests only if there are some", () => {
    expect(closingLine(judge([result("unit", ran(2, 1))], false))).toBe("2 passed, 1 failed");
    expect(closingLine(judge([result("unit", ran(2, 0, [skip]))], false))).toBe("2 passed, 0 failed, 1 skipped");
  });
});
