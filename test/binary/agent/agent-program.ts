import { request } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as tick } from "node:timers/promises";
import { mainProgram } from "../issuer/issuer-program.ts";
import { type Ended, LineProcess } from "../support/line-process.ts";

export interface ShownToken {
  readonly accessToken: string;
  readonly tokenId: string;
}

/** `keyturn agent` in a process of its own, with the same flags each time: a test kills it and starts it again. */
export class AgentProgram {
  readonly socket: string;
  readonly #args: readonly string[];
  #process: LineProcess | undefined;

  /** @param args - The flags but `--listen` */
  constructor(socket: string, args: readonly string[]) {
    this.socket = socket;
    this.#args = [mainProgram, "agent", ...args, `--listen=unix:${socket}`];
  }

  start(): void {
    this.#process = new LineProcess(process.execPath, this.#args);
  }

  /** Starts it, and resolves once it keeps its tokens. @throws Error when it ends before that */
  async begin(): Promise<this> {
    this.start();
    await this.says('"keeping tokens"');
    return this;
  }

  /** Starts it, and resolves with its end. */
  async ends(): Promise<Ended> {
    this.start();
    const ended = await this.#running.ended;
    this.#process = undefined;
    return ended;
  }

  /** Everything that it wrote since it was started. */
  get said(): string {
    const { stdout, stderr } = this.#process?.output ?? { stdout: "", stderr: "" };
    return `${stdout}\n${stderr}`;
  }

  /** Resolves once that is in what it wrote. @throws Error when it ends before that */
  async says(wanted: string): Promise<void> {
    while (!this.said.includes(wanted)) {
      if (!this.isRunning) throw new Error(`The agent has ended, and never said ${wanted}:\n${this.said}`);
      await tick(10);
    }
  }

  get isRunning(): boolean {
    return this.#process?.isRunning === true;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  signal(signal: NodeJS.Signals): void {
    this.#running.signal(signal);
  }

  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<Ended | undefined> {
    const ended = await this.#process?.end(signal);
    this.#process = undefined;
    return ended;
  }

  /** As an application asks for a token. */
  async token(name: string): Promise<ShownToken> {
    return shownIn(await this.ask("GET", `/v1/identities/${name}/token`));
  }

  /** As somebody has it renewed by hand. */
  async refresh(name: string): Promise<ShownToken> {
    return shownIn(await this.ask("POST", `/v1/identities/${name}/refresh`));
  }

  /** @throws Error where it says no */
  async ask(method: "GET" | "POST", path: string): Promise<unknown> {
    const headers = { "keyturn-agent": "1", connection: "close" };
    const sent = request({ socketPath: this.socket, method, path, headers });
    const { promise, resolve, reject } = Promise.withResolvers<[number, string]>();
    sent.on("error", reject).on("response", (answer) => {
      text(answer).then((body) => resolve([answer.statusCode ?? 0, body]), reject);
    });
    sent.end();
    const [status, body] = await promise;
    if (status !== 200) throw new Error(`The agent answers ${status}: ${body}`);
    return JSON.parse(body);
  }

  get #running(): LineProcess {
    if (this.#process === undefined) throw new Error("The agent was not started");
    return this.#process;
  }
}

function shownIn(value: unknown): ShownToken {
  const { accessToken, tokenId } = { ...(value as object) } as Partial<ShownToken>;
  if (accessToken === undefined || tokenId === undefined) throw new Error("no token in the answer");
  return { accessToken, tokenId };
}
