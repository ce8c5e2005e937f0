// npm run bench [name…] -- [--json FILE] [--quick]: times what matters, each against a baseline on the same work.
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { tableOf, type Bench, type BenchResult } from "./bench.ts";
import { codecBench } from "./codec.ts";
import { gatewayBench } from "./gateway.ts";
import { keysBench } from "./keys.ts";
import { measure, type Effort, type Result } from "./measure.ts";
import { plannerBench } from "./planner.ts";
import { requestBench } from "./request.ts";
import { swapBench } from "./swap.ts";

const benches: readonly Bench[] = [plannerBench, codecBench, keysBench, swapBench, requestBench, gatewayBench];

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
  options: { json: { type: "string" }, quick: { type: "boolean", default: false } },
});
const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name));
if (unknown.length > 0) {
  const names = benches.map(({ name }) => name).join(", ");
  console.error(`Cannot run bench "${unknown.join('", "')}": must be one of ${names}; options follow "--"`);
  process.exitCode = 2;
} else {
  const chosen = positionals.length === 0 ? benches : benches.filter(({ name }) => positionals.includes(name));
  const done: BenchResult[] = [];
  for (const bench of chosen) {
    const result = await runBench(bench, values.quick ? quick : full);
    console.log(`${tableOf(result)}\n`);
    done.push(result);
  }
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(done, undefined, 2)}\n`);
}
