import { scenarioNamed } from "../scenarios/index.ts";
import { everyKnob, type Knobs, type Scenario } from "../world/scenario.ts";

/** A rule of the design, a way to do without it, and a world in which that does harm. */
export interface Knockout {
  /** Where the design says it: its section and the sentence. */
  readonly rule: string;
  /** What is done instead. */
  readonly out: string;
  readonly scenario: Scenario;
  /** What the last line of the shortest story says. */
  readonly ends: RegExp;
}

/** A scenario whose writes are judged by what becomes of tokens. */
export const tokensIn = (name: string, change: Partial<Scenario>): Scenario => ({
  ...scenarioNamed(name),
  livenessEvery: 0,
  tokensOnly: true,
  ...change,
});

/** A scenario with all its checks. */
export const checkedIn = (name: string, change: Partial<Scenario>): Scenario => ({
  ...scenarioNamed(name),
  livenessEvery: 1,
  ...change,
});

export const without = (...knobs: readonly (keyof Knobs)[]): { readonly knobs: Knobs } => ({
  knobs: { ...everyKnob, ...Object.fromEntries(knobs.map((k) => [k, false])) },
});
