// Runs a soak for as long as it is told, prints what comes of it and writes it to reports/soak.md.
import { parseArgs } from "node:util";
import type { SoakOptions } from "./options.ts";
import { commandOf, isGood } from "./report.ts";
import { soak } from "./soak.ts";
import { clusterTroubles } from "./troubles/cluster.ts";
import { standaloneTroubles } from "./troubles/standalone.ts";
import { writeReport } from "./write.ts";

const usage = `Usage: npm run soak -- [flags]

  --minutes <number>   how long (default: 3)
  --seed <number>      what the troubles are drawn from (default: another one each time)
  --troubles <names>   these, with commas between; all: also those that are known not to be survived yet
  --only <side>        cluster or standalone
  --keep-going         to the end of the time, whatever is wrong
  --list               names of the troubles
`;

function optionsFrom(args: readonly string[]): SoakOptions | string {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: "string", default: "3" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      troubles: { type: "string" },
      only: { type: "string" },
      "keep-going": { type: "boolean", default: false },
      list: { type: "boolean", default: false },
    },
  });
  const known = [...clusterTroubles, ...standaloneTroubles].map(({ name }) => name);
  if (values.list) return known.join("\n");
  const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
  if (!(minutes > 0) || !Number.isInteger(seed)) return usage;
  const named = values.troubles?.split(",").map((name) => name.trim());
  const wrong = named?.find((name) => name !== "all" && !known.includes(name));
  if (wrong !== undefined) return `Cannot have the trouble "${wrong}": must be one of ${known.join(", ")}`;
  const { only } = values;
  if (only !== undefined && only !== "cluster" && only !== "standalone") return usage;
  return {
    minutes,
    seed,
    troubles: named?.includes("all") === true ? "all" : named,
    keepGoing: values["keep-going"],
    sides: only === undefined ? ["cluster", "standalone"] : [only],
  };
}

// What was started ends with this
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

const options = optionsFrom(process.argv.slice(2));
if (typeof options === "string") {
  console.log(options);
  process.exitCode = options === usage ? 2 : 0;
} else {
  console.log(`Seed ${options.seed}: ${commandOf(options)}`);
  const report = await soak(options, (line) => console.log(`${new Date().toISOString().slice(11, 19)} ${line}`));
  await writeReport(report);
  process.exitCode = isGood(report) ? 0 : 1;
}
