import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process of its own whose output is read line by line. */
export class LineProcess {
  /** Resolves when it has ended and all output was read. */
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  readonly #stdout: string[] = [];
  readonly #stderr: string[] = [];

  constructor(command: string, args: readonly string[], onLine?: (line: string) => void) {
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, NO_COLOR: "1" } });
    this.#child = child;
    createInterface({ input: child.stdout }).on("line", (line) => (onLine ? onLine(line) : this.#stdout.push(line)));
    createInterface({ input: child.stderr }).on("line", (line) => this.#stderr.push(line));
    // Written to after its end: `ended` says what is wrong
    child.stdin.on("error", () => undefined);
    this.ended = new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => resolve({ code, signal, ...this.output }));
    });
    this.ended.catch(() => undefined);
  }

  get output(): { readonly stdout: string; readonly stderr: string } {
    return { stdout: this.#stdout.join("\n"), stderr: this.#stderr.join("\n") };
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  send(message: unknown): void {
    this.type(JSON.stringify(message));
  }

  /** A line of its input. */
  type(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** As Ctrl+D does. */
  endInput(): void {
    this.#child.stdin?.end();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it, and resolves when it has ended. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<Ended> {
    this.#child.kill(signal);
    return this.ended;
  }
}
