import { expect } from "vitest";
import { search, type Result } from "./search.ts";
import type { Scenario } from "./world/scenario.ts";

/** Searches the scenario and fails with the shortest story if a rule is broken. */
export function expectNoBreach(scenario: Scenario): Result {
  const result = search(scenario);
  expect(result.violation?.join("\n"), `${scenario.name}: ${scenario.about}`).toBeUndefined();
  return result;
}
