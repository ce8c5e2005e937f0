/**
 * Prints what the last mutation runs found, as the tables of docs/testing.md: `node hack/mutate/summary.ts`. Files may have
 * been mutated one by one: the report keeps what earlier runs found.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

interface Mutant {
  readonly mutatorName: string;
  readonly replacement?: string;
  readonly status: "Killed" | "Timeout" | "Survived" | "NoCoverage" | "CompileError" | "RuntimeError" | "Ignored";
  readonly location: { readonly start: { readonly line: number; readonly column: number } };
}

interface Report {
  readonly files: Readonly<Record<string, { readonly source: string; readonly mutants: readonly Mutant[] }>>;
}

const path = join(import.meta.dirname, "../../reports/mutation/mutation.json");
// eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- written by Stryker a moment ago, read by people
const report = JSON.parse(await readFile(path, "utf8")) as Report;

const count = (mutants: readonly Mutant[], ...statuses: readonly Mutant["status"][]): number =>
  mutants.filter((m) => statuses.includes(m.status)).length;

function row(name: string, mutants: readonly Mutant[]): string {
  const killed = count(mutants, "Killed");
  const timedOut = count(mutants, "Timeout");
  const alive = count(mutants, "Survived", "NoCoverage");
  const all = killed + timedOut + alive;
  const score = all === 0 ? "none" : `${((100 * (killed + timedOut)) / all).toFixed(1)} %`;
  return `| ${name} | ${all} | ${killed} | ${timedOut} | ${alive} | ${score} |`;
}

const files = Object.entries(report.files).sort(([a], [b]) => (a < b ? -1 : 1));
console.log("| file | mutants | killed | timed out | survived | score |");
console.log("| --- | --: | --: | --: | --: | --: |");
for (const [name, { mutants }] of files) console.log(row(`\`${name.replace("src/ring/", "")}\``, mutants));
const everyMutant = files.flatMap(([, { mutants }]) => mutants);
console.log(row("**all**", everyMutant));

for (const [name, { source, mutants }] of files) {
  const lines = source.split("\n");
  for (const { status, mutatorName, replacement, location } of mutants) {
    if (status !== "Survived" && status !== "NoCoverage") continue;
    const { line, column } = location.start;
    console.log(`\n${name}:${line}:${column} ${status} ${mutatorName}`);
    console.log(`  ${lines[line - 1]?.trim() ?? ""}`);
    console.log(`  → ${(replacement ?? "").replaceAll(/\s+/g, " ").slice(0, 120)}`);
  }
}
