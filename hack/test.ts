// Runs every suite that this machine can run, or those named as arguments, and says what ran and what did not.
import { areSideBySide, inLanes } from "./lanes.ts";
import { endRunning, seconds } from "./run.ts";
import { type Suite, suites } from "./suites.ts";
import { besideOthers, terminal } from "./suites/stage.ts";
import { lookedLine, looking } from "./suites/looked.ts";
import { closingLine, judge, type Outcome, type SuiteResult, table } from "./verdict.ts";

const required = process.env["KEYTURN_REQUIRE"] ?? "";
const chosen = process.argv.slice(2);

/** Suites that run get a Ctrl-C themselves, and put away what is theirs; no other begins. The second one ends this, too. */
let isInterrupted = false;
process.once("SIGINT", () => (isInterrupted = true));
process.once("SIGTERM", () => {
  isInterrupted = true;
  endRunning();
});

const titleOf = ({ name, what }: Suite): string => `\n── ${name}: ${what}\n`;

async function runBeside(suite: Suite): Promise<Outcome> {
  const stage = besideOthers(suite.name, suite.lane === "computing");
  stage.say(titleOf(suite));
  console.log(`${suite.name} begins`);
  try {
    return await suite.run(stage);
  } finally {
    stage.show();
  }
}

async function runAlone(suite: Suite): Promise<Outcome> {
  console.log(titleOf(suite));
  return suite.run(terminal);
}

async function outcomeOf(suite: Suite, isBeside: boolean): Promise<Outcome> {
  const reason = isInterrupted ? "the run was interrupted" : await suite.needs?.();
  if (reason !== undefined) return { ran: false, reason };
  return isBeside ? runBeside(suite) : runAlone(suite);
}

/** Where something can't be built, its suite says so. */
async function buildAll(wanted: readonly Suite[]): Promise<void> {
  for (const { needs, builds = [] } of wanted) {
    if (builds.length === 0 || (await needs?.()) !== undefined) continue;
    for (const build of builds) await build(console.log).catch(() => undefined);
  }
}

async function runAll(wanted: readonly Suite[]): Promise<void> {
  await buildAll(wanted);
  const beganAt = performance.now();
  let results: readonly SuiteResult[] = [];
  const looked = await looking(async () => {
    results = await inLanes(wanted, async (suite) => {
      const startedAt = performance.now();
      const outcome = await outcomeOf(suite, suite.lane !== "alone" && areSideBySide(wanted));
      return { name: suite.name, ms: performance.now() - startedAt, outcome };
    });
  });
  const verdict = judge(results, required === "all");
  console.log(`\n${table(results)}\n`);
  if (areSideBySide(wanted)) console.log(`Side by side in ${seconds(performance.now() - beganAt).trim()}\n`);
  console.log(`${lookedLine(looked)}\n`);
  for (const complaint of verdict.complaints) console.log(`✗ ${complaint}`);
  if (verdict.complaints.length > 0) console.log("");
  console.log(closingLine(verdict));
  process.exitCode = verdict.complaints.length > 0 || isInterrupted ? 1 : 0;
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
