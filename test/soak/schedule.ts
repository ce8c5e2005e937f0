import { Chance } from "./chance.ts";

/** Something that goes wrong, and is over after a while. */
export interface Trouble<World> {
  readonly name: string;
  /** What it befalls: of two troubles that befall the same, one comes at a time. */
  readonly befalls: readonly string[];
  /** How long it lasts at least and at most, in milliseconds. */
  readonly lastsMs: readonly [number, number];
  /** Begins it. @returns what ends it */
  readonly begin: (world: World, chance: Chance) => Promise<() => Promise<void>>;
}

/** A trouble with its times, counted from the beginning of its round. */
export interface Drawn<World> {
  readonly trouble: Trouble<World>;
  readonly afterMs: number;
  readonly lastsMs: number;
  readonly chance: Chance;
}

const most = 3;
const beginWithinMs = 2000;

/**
 * Rounds of one to three troubles that overlap, without an end. Drawn as from a pack of cards, so that each has come before
 * one comes again; only the seed decides, never what happens.
 */
export function* rounds<World>(
  seed: number,
  side: string,
  troubles: readonly Trouble<World>[],
): Generator<readonly Drawn<World>[]> {
  const chance = new Chance(seed, side);
  let pack: readonly Trouble<World>[] = [];
  for (let round = 1; troubles.length > 0; round++) {
    if (pack.length === 0) pack = chance.shuffled(troubles);
    const wanted = chance.between(1, most);
    const taken: Trouble<World>[] = [];
    for (const trouble of pack) if (taken.length < wanted && fits(trouble, taken)) taken.push(trouble);
    pack = pack.filter((trouble) => !taken.includes(trouble));
    yield taken.map((trouble, index) => ({
      trouble,
      afterMs: index === 0 ? 0 : chance.between(0, beginWithinMs),
      lastsMs: chance.between(...trouble.lastsMs),
      chance: new Chance(seed, side, round, trouble.name),
    }));
  }
}

const fits = <World>({ befalls }: Trouble<World>, taken: readonly Trouble<World>[]): boolean =>
  taken.every((one) => !one.befalls.some((what) => befalls.includes(what)));
