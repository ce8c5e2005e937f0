import type { Scenario } from "../world/scenario.ts";
import { disasters } from "./disasters.ts";
import { gateways } from "./gateways.ts";
import { passes } from "./passes.ts";
import { people } from "./people.ts";

/** All of them together hold everything that the design speaks of. */
export const scenarios: readonly Scenario[] = [...passes, ...gateways, ...people, ...disasters];

export function scenarioNamed(name: string): Scenario {
  const scenario = scenarios.find((s) => s.name === name);
  if (!scenario)
    throw new RangeError(`Cannot search "${name}": must be one of ${scenarios.map((s) => s.name).join(", ")}`);
  return scenario;
}
