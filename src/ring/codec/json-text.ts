import { Cursor, memberPath, type Subject } from "./cursor.ts";

/** The most that a document may measure, in bytes of UTF-8: what a Secret or a ConfigMap can hold. */
export const sizeLimit = 1_048_576;

/** A document whose members are private halves by their names (RFC 7518 §6.2.2, §6.3.2, §6.4.1), or ours. */
const privateNames: ReadonlySet<string> = new Set(["d", "p", "q", "dp", "dq", "qi", "oth", "k", "privateJwk"]);

interface JsonRules {
  readonly subject: Subject;
  /** Refuses every member that holds a private half, wherever it stands. */
  readonly publicOnly: boolean;
}

/**
 * Returns the document at `$`. Refuses what `JSON.parse` lets pass: more than {@link sizeLimit}, and a name that stands
 * twice in one object (readers disagree on which counts, RFC 8259 §4).
 *
 * @throws ChangeNeededError never with a part of the text: an error of `JSON.parse` quotes its source, keys included,
 *   so it is replaced and not kept as `cause`
 */
export function parseJson(text: string, rules: JsonRules): Cursor {
  const at = (path: string): Cursor => new Cursor(undefined, path, rules.subject);
  const size = new TextEncoder().encode(text).length;
  if (size > sizeLimit) throw at("$").error(`must measure at most ${sizeLimit} bytes, measures ${size}`);
  const value = parsed(text);
  if (value === undefined) throw at("$").error("must be JSON");
  for (const { path, name, again } of memberNames(text)) {
    if (again) throw at(path).error("must stand once, stands twice");
    if (rules.publicOnly && privateNames.has(name)) throw at(path).error("is private and must not be public");
  }
  return new Cursor(value, "$", rules.subject);
}

/** The value, or undefined (which no JSON is) when the text is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface Member {
  readonly path: string;
  readonly name: string;
  /** The same object has had this name before. */
  readonly again: boolean;
}

interface Frame {
  readonly path: string;
  /** Names so far; absent in a list. */
  readonly names?: Set<string>;
  index: number;
  /** Path of the member or item that comes now. */
  current: string;
  expectsName: boolean;
}

/** Every member of every object in a text that is valid JSON, in the order of the text. Not recursive. */
function* memberNames(text: string): Generator<Member> {
  const frames: Frame[] = [];
  for (let index = 0; index < text.length; index++) {
    const frame = frames.at(-1);
    const sign = text[index];
    if (sign === "{" || sign === "[") {
      frames.push(opened(sign, frame?.current ?? "$"));
    } else if (sign === "}" || sign === "]") {
      frames.pop();
    } else if (sign === "," && frame) {
      advance(frame);
    } else if (sign === '"') {
      const end = endOfString(text, index);
      if (frame?.expectsName) yield named(frame, text.slice(index, end));
      index = end - 1;
    }
  }
}

function opened(sign: "{" | "[", path: string): Frame {
  return sign === "{"
    ? { path, names: new Set(), index: 0, current: path, expectsName: true }
    : { path, index: 0, current: `${path}[0]`, expectsName: false };
}

function advance(frame: Frame): void {
  frame.index++;
  frame.expectsName = frame.names !== undefined;
  if (!frame.names) frame.current = `${frame.path}[${frame.index}]`;
}

function named(frame: Frame, quoted: string): Member {
  // Unescaped, so that "kid" and "\u006bid" are one name
  const name = String(JSON.parse(quoted));
  const again = frame.names?.has(name) ?? false;
  frame.names?.add(name);
  frame.current = memberPath(frame.path, name);
  frame.expectsName = false;
  return { path: frame.current, name, again };
}

/** Index after the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end + 1;
}

/** Behind an odd number of backslashes. */
function isEscaped(text: string, index: number): boolean {
  let first = index;
  while (text[first - 1] === "\\") first--;
  return (index - first) % 2 === 1;
}
