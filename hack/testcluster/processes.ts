import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Ended, Order } from "./keeper.ts";

/** Processes that live no longer than this one, even when it is killed, and the folder that goes with them. */
export interface Keep {
  readonly folder: string;
  /** `<folder>/logs`, one file for each process. */
  readonly logs: string;
  readonly start: (name: string, command: readonly [string, ...string[]]) => void;
  /** Kills one and resolves when it is gone; it may be started again. */
  readonly kill: (name: string) => Promise<void>;
  /** Has one stand still, or go on. */
  readonly signal: (name: string, signal: "SIGSTOP" | "SIGCONT") => void;
  /** Rejects as soon as one of the processes ends, which none should before {@link kill} or {@link stop}; never resolves. */
  readonly broken: Promise<never>;
  /** Ends all and removes the folder, but for its logs if they are wanted. */
  readonly stop: (options?: { readonly keepLogs?: boolean }) => Promise<void>;
}

export async function keepProcesses(): Promise<Keep> {
  const folder = await mkdtemp(join(tmpdir(), "keyturn-cluster-"));
  const logs = join(folder, "logs");
  mkdirSync(logs);
  // In a process group of its own: Ctrl-C ends the tests first, and they end this
  const keeper = spawn(process.execPath, [join(import.meta.dirname, "keeper.ts"), folder], {
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
  const exited = once(keeper, "exit");
  const killed = new Map<string, () => void>();
  const broken = new Promise<never>((_, reject) => {
    createInterface({ input: keeper.stdout }).on("line", (line) => {
      // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion -- written by keeper.ts
      const { ended, how, wasKilled } = JSON.parse(line) as Ended;
      if (wasKilled) killed.get(ended)?.();
      else reject(new Error(`${ended} ended with ${how}: see ${join(logs, `${ended}.log`)}`));
    });
  });
  // Whoever waits for something else meanwhile races it with this
  broken.catch(() => undefined);
  const order = (what: Order): void => void keeper.stdin.write(`${JSON.stringify(what)}\n`);
  return {
    folder,
    logs,
    broken,
    start: (name, command) => order({ start: name, command, logFile: join(logs, `${name}.log`) }),
    signal: (name, signal) => order({ signal, to: name }),
    kill: (name) =>
      new Promise((resolve) => {
        killed.set(name, resolve);
        order({ kill: name });
      }),
    async stop({ keepLogs = false } = {}) {
      if (keepLogs) order({ keepLogs });
      keeper.stdin.end();
      await exited;
    },
  };
}
