import { nativeTarget } from "./native.ts";
import { type Ended, run, seconds } from "./run.ts";
import { programOnPath } from "./testcluster/build.ts";

export interface Step {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const vitest = ["vitest", "run", "--no-color", "--reporter=dot", "--project"] as const;

const crate = ["--manifest-path", "src/native/Cargo.toml"] as const;
const cargoConfig = ["--config", "src/native/.cargo/config.toml", "--target-dir", nativeTarget] as const;

/** Where Rust has them. */
const rustSteps: readonly Step[] = [
  { name: "format of Rust", command: ["cargo", "fmt", "--check", ...crate] as const },
  {
    name: "lint of Rust",
    command: [
      "cargo",
      "clippy",
      "--quiet",
      "--release",
      "--locked",
      ...crate,
      ...cargoConfig,
      "--",
      "-D",
      "warnings",
    ] as const,
  },
].filter(({ command: [cargo, name] }) => programOnPath(`${cargo}-${name}`) !== undefined);

/** What can be said about the tree without running its tests. */
export const staticSteps: readonly Step[] = [
  { name: "format", command: ["prettier", "--check", "--log-level", "warn", "."] },
  { name: "lint", command: ["eslint", "--max-warnings", "0", "."] },
  ...rustSteps,
  { name: "types", command: ["tsc", "--project", "tsconfig.json", "--pretty", "false"] },
  { name: "what is unused", command: ["knip", "--no-progress"] },
  { name: "what tests alone use", command: ["knip", "--no-progress", "--production"] },
  { name: "dependency rule", command: [...vitest, "architecture"] },
  { name: "generated files", command: ["node", "hack/generate.ts", "--check"] },
];

export const unitTests: Step = { name: "unit tests", command: [...vitest, "unit"] };

/** Most steps use one core, the slowest (lint) included. */
const atOnce = 2;

export interface StepOptions {
  /** Takes each step's result in a line, and its output if it failed. */
  readonly say: (text: string) => void;
  /** Takes the name of a step that failed, at once. */
  readonly fail?: (step: string) => void;
  /** {@link RunOptions.isYielding} */
  readonly isYielding?: boolean;
}

/** Runs every step, also after one has failed. */
export async function runSteps(
  steps: readonly Step[],
  { say, fail, isYielding = false }: StepOptions,
): Promise<{ passed: number; failed: number }> {
  const waiting = [...steps];
  let failed = 0;
  const work = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      const ended = await run(step.command, { isYielding });
      say(verdict(step, ended));
      if (ended.code === 0) continue;
      failed += 1;
      fail?.(step.name);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return { passed: steps.length - failed, failed };
}

function verdict(step: Step, { code, output, ms }: Ended): string {
  const line = `${code === 0 ? "ok    " : "FAILED"} ${step.name.padEnd(18)}${seconds(ms)}`;
  return code === 0 ? line : `${line}   ${step.command.join(" ")}\n\n${output.trimEnd()}\n`;
}
