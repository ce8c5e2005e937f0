import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const pages = globSync(["*.md", "docs/**/*.md", "hack/**/README.md", "charts/**/README.md"], { cwd: root });
const textOf = (path: string): string => readFileSync(join(root, path), "utf8");

/** Prose alone: code may look like a link. */
const proseOf = (text: string): string => text.replaceAll(/^```[^]*?^```/gm, "").replaceAll(/`[^`\n]*`/g, "");

/** As GitHub makes an anchor of a heading. */
const slug = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

const anchorsIn = (path: string): readonly string[] =>
  [...textOf(path).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) => slug(heading));

/** Links of a page that lead nowhere. */
function broken(page: string): readonly string[] {
  const links = [...proseOf(textOf(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return links.filter((target) => {
    if (/^[a-z]+:/.test(target)) return false;
    const [path = "", anchor] = target.split("#");
    const file = path === "" ? page : relative(root, join(root, dirname(page), path));
    if (!existsSync(join(root, file))) return true;
    return anchor !== undefined && file.endsWith(".md") && !anchorsIn(file).includes(anchor);
  });
}

describe("links between the pages", () => {
  test.each(pages)("%s: each leads to a file and a heading that are there", (page) => {
    expect(broken(page)).toEqual([]);
  });
});

describe("docs/failures.md", () => {
  const rows = textOf("docs/failures.md")
    .split("\n")
    .filter((line) => line.startsWith("| ") && !/^\| (-|what goes wrong)/.test(line));

  test("has rows", () => {
    expect(rows.length).toBeGreaterThan(50);
  });

  test.each(rows.map((row) => [row.split(" | ")[0]?.slice(2) ?? "", row]))("names what shows it: %s", (_, row) => {
    expect(row.split(" | ").at(-1)).toMatch(/\]\(\.\.\/test\/|standalone\.md/);
  });
});
