import { breachOfState } from "./invariants/states.ts";
import { WorldKey } from "./world/key.ts";
import { initialWorld } from "./world/initial.ts";
import { movesFrom, settled } from "./world/moves.ts";
import type { Scenario } from "./world/scenario.ts";
import type { World } from "./world/world.ts";
import { Liveness } from "./liveness.ts";
import { tell } from "./story.ts";

export interface Result {
  readonly scenario: string;
  readonly states: number;
  readonly transitions: number;
  /** Moves from the start to the farthest state. */
  readonly depth: number;
  readonly seconds: number;
  /** False when a bound ended the search before everything was seen. */
  readonly exhausted: boolean;
  /** The shortest history that breaks a rule, a line each. */
  readonly violation?: readonly string[];
}

/** Which move led to a state, and from where. */
class Trail {
  readonly #parents: number[] = [];
  readonly #moves: number[] = [];

  get length(): number {
    return this.#parents.length;
  }

  add(parent: number, move: number): number {
    this.#parents.push(parent);
    this.#moves.push(move);
    return this.#parents.length - 1;
  }

  /** The moves from the start to this state. */
  to(state: number): number[] {
    const moves: number[] = [];
    for (let at = state; at > 0; at = this.#parents[at] ?? 0) moves.unshift(this.#moves[at] ?? 0);
    return moves;
  }
}

interface Limits {
  readonly maxStates?: number;
}

/** Visits every state that the scenario can come to, the nearest first, and stops at the first that breaks a rule. */
export function search(scenario: Scenario, { maxStates = Infinity }: Limits = {}): Result {
  const startedAt = performance.now();
  const visit = new Visit(scenario);
  let frontier = visit.start();
  let depth = 0;
  let violation: readonly string[] | undefined;
  while (frontier.length > 0 && !violation && depth !== scenario.maxDepth && visit.states < maxStates) {
    const next: State[] = [];
    for (const state of frontier) {
      violation = visit.expand(state, next);
      if (violation || visit.states >= maxStates) break;
    }
    frontier = next;
    depth++;
  }
  return {
    scenario: scenario.name,
    states: visit.states,
    transitions: visit.transitions,
    depth: depth - 1,
    seconds: (performance.now() - startedAt) / 1000,
    exhausted: frontier.length === 0 && !violation,
    ...(violation && { violation }),
  };
}

interface State {
  readonly world: World;
  readonly id: number;
}

/** What a search has seen. */
class Visit {
  readonly #scenario: Scenario;
  readonly #keys: WorldKey;
  readonly #liveness: Liveness;
  /** Which states are asked is decided by their fingerprints: the same ones in each run. */
  readonly #every: number;
  readonly #seen = new Set<number>();
  readonly #trail = new Trail();
  transitions = 0;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#keys = new WorldKey(scenario);
    this.#every = scenario.livenessEvery ?? 8;
    this.#liveness = new Liveness(scenario, this.#keys);
  }

  get states(): number {
    return this.#seen.size;
  }

  start(): State[] {
    const world = initialWorld(this.#scenario);
    this.#seen.add(this.#keys.of(world));
    return [{ world, id: this.#trail.add(0, 0) }];
  }

  /** Adds the states that are new; returns the history of a breach. */
  expand({ world, id }: State, next: State[]): readonly string[] | undefined {
    for (const [index, move] of movesFrom(world, this.#scenario).entries()) {
      this.transitions++;
      const to = settled(move.to, this.#scenario);
      const key = this.#keys.of(to);
      if (to.breach === undefined && this.#seen.has(key)) continue;
      this.#seen.add(key);
      const child = this.#trail.add(id, index);
      const breach = breachOfState(to, this.#scenario) ?? this.#unrest(to, key);
      if (breach !== undefined) return tell(this.#scenario, this.#trail.to(child), breach);
      next.push({ world: to, id: child });
    }
    return undefined;
  }

  #unrest(world: World, key: number): string | undefined {
    return this.#every > 0 && key % this.#every === 0 ? this.#liveness.breachFrom(world, key) : undefined;
  }
}
