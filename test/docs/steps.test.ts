import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { stepReasons } from "../../src/controller/step-events.ts";
import { waitForOf, waitSteps } from "../../src/tools/follow/wait.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/conditions.md"), "utf8");
const [, section = ""] = page.split("\n## Names of steps\n");
const rows = [...section.matchAll(/^\| `(\w+)` +\|[^|]+\| `(\w+)`[^|]*\| (yes|no) /gm)].map(
  ([, step = "", reason = "", waited = ""]) => ({ step, reason, waited }),
);

test("the table of steps has each one once, with the reason of its event", () => {
  const told = Object.entries(stepReasons).map(([step, { reason }]) => ({ step, reason }));
  const bySteps = (a: { step: string }, b: { step: string }): number => (a.step < b.step ? -1 : 1);
  expect(rows.map(({ step, reason }) => ({ step, reason })).sort(bySteps)).toEqual(told.sort(bySteps));
});

test("the table says which steps wait --for takes, by the same names", () => {
  const waited = rows.filter((row) => row.waited === "yes").map(({ step }) => step);
  expect([...waited].sort()).toEqual([...waitSteps].sort());
  for (const step of waited) expect(waitForOf(`step=${step}`)).toEqual({ step });
});

test("the action of an event is the name of its step, with a capital letter", () => {
  for (const [step, { action }] of Object.entries(stepReasons)) {
    expect(action).toBe(`${step.charAt(0).toUpperCase()}${step.slice(1)}`);
  }
});
