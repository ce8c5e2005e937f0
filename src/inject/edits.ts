import { isDeepStrictEqual } from "node:util";
import { isObject, itemsOf, type Members } from "../parse/object.ts";

/** One place of what is injected; absent there: undefined. */
export interface EditedPlace {
  /** What the last run put. */
  readonly put: unknown;
  /** What stands there. */
  readonly found: unknown;
  /** What this run puts. */
  readonly now: unknown;
}

/** What is to stand there, and where an edit hides something new. */
export interface KeptEdits {
  readonly value: unknown;
  /** Places at which this run puts something else than the last one did, and what was edited stays: `resources.limits.memory`. */
  readonly hidden: readonly string[];
}

/**
 * What differs from what the last run put is an edit, and stays: changed, added or taken away, member by member, flag by flag. What this run
 * puts no more goes all the same.
 */
export function keepEdits(place: EditedPlace): KeptEdits {
  const hidden: string[] = [];
  return { value: kept([], place, hidden), hidden };
}

function kept(at: readonly string[], { put, found, now }: EditedPlace, hidden: string[]): unknown {
  if (isDeepStrictEqual(put, found) || isDeepStrictEqual(found, now)) return now;
  if (now === undefined) return put === undefined ? found : undefined;
  const inside = (members: readonly Members[]): Members => keptMembers(at, members, hidden);
  if (isObject(found) && isObject(now)) return inside([isObject(put) ? put : {}, found, now]);
  const keyed = keyedOf(at.at(-1), [itemsOf(put), found, now]);
  if (keyed !== undefined) {
    const [, ofFound = {}] = keyed;
    const members = inside(keyed);
    // In the order in which somebody has them
    return isDeepStrictEqual(members, ofFound) ? found : Object.values(members).flat();
  }
  if (!isDeepStrictEqual(put, now)) hidden.push(at.join("."));
  return found;
}

function keptMembers(at: readonly string[], members: readonly Members[], hidden: string[]): Members {
  const [put = {}, found = {}, now = {}] = members;
  const names = new Set([...Object.keys(now), ...Object.keys(found)]);
  const all = [...names].map((name) => {
    const place = { put: put[name], found: found[name], now: now[name] };
    return [name, kept([...at, name], place, hidden)] as const;
  });
  return Object.fromEntries(all.filter(([, value]) => value !== undefined));
}

/** What tells the items of a list apart, by the member that the list is; the items of all other lists are one value. */
const keys: Readonly<Record<string, string>> = { env: "name", ports: "name", volumeMounts: "mountPath" };

/** What tells an item apart from the others of the list that this member is; undefined where nothing does. */
export function itemKey(member: string, item: unknown): string | undefined {
  if (member === "args") return typeof item === "string" && item.startsWith("-") ? flagOf(item) : undefined;
  const key = keys[member];
  return key !== undefined && isObject(item) ? String(item[key]) : undefined;
}

/** The name of a flag, without its value. */
const flagOf = (arg: string): string => /^[^=]+/.exec(arg)?.[0] ?? arg;

/** The lists as objects, where their items can be told apart. */
function keyedOf(member = "", lists: readonly unknown[]): readonly Members[] | undefined {
  if (!lists.every((list) => Array.isArray(list))) return undefined;
  if (member === "args") return lists.map((list) => byFlag(list.map(String)));
  const key = keys[member];
  if (key === undefined) return undefined;
  const keyed = lists.map((list) => list.filter(isObject).map((item) => [String(item[key]), item] as const));
  const isWhole = keyed.every((items, index) => new Map(items).size === lists[index]?.length);
  return isWhole ? keyed.map((items) => Object.fromEntries(items)) : undefined;
}

/** A flag with its value, in one word or two, and as often as it is there. */
function byFlag(args: readonly string[]): Members {
  const flags: Record<string, string[]> = {};
  let name = "";
  for (const arg of args) {
    if (arg.startsWith("-")) name = flagOf(arg);
    (flags[name] ??= []).push(arg);
  }
  return flags;
}
