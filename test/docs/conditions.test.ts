import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const textOf = (path: string): string => readFileSync(join(root, path), "utf8");
const sorted = (words: Iterable<string>): readonly string[] => [...new Set(words)].sort();

/** UpperCamelCase in quotes. */
const words = (text: string): readonly string[] => [...text.matchAll(/"([A-Z]\w+)"/g)].map(([, word = ""]) => word);

interface Reasons {
  readonly ofConditions: readonly string[];
  readonly ofEvents: readonly string[];
}

/** Whatever a file gives as a `reason`, and what it stalls for. An event has an `action` as well. */
function reasonsIn(path: string): Reasons {
  const text = textOf(path);
  const members = [...text.matchAll(/\breason: ((?:[^,}"]*"\w+")+)[^,}]*(,\s*action\b)?/g)];
  const some = (isEvent: boolean): readonly string[] =>
    members.flatMap(([, value = "", action]) => ((action !== undefined) === isEvent ? words(value) : []));
  const stalls = [...text.matchAll(/\bstall\("(\w+)"/g)].map(([, word = ""]) => word);
  return { ofConditions: [...some(false), ...stalls], ofEvents: some(true) };
}

const passes = globSync("src/{cluster,controller,keeper}/*.ts", { cwd: root });

/** Codes of errors that a pass may end with, which become reasons. */
const codesIn = (path: string): readonly string[] =>
  [...textOf(path).matchAll(/(?:new ChangeNeededError\(\s*|\bcode: )"(\w+)"/g)].map(([, code = ""]) => code);

const page = textOf("docs/conditions.md");

/** First cells of the tables below a heading. */
function documented(heading: string): readonly string[] {
  const [, section = ""] = page.split(`\n## ${heading}\n`);
  const [body = ""] = section.split("\n## ");
  return [...body.matchAll(/^\| `(\w+)`/gm)].map(([, word = ""]) => word);
}

const headings = [...page.matchAll(/^## (\w+)$/gm)].map(([, heading = ""]) => heading);
const types = headings.filter((heading) => heading !== "Events");

describe("docs/conditions.md", () => {
  test("has a section for each type of condition, and for no other", () => {
    const [, union = ""] = /readonly type: ([^;]+);/.exec(textOf("src/ring/conditions.ts")) ?? [];
    expect(sorted(types)).toEqual(sorted(words(union)));
  });

  test("has every reason of a condition that the sources can produce, and no other", () => {
    const sources = ["src/ring/conditions.ts", "src/ring/lack.ts", "src/ring/found.ts", ...passes];
    const standalone = ["src/standalone/settings/config.ts", "src/standalone/settings/overrides.ts"];
    const errors = [
      "src/ring/resource/rotation.ts",
      ...standalone,
      "src/ring/codec/encode.ts",
      ...globSync("src/keeper/*.ts", { cwd: root }),
    ];
    const produced = [...sources.flatMap((path) => reasonsIn(path).ofConditions), ...errors.flatMap(codesIn)];
    expect(produced.length).toBeGreaterThan(20);
    expect(sorted(types.flatMap(documented))).toEqual(sorted(produced));
  });

  test("has every reason that something can be stalled for below Stalled", () => {
    const [, union = ""] = /readonly reason: ("[^;]+);/.exec(textOf("src/ring/found.ts")) ?? [];
    expect(words(union).length).toBeGreaterThan(3);
    expect(documented("Stalled")).toEqual(expect.arrayContaining([...words(union)]));
  });

  test("has every reason of an event, and no other", () => {
    const produced = passes.flatMap((path) => reasonsIn(path).ofEvents);
    expect(produced.length).toBeGreaterThan(10);
    expect(sorted(documented("Events"))).toEqual(sorted(produced));
  });

  test("says of each reason what it means and what to do", () => {
    for (const row of page.split("\n").filter((text) => text.startsWith("| `"))) {
      const cells = row.split("|").slice(1, -1);
      for (const cell of cells) expect(cell.trim(), row).not.toBe("");
    }
  });

  test("names each reason once in a section", () => {
    for (const heading of headings) expect(documented(heading)).toEqual([...new Set(documented(heading))]);
  });
});
