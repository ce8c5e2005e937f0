import { type ChildProcess, spawn } from "node:child_process";
import { constants, setPriority } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";

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
  /** Takes each line that the command writes to its file descriptor 3. */
  readonly onLine?: (line: string) => void;
  /** Let others have the processor first. */
  readonly isYielding?: boolean;
}

const running = new Set<ChildProcess>();

/** Asks every command that runs to end. */
export function endRunning(): void {
  for (const child of running) child.kill("SIGTERM");
}

/** Runs a command of node_modules/.bin (or of the system) in the repository's root and waits for its end. */
export function run(command: readonly [string, ...string[]], options: RunOptions = {}): Promise<Ended> {
  const startedAt = performance.now();
  const [file, ...args] = command;
  const path = [join(root, "node_modules", ".bin"), process.env["PATH"] ?? ""].join(delimiter);
  const output = options.stream === true ? "inherit" : "pipe";
  const child = spawn(file, args, {
    cwd: root,
    env: { ...process.env, ...options.env, PATH: path },
    stdio: [
      options.stream === true ? "inherit" : "ignore",
      output,
      output,
      ...(options.onLine ? ["pipe" as const] : []),
    ],
  });
  running.add(child);
  if (options.isYielding === true && child.pid !== undefined)
    setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
  const [, , , lines] = child.stdio;
  if (options.onLine && lines instanceof Readable) createInterface({ input: lines }).on("line", options.onLine);
  const chunks: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      running.delete(child);
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
