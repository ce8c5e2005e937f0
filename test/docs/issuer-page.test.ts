import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { buildProgram } from "../../src/cli/program.ts";
import { parseTokenIssuer } from "../../src/issuer/config/read-token-issuer.ts";
import { isObject } from "../../src/parse/object.ts";
import { FakeCli } from "../cli/around.ts";
import { clientWith, fileWith } from "../issuer/support/token-issuers.ts";

const textOf = (page: string): string => readFileSync(join(import.meta.dirname, "../..", page), "utf8");

/** The blocks of one language, without what a list puts before their lines. */
const blocksOf = (page: string, language: string): readonly string[] =>
  [...textOf(page).matchAll(new RegExp(`^( *)\`\`\`${language}\\n([^]*?)^ *\`\`\``, "gm"))].map(
    ([, indent = "", body = ""]) => body.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  );

/** A part of a file as the whole that it is of; undefined for something else, such as a pod. */
function wholeOf(part: unknown): unknown {
  if (Array.isArray(part)) return fileWith({ clients: part });
  if (!isObject(part)) return undefined;
  if (part["kind"] === "TokenIssuer") return part;
  if (part["kind"] !== undefined) return undefined;
  if (isObject(part["spec"])) return fileWith(part["spec"]);
  return part["allow"] === undefined ? undefined : fileWith({ clients: [clientWith(part)] });
}

describe("docs/issuer.md", () => {
  const files = blocksOf("docs/issuer.md", "yaml").map((text) => wholeOf(parse(text)));

  test("has TokenIssuers that the issuer takes", () => {
    const ours = files.filter((one) => one !== undefined);
    expect(ours.length).toBeGreaterThan(4);
    for (const one of ours) parseTokenIssuer(one, "/");
  });
});

describe("the issuer's pages", () => {
  const program = buildProgram(new FakeCli().surroundings(), () => undefined);
  /** `keyturn …` at the start of a line, its continued lines included. */
  const linesOf = (page: string): readonly string[] =>
    ["sh", "console"].flatMap((language) =>
      blocksOf(page, language).flatMap((block) =>
        [...block.replaceAll("\\\n", " ").matchAll(/^(?:\$ )?keyturn ([^|<>\n]*)/gm)].map(([, line = ""]) =>
          line.trim(),
        ),
      ),
    );
  const lines = ["docs/issuer.md", "docs/threat-model.md", "docs/api/issuer.md", "docs/token-issuer.md"].flatMap(
    linesOf,
  );

  test("have lines of keyturn", () => expect(lines.length).toBeGreaterThan(8));

  test.each(lines)("name commands and flags that are there: keyturn %s", async (line) => {
    let command: Command = await program;
    for (const word of line.split(/\s+/)) {
      const below = command.commands.find((one) => one.name() === word);
      if (below) command = below;
      const [flag = ""] = /^--?[a-z][a-z-]*/.exec(word) ?? [];
      const known = command.options.flatMap(({ short, long }) => [short, long]);
      if (flag !== "") expect(known).toContain(flag);
    }
    expect(command.parent).not.toBeNull();
  });
});
