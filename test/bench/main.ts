// npm run bench [name…] -- [--json FILE] [--quick] [--count N]: times what matters, each against a baseline on the same work.
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { agentBench } from "./agent.ts";
import { tableOf, type Bench, type BenchResult } from "./bench.ts";
import { clientBench } from "./client.ts";
import { codecBench } from "./codec.ts";
import { envoyBench } from "./envoy.ts";
import { figuresTable, type FiguresBench } from "./figures.ts";
import { gatewayBench } from "./gateway.ts";
import { issuerBench } from "./issuer.ts";
import { keysBench } from "./keys.ts";
import { measure, type Effort, type Result } from "./measure.ts";
import { operatorBench } from "./operator.ts";
import { plannerBench } from "./planner.ts";
import { renewalsBench } from "./renewals.ts";
import { requestBench } from "./request.ts";
import { revocationsBench } from "./revocations.ts";
import { sessionsBench } from "./sessions.ts";
import { sidecarBench } from "./sidecar.ts";
import { signaturesBench } from "./signatures.ts";
import { swapBench } from "./swap.ts";

const benches: readonly Bench[] = [
  plannerBench,
  codecBench,
  keysBench,
  swapBench,
  requestBench,
  gatewayBench,
  clientBench,
];

/** Whole stories, measured once. */
const stories: readonly FiguresBench[] = [
  signaturesBench,
  operatorBench,
  sidecarBench,
  envoyBench,
  issuerBench,
  renewalsBench,
  revocationsBench,
  agentBench,
  sessionsBench,
];
const names = [...new Set([...benches, ...stories].map(({ name }) => name))];

const full: Effort = { rounds: 15, batchMs: 100 };
/** So that a bench that no longer works is found by the tests. The numbers say nothing. */
const quick: Effort = { rounds: 1, batchMs: 0 };

async function runBench(bench: Bench, effort: Effort): Promise<BenchResult> {
  try {
    const results: Result[] = [];
    for (const contest of await bench.contests()) results.push(await measure(contest, effort));
    return { bench: bench.name, what: bench.what, results };
  } finally {
    await bench.close?.();
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "string" }, quick: { type: "boolean", default: false }, count: { type: "string" } },
});
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`Cannot run bench "${unknown.join('", "')}": must be one of ${names.join(", ")}; options follow "--"`);
  process.exitCode = 2;
} else {
  const isChosen = ({ name }: { readonly name: string }): boolean =>
    positionals.length === 0 || positionals.includes(name);
  const done: (BenchResult | object)[] = [];
  for (const bench of benches.filter(isChosen)) {
    const result = await runBench(bench, values.quick ? quick : full);
    console.log(`${tableOf(result)}\n`);
    done.push(result);
  }
  for (const story of stories.filter(isChosen)) {
    const figures = await story.figures(values.quick, values.count === undefined ? undefined : Number(values.count));
    console.log(`${figuresTable(story, figures)}\n`);
    done.push({ bench: story.name, what: story.what, figures });
  }
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(done, undefined, 2)}\n`);
}
