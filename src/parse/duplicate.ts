import { endOfString } from "./json.ts";
import { itemPath, memberPath } from "./path.ts";

/** An object or list that is open at this place of the text. */
interface Frame {
  readonly path: string;
  /** Names so far; absent in a list. */
  readonly names?: Set<string>;
  index: number;
  /** Path of the member or item that comes now. */
  current: string;
  expectsName: boolean;
}

/**
 * The path of the first member whose name its object has had before, undefined when there is none. Slow: for the message about
 * a text in which `jsonFlaw` found one. Not recursive.
 *
 * @param text - Valid JSON
 */
export function duplicateIn(text: string): string | undefined {
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
      if (frame?.expectsName && isAgain(frame, text.slice(index, end + 1))) return frame.current;
      index = end;
    }
  }
  return undefined;
}

function opened(sign: "{" | "[", path: string): Frame {
  return sign === "{"
    ? { path, names: new Set(), index: 0, current: path, expectsName: true }
    : { path, index: 0, current: itemPath(path, 0), expectsName: false };
}

function advance(frame: Frame): void {
  frame.index++;
  frame.expectsName = frame.names !== undefined;
  if (!frame.names) frame.current = itemPath(frame.path, frame.index);
}

function isAgain(frame: Frame, inQuotes: string): boolean {
  // Unescaped, so that "kid" and "\u006bid" are one name
  const name = String(JSON.parse(inQuotes));
  const again = frame.names?.has(name) ?? false;
  frame.names?.add(name);
  frame.current = memberPath(frame.path, name);
  frame.expectsName = false;
  return again;
}
