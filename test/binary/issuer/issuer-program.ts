import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { setTimeout as tick } from "node:timers/promises";
import { freePort } from "../../../hack/free-port.ts";
import { type Ended, LineProcess } from "../support/line-process.ts";

const root = join(import.meta.dirname, "../../..");
/** The program, from its sources: Node.js strips their types. */
export const mainProgram = join(root, "src/cli/main.ts");
const hook = pathToFileURL(join(root, "test/binary/clients/network-shut.ts")).href;

/** What starts a program that reaches nobody; `log`: where it is written down who tried. */
export const shutIn = (log: string): readonly string[] => ["--import", `${hook}?log=${encodeURIComponent(log)}`];

interface IssuerCommand {
  /** The command, without the addresses. */
  readonly args: readonly string[];
  /** Flags of Node.js. @default none */
  readonly node?: readonly string[];
}

/** An issuer in a process of its own, on the same address each time: a test kills it and starts it again. */
export class IssuerProgram {
  readonly address: string;
  /** Where health and metrics are. */
  readonly admin: string;
  readonly #args: readonly string[];
  #process: LineProcess | undefined;
  /** What processes that have ended wrote. */
  readonly #said: Ended[] = [];
  kills = 0;

  private constructor({ args, node = [] }: IssuerCommand, ports: readonly [api: number, admin: number]) {
    const prefix = args[0] === "standalone" ? "--token-issuer-" : "--";
    const [api, admin] = ports.map((port) => `127.0.0.1:${port}`);
    this.address = `http://${api ?? ""}`;
    this.admin = `http://${admin ?? ""}`;
    this.#args = [
      ...node,
      mainProgram,
      ...args,
      `${prefix}listen=${api ?? ""}`,
      `${prefix}admin-listen=${admin ?? ""}`,
    ];
  }

  /** One that answers. */
  static async begin(command: IssuerCommand): Promise<IssuerProgram> {
    const program = new IssuerProgram(command, [await freePort(), await freePort()]);
    program.start();
    await program.answers();
    return program;
  }

  start(): void {
    this.#process = new LineProcess(process.execPath, this.#args);
  }

  /** Resolves as soon as it has a key that signs. @throws Error when it ends before that */
  async answers(): Promise<void> {
    for (;;) {
      const health = this.health();
      if (health !== undefined) throw new Error(health);
      const answer = await fetch(`${this.address}/.well-known/jwks.json`).catch(() => undefined);
      await answer?.arrayBuffer();
      if (answer?.ok === true) return;
      await tick(20);
    }
  }

  /** Why nothing more will come of it; undefined while it runs. */
  health(): string | undefined {
    return this.#process?.isRunning === true ? undefined : `The issuer has ended:\n${this.said}`;
  }

  /** Everything that it wrote so far. */
  get said(): string {
    const now = this.#process?.output;
    return [...this.#said, ...(now ? [now] : [])].flatMap(({ stdout, stderr }) => [stdout, stderr]).join("\n");
  }

  /** kill -9, and at once another one. */
  async killAndRestart(): Promise<void> {
    await this.end("SIGKILL");
    this.kills++;
    this.start();
  }

  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<Ended | undefined> {
    const ended = await this.#process?.end(signal);
    if (ended) this.#said.push(ended);
    this.#process = undefined;
    return ended;
  }
}
