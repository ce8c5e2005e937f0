import type { IdentitySpec } from "../agent-spec.ts";

/** Paths of sinks. */
export type TakenPlaces = ReadonlySet<string>;

/** Which identities of the file write to a path. */
export type FilePlaces = ReadonlyMap<string, readonly string[]>;

/** All that they write to. */
export const placesOf = (specs: readonly IdentitySpec[]): TakenPlaces =>
  new Set(specs.flatMap(({ sinks }) => sinks.map(({ path }) => path)));

/** Of each path who writes there: more than one, while one is put in the place of another. */
export function filePlacesOf(specs: readonly IdentitySpec[]): FilePlaces {
  const places = new Map<string, readonly string[]>();
  for (const { name, sinks } of specs) {
    for (const { path } of sinks) places.set(path, [...(places.get(path) ?? []), name]);
  }
  return places;
}

/** While the one is put in the place of the other. */
export const bothOf = (one: FilePlaces, other: FilePlaces): FilePlaces =>
  new Map([...one, ...[...other].map(([path, names]) => [path, [...(one.get(path) ?? []), ...names]] as const)]);
