import { parse } from "yaml";

/** One value of values.yaml: what its comment says, and what it is. */
export interface ValueEntry {
  readonly path: readonly string[];
  /** The comment above it, in one line. Empty for a group of values. */
  readonly text: string;
  /** What follows `@schema`. */
  readonly hints: Readonly<Record<string, unknown>>;
  readonly value: unknown;
}

export interface Section {
  readonly title: string;
  readonly entries: readonly ValueEntry[];
}

const keyLine = /^( *)([A-Za-z][A-Za-z0-9]*):/;

/** Reads values.yaml as its comments divide it; a value with `@schema {shape: …}` is a whole, whatever stands in it. */
export function readValues(text: string): readonly Section[] {
  const values: unknown = parse(text);
  const sections: { title: string; entries: ValueEntry[] }[] = [];
  const path: string[] = [];
  let comment: string[] = [];
  let wholeAt: number | undefined;
  for (const line of text.split("\n")) {
    const [, indent = "", key] = keyLine.exec(line) ?? [];
    const depth = indent.length / 2;
    const commented = /^ *# ?(.*)$/.exec(line)?.[1];
    if (line.startsWith("## ")) sections.push({ title: line.slice(3), entries: [] });
    else if (commented !== undefined) comment.push(commented);
    else if (line === "") comment = [];
    else if (key !== undefined && (wholeAt === undefined || depth <= wholeAt)) {
      path.splice(depth, path.length, key);
      const entry = entryOf([...path], comment, valueAt(values, path));
      wholeAt = "shape" in entry.hints ? depth : undefined;
      sections.at(-1)?.entries.push(entry);
      comment = [];
    }
  }
  return sections;
}

function entryOf(path: readonly string[], comment: readonly string[], value: unknown): ValueEntry {
  const lines = comment.filter((line) => !line.startsWith("@schema "));
  const hint = comment.find((line) => line.startsWith("@schema "))?.slice("@schema ".length);
  const hints: unknown = hint === undefined ? {} : parse(hint);
  if (!isRecord(hints)) throw new Error(`Cannot read values.yaml: @schema of ${path.join(".")} must be a map`);
  const isGroup = isRecord(value) && !("shape" in hints);
  if (lines.length === 0 && !isGroup)
    throw new Error(`Cannot read values.yaml: ${path.join(".")} must have a comment above it`);
  return { path, text: lines.join(" "), hints, value };
}

function valueAt(values: unknown, path: readonly string[]): unknown {
  return path.reduce((at, key) => (isRecord(at) ? at[key] : undefined), values);
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
