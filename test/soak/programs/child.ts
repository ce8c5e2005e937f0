import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, closeSync, readdirSync, readFileSync } from "node:fs";

export interface ChildOptions {
  /** Both outputs go to its end. */
  readonly logFile: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** What a process has taken of the machine. */
export interface Footprint {
  readonly rssKiB: number;
  /** Open files, sockets, timers. */
  readonly handles: number;
}

/** None outlives this process, however that ends by itself. */
const alive = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

/** A process whose output goes to a file: a soak of hours must not keep it in memory. */
export class Child {
  readonly ended: Promise<unknown>;
  readonly #child: ChildProcess;

  constructor([file, ...args]: readonly [string, ...string[]], { logFile, env = {} }: ChildOptions) {
    const log = openSync(logFile, "a");
    this.#child = spawn(file, args, { stdio: ["ignore", log, log], env: { ...process.env, NO_COLOR: "1", ...env } });
    closeSync(log);
    this.ended = once(this.#child, "exit");
    this.ended.catch(() => undefined);
    const child = this.#child;
    alive.add(child);
    child.once("exit", () => alive.delete(child));
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined;
  }

  /** SIGSTOP, SIGCONT: without waiting for what comes of it. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    if (!this.isRunning) return;
    this.#child.kill(signal);
    await this.ended;
  }

  /** Linux tells; undefined elsewhere, or when it has ended. */
  footprint(): Footprint | undefined {
    const folder = `/proc/${String(this.#child.pid)}`;
    try {
      const rss = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`${folder}/status`, "utf8"))?.[1];
      return rss === undefined ? undefined : { rssKiB: Number(rss), handles: readdirSync(`${folder}/fd`).length };
    } catch {
      return undefined;
    }
  }
}

/** What those take that run, by their names. */
export function printsOf(children: readonly (readonly [string, Child | undefined])[]): ReadonlyMap<string, Footprint> {
  const prints = children.map(([name, child]) => [name, child?.footprint()] as const);
  return new Map(prints.flatMap(([name, print]) => (print === undefined ? [] : [[name, print] as const])));
}
