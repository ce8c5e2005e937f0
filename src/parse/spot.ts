import { shown } from "../errors/quote.ts";
import { nearest } from "./nearest.ts";
import { isObject } from "./object.ts";
import { itemPath, memberPath } from "./path.ts";

/**
 * A value somewhere in a resource, the way to it, and where problems are noted: for what people write. Readers note what is wrong
 * and go on with `undefined` or another stand-in, so that one reading finds every problem; whoever began throws before a stand-in
 * gets out. For what programs write see {@link Cursor}.
 */
export interface Spot {
  readonly value: unknown;
  readonly path: string;
  readonly problems: string[];
  /** Where fields that are not known are noted: with the problems, or apart. */
  readonly unknown: string[];
}

/** Notes `path: must …, is …`. */
export function refuse(spot: Spot, must: string, actual = `is ${shown(spot.value)}`): void {
  spot.problems.push(`${spot.path || "the resource"}: ${must}, ${actual}`);
}

/** `null` is unset: the API server drops it before it looks for defaults. */
export const isUnset = ({ value }: Spot): boolean => value === undefined || value === null;

/** Notes an unset value as missing. */
export function need(spot: Spot): Spot {
  if (isUnset(spot)) refuse(spot, "must be set", "is missing");
  return spot;
}

/** Own members of an object, none if it is unset; another value is noted. */
export function entriesOf(spot: Spot): readonly (readonly [name: string, member: Spot])[] {
  if (isUnset(spot)) return [];
  if (!isObject(spot.value)) {
    refuse(spot, "must be an object");
    return [];
  }
  const { path } = spot;
  return Object.entries(spot.value).map(([name, value]) => [name, { ...spot, value, path: memberPath(path, name) }]);
}

/** The members of an object by name, set or not. */
export type Fields<Name extends string> = (name: Name) => Spot;

/** Below what should be an object and is not, nothing is noted any more: all of it is a consequence. */
function lookUp(spot: Spot, entries: ReturnType<typeof entriesOf>): Fields<string> {
  const problems = isUnset(spot) || isObject(spot.value) ? spot.problems : [];
  const members = new Map(entries);
  return (name) => members.get(name) ?? { ...spot, value: undefined, path: memberPath(spot.path, name), problems };
}

/** The members of an object that may have any: Kubernetes' own metadata. */
export const looseFieldsOf = (spot: Spot): Fields<string> => lookUp(spot, entriesOf(spot));

/** The members of an object; any that is not among `names` is noted in the words of kubectl's strict validation, with the one that may be meant. */
export function fieldsOf<Name extends string>(spot: Spot, names: readonly Name[]): Fields<Name> {
  const known: readonly string[] = names;
  const entries = entriesOf(spot);
  const free = names.filter((name) => !entries.some(([one]) => one === name));
  for (const [name, { path }] of entries) {
    if (known.includes(name)) continue;
    const meant = nearest(name, free);
    spot.unknown.push(
      `unknown field ${JSON.stringify(path)}${meant === undefined ? "" : `, did you mean ${JSON.stringify(meant)}?`}`,
    );
  }
  return lookUp(spot, entries);
}

/** The items of a list, none if it is unset or too long, which is noted. */
export function itemSpotsOf(spot: Spot, most: number): readonly Spot[] {
  const { value, path } = spot;
  if (isUnset(spot)) return [];
  if (!Array.isArray(value)) {
    refuse(spot, "must be a list");
    return [];
  }
  const items: readonly unknown[] = value;
  if (items.length > most) {
    refuse(spot, `must have at most ${most} items`, `has ${items.length}`);
    return [];
  }
  return items.map((item, index) => ({ ...spot, value: item, path: itemPath(path, index) }));
}

/** Notes every item whose text stood in the list before. */
export function refuseRepeats(spots: readonly Spot[]): void {
  const seen = new Set<unknown>();
  for (const spot of spots) {
    if (seen.has(spot.value)) refuse(spot, "must not stand in the list twice");
    seen.add(spot.value);
  }
}
