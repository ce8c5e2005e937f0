// Searches the model: `npm run model -- [--deep] [--scenario NAME]`. A line for each scenario, then the sum.
import { parseArgs } from "node:util";
import { omit } from "./world/omit.ts";
import { scenarioNamed, scenarios } from "./scenarios/index.ts";
import { search, type Result } from "./search.ts";
import type { Scenario } from "./world/scenario.ts";

const { values } = parseArgs({
  options: { deep: { type: "boolean", default: false }, scenario: { type: "string", multiple: true } },
});

const chosen = values.scenario?.map(scenarioNamed) ?? scenarios;
const results: Result[] = [];
console.log(row("scenario", "states", "transitions", "depth", "seconds", ""));
for (const scenario of chosen) {
  const result = search(values.deep ? deepened(scenario) : scenario);
  results.push(result);
  console.log(lineOf(scenario, result));
  if (result.violation) console.log(`\n${result.violation.map((line) => `  ${line}`).join("\n")}\n`);
}
const states = results.reduce((sum, r) => sum + r.states, 0);
const violations = results.filter((r) => r.violation).length;
console.log(`states ${String(states)}, violations ${String(violations)}`);
process.exitCode = violations > 0 ? 1 : 0;

function deepened(scenario: Scenario): Scenario {
  return { ...omit(scenario, "maxDepth"), livenessEvery: 1, ...scenario.deep };
}

function lineOf({ name, about }: Scenario, r: Result): string {
  const end = r.exhausted ? "to the end" : r.violation ? "VIOLATION" : `to depth ${String(r.depth)}`;
  const count = (value: number): string => value.toLocaleString("en");
  return row(name, count(r.states), count(r.transitions), String(r.depth), r.seconds.toFixed(1), `${end}: ${about}`);
}

function row(name: string, ...cells: readonly [string, string, string, string, string]): string {
  const [states, transitions, depth, seconds, about] = cells;
  return `${name.padEnd(25)} ${states.padStart(9)} ${transitions.padStart(12)} ${depth.padStart(6)} ${seconds.padStart(8)}  ${about}`.trimEnd();
}
