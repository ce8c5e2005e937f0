import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import { keyRingAcks, rotations, tokenAgentKind, tokenIssuerKind } from "../../src/parse/api-names.ts";

const root = join(import.meta.dirname, "../..");
const files = globSync("src/**/*.ts", { cwd: root }).map((file) => file.replaceAll("\\", "/"));

const whole = [rotations, keyRingAcks].flatMap(({ group, version, plural, kind }) => [group, version, plural, kind]);

/** A name of the API, written out. */
const isOfTheApi = (text: string): boolean =>
  text.startsWith(`${rotations.group}/`) || [...whole, tokenAgentKind, tokenIssuerKind].includes(text);

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
  const outside = files.filter((file) => file !== "src/parse/api-names.ts");
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

/** Every name that a file gives to a type, and every other one that it exports. */
function wordsOf(file: string): readonly string[] {
  const { statements } = ts.createSourceFile(
    file,
    readFileSync(join(root, file), "utf8"),
    ts.ScriptTarget.ESNext,
    true,
  );
  return statements.flatMap((statement) => {
    const isType =
      ts.isClassDeclaration(statement) || ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
    const isExported = ts.canHaveModifiers(statement)
      ? ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true
      : false;
    if (!isType && !isExported) return [];
    if (ts.isVariableStatement(statement)) {
      return statement.declarationList.declarations.map(({ name }) => name.getText());
    }
    return isType || ts.isFunctionDeclaration(statement) ? [statement.name?.text ?? ""] : [];
  });
}

/** Those that come more than once, with all their places. */
function doubles(places: readonly (readonly [word: string, file: string])[]): readonly string[] {
  const byWord = Map.groupBy(places, ([word]) => word);
  return [...byWord].flatMap(([word, of]) => {
    const where = new Set(of.map(([, file]) => file));
    return where.size > 1 ? [`${word}: ${[...where].join(", ")}`] : [];
  });
}

test("a type and an exported name mean one thing", () => {
  const places = files.flatMap((file) => wordsOf(file).map((word) => [word, file] as const));
  expect(places.length).toBeGreaterThan(1000);
  expect(doubles(places)).toEqual([]);
});

/** What a room calls by the plain word: an object of JSON, and one of the Kubernetes API. */
const plainWords = ["object.ts"];

test("a file's name is there once", () => {
  const places = files.map((file) => [basename(file), file] as const).filter(([name]) => !plainWords.includes(name));
  expect(doubles(places)).toEqual([]);
});
