// Runs every suite that this machine can run, or those named as arguments, and says what ran and what did not.
import { type Suite, suites } from "./suites.ts";
import { closingLine, judge, type Outcome, type SuiteResult, table } from "./verdict.ts";

const required = process.env["KEYTURN_REQUIRE"] ?? "";
const chosen = process.argv.slice(2);

async function outcomeOf(suite: Suite): Promise<Outcome> {
  const reason = await suite.needs?.();
  if (reason !== undefined) return { ran: false, reason };
  console.log(`\n── ${suite.name}: ${suite.what}\n`);
  return suite.run();
}

async function runAll(wanted: readonly Suite[]): Promise<void> {
  const results: SuiteResult[] = [];
  for (const suite of wanted) {
    const startedAt = performance.now();
    const outcome = await outcomeOf(suite);
    results.push({ name: suite.name, ms: performance.now() - startedAt, outcome });
  }
  const verdict = judge(results, required === "all");
  console.log(`\n${table(results)}\n`);
  for (const complaint of verdict.complaints) console.log(`✗ ${complaint}`);
  if (verdict.complaints.length > 0) console.log("");
  console.log(closingLine(verdict));
  process.exitCode = verdict.complaints.length > 0 ? 1 : 0;
}

const unknown = chosen.filter((name) => !suites.some((suite) => suite.name === name));
if (unknown.length > 0 || !["", "all"].includes(required)) {
  const names = suites.map(({ name }) => name).join(", ");
  if (unknown.length > 0) console.error(`Cannot run suite "${unknown.join('", "')}": must be one of ${names}`);
  else console.error(`Cannot use KEYTURN_REQUIRE="${required}": must be "all" or unset`);
  process.exitCode = 2;
} else {
  await runAll(chosen.length === 0 ? suites : suites.filter(({ name }) => chosen.includes(name)));
}
