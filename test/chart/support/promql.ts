import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { inject } from "vitest";

/** Whether there is a parser for {@link parsed}. */
export const hasParser = inject("promql") !== "";

/** What Prometheus' own parser has against each of these: nothing is the empty text. */
export async function parsed(expressions: readonly string[]): Promise<readonly string[]> {
  const running = promisify(execFile)(inject("promql"));
  running.child.stdin?.end(JSON.stringify(expressions));
  return JSON.parse((await running).stdout) as readonly string[];
}

// As much of PromQL as is needed to know what an expression asks for; Prometheus judges its grammar.

const strings = /"(?:[^"\\]|\\.)*"/g;

/** Without texts, label lists and durations. */
const bare = (expr: string): string =>
  expr
    .replaceAll(strings, '""')
    .replaceAll(/\{[^}]*\}/g, "")
    .replaceAll(/\[[^\]]*\]/g, "")
    .replaceAll(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, "");

/** Names that are no functions and no words of the language. */
export const metricsIn = (expr: string): readonly string[] =>
  [...bare(expr).matchAll(/\b[a-zA-Z_:][\w:]*\b(?!\s*\()/g)]
    .map(([name]) => name)
    .filter((name) => !["and", "or", "unless", "bool", "offset", "sum", "min", "max", "count", "avg"].includes(name));

/** Labels that are matched or grouped by. */
export function labelsUsedIn(expr: string): readonly string[] {
  const plain = expr.replaceAll(strings, '""');
  const matched = [...plain.matchAll(/\{([^}]*)\}/g)].flatMap(([, list = ""]) =>
    [...list.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = ""]) => label),
  );
  const grouped = [...plain.matchAll(/\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g)].flatMap(([, list = ""]) =>
    list.split(",").map((label) => label.trim()),
  );
  return [...matched, ...grouped];
}
