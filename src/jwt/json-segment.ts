import { type JsonFlaw, objectIn, seenObjectIn } from "../parse/json.ts";
import type { Members } from "../parse/object.ts";
import { utf8Text } from "../parse/utf8.ts";
import { tokenDepthLimit } from "./reasons.ts";

/** The object that the bytes are, as UTF-8 without a byte order mark; or what is wrong with it. */
export function membersInBytes(bytes: Buffer): Members | JsonFlaw {
  const text = utf8Text(bytes);
  return text === undefined ? "Malformed" : membersIn(text);
}

/** The JSON object of a header or of claims, or what is wrong with it. */
export const membersIn = (text: string): Members | JsonFlaw => objectIn(text, tokenDepthLimit);

/** The same, of a text at whose names and depth somebody has looked: see `Verify`. */
export const seenMembersIn = (text: string): Members | JsonFlaw => seenObjectIn(text) ?? membersIn(text);

/** Does `JSON.stringify` write the value as it is, at most `depth` deep? Not so for NaN, undefined, dates, or a `toJSON`. */
export function isJson(value: unknown, depth: number): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || depth === 0 || !isPlainObject(value)) return false;
  for (const one of Object.values(value)) if (!isJson(one, depth - 1)) return false;
  return true;
}

function isPlainObject(value: object): boolean {
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
