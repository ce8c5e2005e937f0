import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const textOf = (path: string): string => readFileSync(join(root, path), "utf8");
const page = textOf("docs/sessions.md");

const sectionOf = (heading: string): string => page.split(/^##+ /m).find((one) => one.startsWith(`${heading}\n`)) ?? "";

describe("docs/sessions.md", () => {
  test("has every field of Accepted, in the order of the .proto file", () => {
    const [, body = ""] =
      /^message Accepted \{(.*?)^\}/ms.exec(textOf("proto/keyturn/sessions/v1/sessions.proto")) ?? [];
    const fields = [...body.matchAll(/^ {2}\w+ (\w+) = \d+;/gm)].map(([, name]) => name);
    const rows = [...sectionOf("What a client is told: Accepted").matchAll(/^\| `(\w+)` /gm)].map(([, name]) => name);
    expect(rows).toEqual(fields);
    expect(fields).toContain("grace_ms");
  });

  test("has pictures that fit a terminal", () => {
    const blocks = [...page.matchAll(/^```(\w*)\n(.*?)^```$/gms)];
    const pictures = blocks.flatMap(([, language, lines = ""]) => (language === "" ? lines.split("\n") : []));
    expect(Math.max(...pictures.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(pictures.length).toBeGreaterThan(20);
  });
});
