/** A small world that a search walks through. */
export interface Walk<World> {
  readonly start: World;
  /** Every step from here, with its name. */
  readonly moves: (world: World) => readonly { readonly name: string; readonly to: World }[];
  /** Two worlds with one key are one: nothing that follows can tell them apart. */
  readonly key: (world: World) => string;
  /** Why this world may not be. */
  readonly breach: (world: World) => string | undefined;
  /** @default 1,000,000 */
  readonly mostStates?: number;
}

export interface Explored {
  readonly states: number;
  readonly transitions: number;
  /** False when the bound ended the search before everything was seen. */
  readonly isExhausted: boolean;
  /** The shortest history that leads to a breach, and the breach itself as its last line. */
  readonly story?: readonly string[];
}

interface Trail {
  readonly name: string;
  readonly before: Trail | undefined;
}

interface Stop {
  readonly story?: readonly string[];
}

interface Place<World> {
  readonly world: World;
  readonly trail: Trail | undefined;
}

/** Visits every world that can be come to, the nearest first, and stops at the first breach. */
export function explore<World>(walk: Walk<World>): Explored {
  const seen = new Set([walk.key(walk.start)]);
  let transitions = 0;
  /** Adds what is new from here; returns why the search is over. */
  const expand = ({ world, trail: before }: Place<World>, next: Place<World>[]): Stop | undefined => {
    for (const { name, to } of walk.moves(world)) {
      transitions++;
      const trail = { name, before };
      const why = walk.breach(to);
      if (why !== undefined) return { story: [...namesOf(trail), why] };
      const id = walk.key(to);
      if (seen.has(id)) continue;
      if (seen.size >= (walk.mostStates ?? 1_000_000)) return {};
      seen.add(id);
      next.push({ world: to, trail });
    }
    return undefined;
  };
  let frontier: readonly Place<World>[] = [{ world: walk.start, trail: undefined }];
  while (frontier.length > 0) {
    const next: Place<World>[] = [];
    for (const place of frontier) {
      const stop = expand(place, next);
      if (stop) return { states: seen.size, transitions, isExhausted: false, ...stop };
    }
    frontier = next;
  }
  return { states: seen.size, transitions, isExhausted: true };
}

function namesOf(trail: Trail | undefined): readonly string[] {
  const names: string[] = [];
  for (let at = trail; at !== undefined; at = at.before) names.unshift(at.name);
  return names;
}
