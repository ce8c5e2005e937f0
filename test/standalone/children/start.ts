import { spawn, type ChildProcess } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";

/** A child and what it says. */
export interface Child {
  readonly process: ChildProcess;
  /** Resolves with all that it has said so far when it says something first, or ends. */
  readonly spoken: Promise<string>;
  /** Resolves with all that it said when it has ended. */
  readonly ended: Promise<{ readonly said: string; readonly code: number | null }>;
}

const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** Starts `children/<name>.ts`. It is killed after the test, if it is still there. */
export function start(name: string, args: readonly string[]): Child {
  // Without the cache each child spends most of its time on stripping types
  const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), "keyturn-compile-cache") };
  const child = spawn(process.execPath, [join(import.meta.dirname, `${name}.ts`), ...args], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  let said = "";
  const ended = new Promise<{ said: string; code: number | null }>((resolve) => {
    child.once("close", (code) => {
      resolve({ said, code });
    });
  });
  const spoken = new Promise<string>((resolve) => {
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      resolve(said);
    });
    void ended.then(() => {
      resolve(said);
    });
  });
  return { process: child, spoken, ended };
}
