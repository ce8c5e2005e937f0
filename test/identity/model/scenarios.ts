import { explore, type Explored } from "../../support/explore.ts";
import { breachOfWorld } from "./judge.ts";
import { movesFrom, setBack } from "./moves.ts";
import { firstWorld, type Scenario, type World } from "./world.ts";

export const scenarios = {
  timely: {
    name: "an identity without proof",
    about: "answers that are lost, and kills between any two steps, while it asks again in the window",
    isProven: false,
    budget: { ticks: 5, losses: 2, crashes: 1 },
  },
  twins: {
    name: "two processes on one state, by mistake",
    about: "lost answers and kills, without proof",
    processes: 2,
    isProven: false,
    budget: { ticks: 4, losses: 1, crashes: 1 },
  },
  proven: {
    name: "an identity with proof",
    about: "lost answers and kills, and as much time as you like",
    isProven: true,
    budget: { ticks: 5, losses: 1, crashes: 1 },
  },
  full: {
    name: "a disk that is full at times",
    about: "with a kill, and two processes",
    processes: 2,
    isProven: true,
    budget: { ticks: 4, crashes: 1, refusedWrites: 2 },
  },
  denied: {
    name: "an issuer that says no",
    about: "revocations, a first credential that goes bad and good again, somebody who asks by hand",
    isProven: true,
    budget: { ticks: 4, revocations: 1, credentialChanges: 2, hands: 1 },
  },
  used: {
    name: "an identity that is renewed on use",
    about: "callers, refusals, by hand, and an end in the middle of anything",
    isProven: true,
    keep: "onUse",
    budget: { ticks: 4, refusals: 2, ends: 1 },
  },
  setBack: {
    name: "a clock that is set back",
    about: "while it runs, and while nothing runs",
    isProven: true,
    budget: { ticks: 6, setBacks: 1, crashes: 1 },
  },
} as const satisfies Record<string, Scenario>;

/** Everything that can come of a scenario. */
export function search(scenario: Scenario, mostStates?: number): Explored {
  return explore({
    start: firstWorld(scenario),
    moves: (world) => [...movesFrom(world, scenario), ...setBack(world, scenario)],
    key: keyOf,
    breach: (world) => breachOfWorld(world, scenario),
    ...(mostStates !== undefined && { mostStates }),
  });
}

/** All of a world: its bytes as text. */
const keyOf = (world: World): string =>
  JSON.stringify(world, (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value,
  );
