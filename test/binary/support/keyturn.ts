import { execFile } from "node:child_process";
import { mkdtemp, rename, rm, symlink, writeFile, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { LineProcess, type Ended } from "./line-process.ts";

const root = join(import.meta.dirname, "..", "..", "..");
const execute = promisify(execFile);

/** The program as `npm run build` makes it, in a folder of its own. Types are another suite's concern. */
export class Keyturn {
  readonly #folder: string;
  readonly #main: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#main = join(folder, "dist", "cli", "main.js");
  }

  static async build(): Promise<Keyturn> {
    const folder = await mkdtemp(join(tmpdir(), "keyturn-binary-"));
    const tsc = join(root, "node_modules", ".bin", "tsc");
    const out = ["--outDir", join(folder, "dist"), "--noCheck"];
    await execute(tsc, ["--project", join(root, "tsconfig.build.json"), ...out]);
    await writeFile(join(folder, "package.json"), await readFile(join(root, "package.json")));
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    return new Keyturn(folder);
  }

  /** What starts it. */
  get command(): readonly [string, string] {
    return [process.execPath, this.#main];
  }

  start(args: readonly string[]): LineProcess {
    return new LineProcess(process.execPath, [this.#main, ...args]);
  }

  /** Runs a command to its end. @throws Error when its exit code is another than wanted */
  async run(args: readonly string[], wanted = 0): Promise<Ended> {
    const ended = await this.start(args).ended;
    if (ended.code === wanted) return ended;
    const said = [ended.stdout, ended.stderr].join("\n").trim();
    throw new Error(`keyturn ${args.join(" ")}: exit code ${String(ended.code)}, wanted ${wanted}\n${said}`);
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Replaces a file whole, as an editor does. */
export async function save(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

/** `keyturn standalone`, which a test kills and starts again. */
export class Standalone {
  readonly #keyturn: Keyturn;
  readonly #args: readonly string[];
  #process: LineProcess | undefined;
  kills = 0;

  constructor(keyturn: Keyturn, args: readonly string[]) {
    this.#keyturn = keyturn;
    this.#args = ["standalone", ...args];
  }

  start(): void {
    this.#process = this.#keyturn.start(this.#args);
  }

  /** What it logged since it was started. */
  get log(): string {
    const { stdout, stderr } = this.#process?.output ?? { stdout: "", stderr: "" };
    return [stdout, stderr].join("\n");
  }

  /** Why nothing more will come of it; undefined while it runs. */
  health(): string | undefined {
    return this.#process?.isRunning === true ? undefined : `keyturn standalone has ended:\n${this.log}`;
  }

  /** kill -9, and at once another one. */
  async killAndRestart(): Promise<void> {
    await this.#process?.end("SIGKILL");
    this.kills++;
    this.start();
  }

  async stop(): Promise<Ended | undefined> {
    return this.#process?.end("SIGTERM");
  }
}
