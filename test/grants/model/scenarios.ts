import { explore, type Explored } from "../../support/explore.ts";
import { breachOfWorld } from "./judge.ts";
import { keyOf } from "./key.ts";
import { movesFrom } from "./moves.ts";
import { capMs, firstWorld, type Scenario, tickMs } from "./world.ts";

export const scenarios = {
  timely: {
    name: "an owner in time",
    about: "one process, or two on one state, that lose answers and ask again in the window",
    processes: 2,
    isProven: false,
    isTimely: true,
    budget: { ticks: 3, renewals: 3, losses: 2 },
  },
  proven: {
    name: "an owner with proof",
    about: "lost answers that are asked for again whenever he likes, by two processes on one state",
    processes: 2,
    isProven: true,
    refreshTtlMs: capMs,
    budget: { ticks: 4, renewals: 3, losses: 2 },
  },
  thief: {
    name: "a thief beside an owner without proof",
    about: "a copy of the state at any time, then both renew as they like",
    processes: 1,
    isProven: false,
    budget: { ticks: 4, renewals: 3, losses: 1, thefts: 1 },
  },
  thiefOfProven: {
    name: "a thief beside an owner with proof",
    about: "the owner takes the grant back, and the thief is found out",
    processes: 1,
    isProven: true,
    budget: { ticks: 4, renewals: 3, losses: 1, thefts: 1 },
  },
  ends: {
    name: "ends",
    about: "revocation, expiry and not_after, each between any two steps of owner and thief",
    processes: 1,
    isProven: false,
    notAfterTicks: 5,
    refreshTtlMs: 9 * tickMs,
    budget: { ticks: 6, renewals: 3, losses: 1, thefts: 1, revocations: 1 },
  },
  restored: {
    name: "a restored database",
    about: "the backup is older than the tokens that owner and thief hold",
    processes: 1,
    isProven: false,
    budget: { ticks: 3, renewals: 3, thefts: 1, restores: 1 },
  },
  recovered: {
    name: "a restored database that recovers",
    about: "the first token ahead of its row carries it forward, and no second one",
    processes: 1,
    isProven: false,
    recovers: true,
    budget: { ticks: 3, renewals: 3, thefts: 1, restores: 1 },
  },
} as const satisfies Record<string, Scenario>;

/** Everything that can come of a scenario. */
export function search(scenario: Scenario, mostStates?: number): Explored {
  return explore({
    start: firstWorld(scenario),
    moves: (world) => movesFrom(world, scenario),
    key: keyOf,
    breach: (world) => breachOfWorld(world, scenario),
    ...(mostStates !== undefined && { mostStates }),
  });
}
