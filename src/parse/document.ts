import { Cursor, type Subject } from "./cursor.ts";
import { duplicateIn } from "./duplicate.ts";
import { jsonFlaw, jsonIn } from "./json.ts";
import { isObject } from "./object.ts";
import { itemPath, memberPath } from "./path.ts";

/** The most that a document may measure, in bytes of UTF-8: what a Secret or a ConfigMap can hold. */
export const sizeLimit = 1_048_576;

/** How deep objects and lists may lie in each other. What Keyturn writes is less than ten deep. */
const documentDepthLimit = 64;

/** A document whose members are private halves by their names (RFC 7518 §6.2.2, §6.3.2, §6.4.1), or ours. */
const privateNames: ReadonlySet<string> = new Set(["d", "p", "q", "dp", "dq", "qi", "oth", "k", "privateJwk"]);

interface JsonRules {
  readonly subject: Subject;
  /** Refuses every member that holds a private half, wherever it stands. */
  readonly publicOnly: boolean;
}

/**
 * Returns the document at `$`. Refuses what `JSON.parse` lets pass: more than {@link sizeLimit}, what lies too deep, and a name
 * that stands twice in one object.
 *
 * @throws ChangeNeededError never with a part of the text
 */
export function parseJson(text: string, { subject, publicOnly }: JsonRules): Cursor {
  const at = (path: string): Cursor => new Cursor(undefined, path, subject);
  const size = new TextEncoder().encode(text).length;
  if (size > sizeLimit) throw at("$").error(`must measure at most ${sizeLimit} bytes, measures ${size}`);
  const value = jsonIn(text);
  if (value === undefined) throw at("$").error("must be JSON");
  const flaw = jsonFlaw(text, value, documentDepthLimit);
  if (flaw === "TooDeep") throw at("$").error(`must not be deeper than ${documentDepthLimit}`);
  if (flaw !== undefined) throw at(duplicateIn(text) ?? "$").error("must stand once, stands twice");
  const privatePath = publicOnly ? privateMember(value, "$") : undefined;
  if (privatePath !== undefined) throw at(privatePath).error("is private and must not be public");
  return new Cursor(value, "$", subject);
}

/** The path of the first member that holds a private half. */
function privateMember(value: unknown, path: string): string | undefined {
  const below = Array.isArray(value)
    ? value.map((item: unknown, index) => ({ item, at: itemPath(path, index), isPrivate: false }))
    : Object.entries(isObject(value) ? value : {}).map(([name, item]) => ({
        ...{ item, at: memberPath(path, name) },
        isPrivate: privateNames.has(name),
      }));
  for (const { item, at, isPrivate } of below) {
    const found = isPrivate ? at : privateMember(item, at);
    if (found !== undefined) return found;
  }
  return undefined;
}
