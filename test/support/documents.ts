/** A parsed JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
export type JsonPath = readonly (string | number)[];

/** Stands for "this member is not there". */
export const gone = Symbol("gone");

/** The value at a path. */
export function at(document: Json, path: JsonPath): Json {
  let value = document;
  for (const step of path) {
    const next = (value as Record<string | number, Json>)[step];
    if (next === undefined) throw new Error(`there is no ${path.join(".")}`);
    value = next;
  }
  return value;
}

/** A copy of the document with another value (or none) at the path; `$` itself when the path is empty. */
export function changed(document: Json, path: JsonPath, value: Json | typeof gone): Json {
  const [step, ...rest] = path;
  if (step === undefined) return value === gone ? null : value;
  if (Array.isArray(document)) {
    const items = [...(document as readonly Json[])];
    items[Number(step)] = changed(items[Number(step)] ?? null, rest, value);
    return items;
  }
  const members = Object.entries(document as Record<string, Json>);
  const kept = members.filter(([name]) => name !== step);
  if (rest.length === 0 && value === gone) return Object.fromEntries(kept);
  const inner = changed(members.find(([name]) => name === step)?.[1] ?? null, rest, value);
  const index = members.findIndex(([name]) => name === step);
  const place = index < 0 ? kept.length : index;
  return Object.fromEntries([...kept.slice(0, place), [step, inner], ...kept.slice(place)]);
}

/** The path of every value in the document, the root's included. */
export function pathsOf(document: Json, path: JsonPath = []): readonly JsonPath[] {
  if (typeof document !== "object" || document === null) return [path];
  const inner = Array.isArray(document)
    ? (document as readonly Json[]).flatMap((item, index) => pathsOf(item, [...path, index]))
    : Object.entries(document as Record<string, Json>).flatMap(([name, value]) => pathsOf(value, [...path, name]));
  return [path, ...inner];
}
