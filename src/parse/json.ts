import { isObject, type Members } from "./object.ts";

/** What is wrong with a text that should be a JSON object. */
export type JsonFlaw = "Malformed" | "TooDeep" | "DuplicateMember";

/** The value of a JSON text; undefined, which no JSON is, for any other. Never an error: those quote their source, keys included. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The JSON object of the text, or what is wrong with it: {@link jsonFlaw} has passed it. */
export function objectIn(text: string, depthLimit: number): Members | JsonFlaw {
  const value = jsonIn(text);
  if (!isObject(value)) return "Malformed";
  return jsonFlaw(text, value, depthLimit) ?? value;
}

/**
 * The JSON object of a text in which somebody has looked for what {@link jsonFlaw} finds; undefined where there is none, or where a polluted `Object.prototype`
 * would add to it.
 */
export function seenObjectIn(text: string): Members | undefined {
  const value = jsonIn(text);
  return isObject(value) && namesKept(bare) === 0 ? value : undefined;
}

const bare = {};

/**
 * What `JSON.parse` lets pass: objects or lists deeper in each other than the limit, and a name that stands twice in one
 * object, about which readers disagree (RFC 8259 §4). For every token, so it only counts; `duplicateIn` finds where.
 *
 * @param value - What the text was parsed to
 */
export function jsonFlaw(text: string, value: unknown, depthLimit: number): Exclude<JsonFlaw, "Malformed"> | undefined {
  const written = namesWritten(text, depthLimit);
  if (written === undefined) return "TooDeep";
  return namesKept(value) === written ? undefined : "DuplicateMember";
}

const quote = 0x22;
const backslash = 0x5c;

/** How many members the objects of a JSON text have, one colon each; undefined when they lie too deep. */
function namesWritten(text: string, depthLimit: number): number | undefined {
  let names = 0;
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    switch (text.charCodeAt(index)) {
      case quote:
        index = endOfString(text, index);
        break;
      case 0x3a: // :
        names++;
        break;
      case 0x7b: // {
      case 0x5b: // [
        if (++depth > depthLimit) return undefined;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        depth--;
        break;
    }
  }
  return names;
}

/** Index of the quote that closes the string which opens at `start`. */
export function endOfString(text: string, start: number): number {
  let index = start + 1;
  while (index < text.length) {
    const unit = text.charCodeAt(index);
    if (unit === quote) break;
    index += unit === backslash ? 2 : 1;
  }
  return index;
}

/** How many members are left after parsing: of two with one name, the later one. At most as deep as the limit. */
function namesKept(value: unknown): number {
  let names = 0;
  if (Array.isArray(value)) {
    for (const one of value) names += namesKept(one);
  } else if (isObject(value)) {
    // Counts what a polluted Object.prototype brings along, and so refuses everything
    for (const name in value) names += 1 + namesKept(value[name]);
  }
  return names;
}
