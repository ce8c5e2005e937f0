import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { keyRingAcks, rotations, tokenIssuerKind } from "../../src/ring/api-names.ts";

const root = join(import.meta.dirname, "../..");
const files = globSync("src/**/*.ts", { cwd: root }).map((file) => file.replaceAll("\\", "/"));

const whole = [rotations, keyRingAcks].flatMap(({ group, version, plural, kind }) => [group, version, plural, kind]);

/** A name of the API, written out. */
const isOfTheApi = (text: string): boolean =>
  text.startsWith(`${rotations.group}/`) || [...whole, tokenIssuerKind].includes(text);

/** Those of a file that stand in strings and templates; comments may name them. */
function apiNamesIn(file: string, text: string): readonly string[] {
  const names: string[] = [];
  const visit = (node: ts.Node): void => {
    if ((ts.isStringLiteralLike(node) || ts.isTemplateHead(node)) && isOfTheApi(node.text)) {
      names.push(`${file}: ${node.text}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true));
  return names;
}

test("names of the API stand in one file", () => {
  const outside = files.filter((file) => file !== "src/ring/api-names.ts");
  expect(outside).not.toHaveLength(files.length);
  expect(outside.flatMap((file) => apiNamesIn(file, readFileSync(join(root, file), "utf8")))).toEqual([]);
});

test.each(['const a = "keyturn.dev/b";', "const a = `keyturn.dev/${b}`;", "type A = 'JwtKeyRotation';"])(
  "a name of the API is seen: %s",
  (text) => {
    expect(apiNamesIn("a.ts", text)).toHaveLength(1);
    expect(apiNamesIn("a.ts", `// ${text}`)).toEqual([]);
  },
);
