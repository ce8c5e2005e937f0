import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";

export const root = join(import.meta.dirname, "..");

export interface Ended {
  /** Exit code; a process that a signal ended counts as 1. */
  readonly code: number;
  /** Both output streams in the order they came; empty when the output was streamed. */
  readonly output: string;
  readonly ms: number;
}

export interface RunOptions {
  /** Show the output as it comes instead of keeping it. */
  readonly stream?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command of node_modules/.bin (or of the system) in the repository's root and waits for its end. */
export function run(command: readonly [string, ...string[]], options: RunOptions = {}): Promise<Ended> {
  const startedAt = performance.now();
  const [file, ...args] = command;
  const path = [join(root, "node_modules", ".bin"), process.env["PATH"] ?? ""].join(delimiter);
  const child = spawn(file, args, {
    cwd: root,
    env: { ...process.env, ...options.env, PATH: path },
    stdio: options.stream ? "inherit" : ["ignore", "pipe", "pipe"],
  });
  const chunks: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString(), ms: performance.now() - startedAt });
    });
  });
}

/** Vitest colours what it prints into a file, too, unless it is told not to. */
export const plainUnlessTerminal: readonly string[] = process.stdout.isTTY ? [] : ["--no-color"];

/** `4.2 s`, right-aligned so that lines stand below each other. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1).padStart(6)} s`;
}
