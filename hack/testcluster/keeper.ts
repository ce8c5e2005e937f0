// Keeps the processes of one cluster, in a process of its own: starts and kills what comes on stdin, a JSON line each, says on
// stdout which of them ended, and when stdin ends (because the parent is done, or was killed) ends them all and removes the folder.
import { type ChildProcess, spawn } from "node:child_process";
import { openSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** What the keeper is told. */
export type Order =
  | { readonly start: string; readonly command: readonly [string, ...string[]]; readonly logFile: string }
  /** As a machine dies: nothing of it is asked to end. */
  | { readonly kill: string }
  /** To stand still, or to go on. */
  | { readonly signal: "SIGSTOP" | "SIGCONT"; readonly to: string }
  /** At the end, leave the folder's `logs/` where they are. */
  | { readonly keepLogs: true };

/** What the keeper says. */
export interface Ended {
  readonly ended: string;
  /** Exit code, name of the signal, or why it could not be started. */
  readonly how: string;
  /** That was asked for. */
  readonly wasKilled?: true;
}

const [, , folder = ""] = process.argv;
const children = new Map<ChildProcess, string>();
const killed = new Set<ChildProcess>();
let keepsLogs = false;
let isEnding = false;

const say = (ended: Ended): void => void process.stdout.write(`${JSON.stringify(ended)}\n`);

function start({ start: name, command: [file, ...args], logFile }: Extract<Order, { start: string }>): void {
  const log = openSync(logFile, "a");
  const child = spawn(file, args, { cwd: folder, stdio: ["ignore", log, log] });
  children.set(child, name);
  const left = (how: string): void => {
    children.delete(child);
    if (isEnding && children.size === 0) leave();
    if (!isEnding) say({ ended: name, how, ...(killed.delete(child) && { wasKilled: true }) });
  };
  child.on("error", ({ message }) => left(message));
  child.on("exit", (code, signal) => left(signal ?? `exit code ${code ?? "unknown"}`));
}

function kill(name: string): void {
  for (const [child, its] of children) {
    if (its !== name) continue;
    killed.add(child);
    child.kill("SIGKILL");
  }
}

function signal(to: string, name: NodeJS.Signals): void {
  for (const [child, its] of children) if (its === to) child.kill(name);
}

/** Nothing of theirs is needed any more, so none is asked to end: they are killed. */
function end(): void {
  isEnding = true;
  for (const child of children.keys()) child.kill("SIGKILL");
  if (children.size === 0) leave();
}

function leave(): void {
  const parts = keepsLogs ? readdirSync(folder).filter((name) => name !== "logs") : ["."];
  for (const part of parts) rmSync(join(folder, part), { recursive: true, force: true });
  process.exit();
}

process.on("SIGTERM", end);
process.on("SIGHUP", end);
process.on("SIGINT", end);
// The parent may be gone
process.stdout.on("error", () => undefined);
createInterface({ input: process.stdin })
  .on("line", (line) => {
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- written by processes.ts
    const order = JSON.parse(line) as Order;
    if ("start" in order) start(order);
    else if ("signal" in order) signal(order.to, order.signal);
    else if ("kill" in order) kill(order.kill);
    else keepsLogs = true;
  })
  .on("close", end);
