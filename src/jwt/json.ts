import { depthLimit, type RefusalReason } from "./reasons.ts";
import { utf8Text } from "../parse/utf8.ts";

/** A JSON object; nothing of it is trusted but that every name stands once. */
export type Members = Readonly<Record<string, unknown>>;

/** What {@link membersIn} finds wrong. */
export type Flaw = Extract<RefusalReason, "Malformed" | "TooDeep" | "DuplicateMember">;

export const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The object that the bytes are, as UTF-8 without a byte order mark; or what is wrong with it. */
export function membersOf(bytes: Buffer): Members | Flaw {
  const text = utf8Text(bytes);
  return text === undefined ? "Malformed" : membersIn(text);
}

/**
 * The JSON object of the text, or what is wrong with it. What `JSON.parse` lets pass is refused: objects or lists deeper
 * in each other than `depthLimit`, and a name that stands twice in one object.
 */
export function membersIn(text: string): Members | Flaw {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "Malformed";
  }
  if (!isObject(value)) return "Malformed";
  const written = namesWritten(text);
  if (written === undefined) return "TooDeep";
  return namesKept(value) === written ? value : "DuplicateMember";
}

const quote = 0x22;
const backslash = 0x5c;

/** How many members the objects of a JSON text have, one colon each; undefined when they lie too deep. */
function namesWritten(text: string): number | undefined {
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

/** Index of the quote that closes the string. */
function endOfString(text: string, start: number): number {
  let index = start + 1;
  while (index < text.length) {
    const unit = text.charCodeAt(index);
    if (unit === quote) break;
    index += unit === backslash ? 2 : 1;
  }
  return index;
}

/** How many members are left after parsing: of two with one name, the later one. At most `depthLimit` deep. */
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

/** Freezes it and all that lies in it. */
export function frozen<Value>(value: Value): Value {
  if (Array.isArray(value)) {
    for (const one of value) frozen(one);
  } else if (isObject(value)) {
    for (const name in value) frozen(value[name]);
  } else {
    return value;
  }
  return Object.freeze(value);
}

/** Does `JSON.stringify` write the value as it is, at most `depth` deep? Not so for NaN, undefined, dates, or a `toJSON`. */
export function isJson(value: unknown, depth: number): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || depth === 0 || !isPlain(value)) return false;
  for (const one of Object.values(value)) if (!isJson(one, depth - 1)) return false;
  return true;
}

function isPlain(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
