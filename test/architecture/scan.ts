import ts from "typescript";

export interface Import {
  readonly specifier: string;
  /** True when nothing of it is left at run time. */
  readonly typeOnly: boolean;
  /** True for `import()`: loaded where the code comes by, not at the start. */
  readonly onDemand?: boolean;
}

/** What the dependency rule needs to know of one source file. */
export interface SourceFacts {
  /** Path from the repository's root, with `/`: `src/ring/key.ts`. */
  readonly file: string;
  readonly imports: readonly Import[];
  /** Names that the code refers to: `fetch`, `Date.now`, `new Date()`. Comments, strings and property names are none. */
  readonly uses: ReadonlySet<string>;
}

export function scan(file: string, text: string): SourceFacts {
  const imports: Import[] = [];
  const uses = new Set<string>();
  const visit = (node: ts.Node): void => {
    imports.push(...importsOf(node));
    for (const use of usesOf(node)) uses.add(use);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true));
  return { file, imports, uses };
}

/** A specifier that is no literal is reported as its source text, which no rule allows. */
function importsOf(node: ts.Node): Import[] {
  if (ts.isImportDeclaration(node)) return [{ specifier: literal(node.moduleSpecifier), typeOnly: isTypeImport(node) }];
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
    return [{ specifier: literal(node.moduleSpecifier), typeOnly: node.isTypeOnly }];
  }
  if (ts.isImportTypeNode(node)) return [{ specifier: literal(node.argument), typeOnly: true }];
  if (ts.isCallExpression(node) && isLoader(node.expression)) {
    return node.arguments.slice(0, 1).map((argument) => ({
      specifier: literal(argument),
      typeOnly: false,
      onDemand: node.expression.kind === ts.SyntaxKind.ImportKeyword,
    }));
  }
  return [];
}

/** `import { type A } from "b"` still loads b under verbatimModuleSyntax; only `import type` does not. */
function isTypeImport(node: ts.ImportDeclaration): boolean {
  return node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}

function isLoader(callee: ts.Expression): boolean {
  return callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === "require");
}

function literal(node: ts.Node): string {
  if (ts.isLiteralTypeNode(node)) return literal(node.literal);
  return ts.isStringLiteralLike(node) ? node.text : node.getText();
}

function usesOf(node: ts.Node): string[] {
  if (ts.isPropertyAccessExpression(node)) return [`${base(node.expression)}.${node.name.text}`];
  if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression)) {
    return [`${base(node.expression)}.${node.argumentExpression.text}`];
  }
  if (ts.isNewExpression(node) && isNamed(node.expression, "Date") && (node.arguments ?? []).length === 0) {
    return ["new Date()"];
  }
  if (ts.isCallExpression(node) && isNamed(node.expression, "Date")) return ["Date()"];
  return ts.isIdentifier(node) && isReference(node) ? [node.text] : [];
}

/** The last name before the dot, so that `globalThis.process.env` is a use of `process.env` as well. */
function base(node: ts.Expression): string {
  if (ts.isIdentifier(node)) return node.text;
  return ts.isPropertyAccessExpression(node) ? node.name.text : "";
}

function isNamed(node: ts.Expression, name: string): boolean {
  return ts.isIdentifier(node) && node.text === name;
}

/** False for the b of `a.b`, of `{b: 1}` and of declarations, and for the base of `b.c`, which counts as `b.c`. */
function isReference(node: ts.Identifier): boolean {
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent)) return false;
  if (ts.isElementAccessExpression(parent)) return parent.argumentExpression === node;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  if (ts.isPropertyAssignment(parent) || ts.isVariableDeclaration(parent) || ts.isParameter(parent)) {
    return parent.initializer === node;
  }
  if (ts.isTypeNode(parent) || ts.isTypeElement(parent) || ts.isClassElement(parent)) return false;
  return true;
}
