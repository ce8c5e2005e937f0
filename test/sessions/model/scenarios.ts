import { omit } from "../../model/world/omit.ts";
import { explore, type Explored } from "../../support/explore.ts";
import { clientReads, connected } from "./client.ts";
import { read } from "./gateway.ts";
import { breachOfWorld } from "./judge.ts";
import { movesFrom } from "./moves.ts";
import { emptyWorld, type Scenario, type World } from "./world.ts";

export const scenarios = {
  reconnects: {
    name: "a client that comes again and again",
    about: "messages both ways, either connection lost at any point, hellos that arrive late",
    budget: { connects: 3, losses: 1, down: 1, up: 1 },
  },
  known: {
    name: "a session that both know",
    about: "whatever is lost of those after it, each goes on where the last one was",
    isKnown: true,
    budget: { connects: 2, losses: 2, down: 2, up: 1 },
  },
  upward: {
    name: "a client that sends",
    about: "two messages of its own, while connections are lost and taken over",
    isKnown: true,
    budget: { connects: 2, losses: 1, up: 2, down: 1 },
  },
  expiry: {
    name: "tokens that end",
    about: "renewed in place, in any order, or by a reconnect, or not in time",
    isKnown: true,
    budget: { connects: 1, ticks: 5, tokens: 2, renewals: 2 },
  },
  rotation: {
    name: "keys that rotate",
    about: "a session goes on, its key is pruned, another one is revoked",
    isKnown: true,
    budget: { connects: 1, tokens: 1, renewals: 1, rotations: 2, keyRevocations: 1 },
  },
  revocation: {
    name: "a grant that is revoked",
    about: "in the middle of anything; nothing of it opens again",
    budget: { connects: 2, losses: 1, down: 1, up: 1, grantRevocations: 1, ticks: 1 },
  },
  drain: {
    name: "a gateway that stops",
    about: "while it is connected to, and messages are on their way",
    budget: { connects: 2, down: 1, up: 1, drains: 1, ticks: 2 },
  },
  away: {
    name: "a client that stays away",
    about: "until nothing of it is kept",
    budget: { connects: 1, losses: 1, down: 1, ticks: 5, tokens: 1 },
  },
  restarts: {
    name: "a gateway and a client that begin anew",
    about: "each with nothing in its memory",
    budget: { connects: 3, down: 1, up: 1, restarts: 1, crashes: 1 },
  },
  anew: {
    name: "a client that begins anew",
    about: "while what it sent before is still being taken",
    budget: { connects: 2, up: 2, crashes: 1 },
  },
} as const satisfies Record<string, Scenario>;

/** Everything that can come of a scenario. */
export function search(scenario: Scenario, mostStates?: number): Explored {
  const judged = new Set<string>();
  return explore({
    start: firstWorld(scenario),
    moves: (world) => movesFrom(world, scenario),
    key: keyOf,
    breach: (world) => {
      if (judged.has(keyOf(world))) return undefined;
      judged.add(keyOf(world));
      return breachOfWorld(world, scenario);
    },
    ...(mostStates !== undefined && { mostStates }),
  });
}

const keys = new WeakMap<World, string>();

function keyOf(world: World): string {
  const key = keys.get(world) ?? JSON.stringify(world);
  keys.set(world, key);
  return key;
}

function firstWorld(scenario: Scenario): World {
  const empty = emptyWorld(scenario);
  if (scenario.isKnown !== true) return empty;
  const unjudged = omit(scenario, "isKnown");
  return [read, clientReads].reduce((world, next) => {
    const [connection] = world.connections;
    return connection ? next(world, unjudged, connection) : world;
  }, connected(empty));
}
