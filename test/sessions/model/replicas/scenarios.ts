import { explore, type Explored } from "../../../support/explore.ts";
import { emptyWorld } from "../world.ts";
import { breachOf } from "./judge.ts";
import { clientRead, connects, movesFrom, read } from "./moves.ts";
import { wordArrives } from "./replica.ts";
import { type Places, plain, type PlacesScenario } from "./place.ts";

export const placesScenarios = {
  moves: {
    name: "a client that goes from one replica to the other",
    about: "and back, while hellos, words and messages are under way",
    budget: { connects: 2, down: 1, stands: 1 },
  },
  strangers: {
    name: "a client that nobody knows",
    about: "and that says hello to both at once",
    isNew: true,
    budget: { connects: 2, down: 2 },
  },
  upward: {
    name: "a client that sends, and goes",
    about: "while an application takes what it has heard",
    budget: { connects: 1, up: 2, down: 1 },
  },
  skewed: {
    name: "a client that goes to a replica whose clock is behind",
    about: "and connections that break",
    skewMs: -1000,
    budget: { connects: 2, losses: 1, stands: 1 },
  },
  lossy: {
    name: "a bus that loses words",
    about: "or brings them when nobody waits for them any more",
    budget: { connects: 1, down: 1, up: 1, drops: 1, timeouts: 1 },
  },
  cut: {
    name: "a bus that is cut",
    about: "while the client is at either side; then it is whole again",
    budget: { connects: 1, down: 1, up: 1, cuts: 1 },
  },
  slow: {
    name: "an application that is slow to take what it has heard",
    about: "and does when the client has gone to another one",
    budget: { connects: 2, up: 1, timeouts: 2 },
  },
} as const satisfies Record<string, PlacesScenario>;

/** Everything that can come of a scenario. */
export function searchPlaces(scenario: PlacesScenario, mostStates?: number): Explored {
  const judged = new Set<string>();
  return explore({
    start: firstPlaces(scenario),
    moves: (all) => movesFrom(all, scenario),
    key: keyOf,
    breach: (all) => {
      if (judged.has(keyOf(all))) return undefined;
      judged.add(keyOf(all));
      return breachOf(all, scenario);
    },
    ...(mostStates !== undefined && { mostStates }),
  });
}

const keys = new WeakMap<Places, string>();

function keyOf(all: Places): string {
  const key = keys.get(all) ?? JSON.stringify(all);
  keys.set(all, key);
  return key;
}

/** It begins with a session at the first one that both know. */
function firstPlaces(scenario: PlacesScenario): Places {
  const none = { connects: 1, losses: 0, down: 0, up: 0, drops: 0, timeouts: 0, cuts: 0, stands: 0 };
  const place = { owed: [], asks: [] };
  const empty: Places = {
    world: emptyWorld(plain(scenario)),
    places: [place, place],
    words: [[], []],
    ...{ sides: {}, heardAt: [], sentAt: {}, isCut: false, isHarmed: false },
    left: { ...none, ...scenario.budget },
  };
  if (scenario.isNew === true) return empty;
  const begun = connects(empty, 0);
  const [hello] = begun.world.connections;
  const accepted = wordArrives(hello ? read(begun, scenario, hello) : begun, scenario, 0);
  const [session] = accepted.world.connections;
  return session ? clientRead(accepted, scenario, session) : accepted;
}
