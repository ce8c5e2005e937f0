import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** A process of the demo. It ends when its input ends: none is left behind, however the demo ends. */
export interface Child {
  readonly input: Writable;
  readonly output: Readable;
  /** Resolves when it has ended and all of its output was read. */
  readonly ended: Promise<void>;
  /** Rejects when it ends before `mayEnd` was called. */
  readonly broken: Promise<never>;
  mayEnd(): void;
}

export function startChild(file: string, ...args: readonly string[]): Child {
  const child = spawn(process.execPath, [join(import.meta.dirname, file), ...args], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  let expected = false;
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-2000)));
  // Written to after its end: `broken` says what is wrong
  child.stdin.on("error", () => undefined);
  const ended = new Promise<void>((resolve) => {
    child.on("error", (error) => (said = error.message));
    child.on("close", () => resolve());
  });
  return {
    ...{ input: child.stdin, output: child.stdout, ended },
    broken: new Promise((_, reject) => {
      child.on("close", (code) => {
        if (!expected) reject(new Error(`${file} ended with ${String(code)}: ${said.trim()}`));
      });
    }),
    mayEnd: () => {
      expected = true;
    },
  };
}

export const linesOf = (child: Child): Interface => createInterface({ input: child.output });
