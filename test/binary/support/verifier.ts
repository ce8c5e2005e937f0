import { LineProcess } from "./line-process.ts";

export interface Answer {
  /** `valid`, `unknown kid`, `expired`, `bad signature`, or the client's own words. */
  readonly verdict: string;
  /** When the verifier had decided, by its own clock. */
  readonly atMs: number;
}

/** A verifier in a process of its own, asked through its standard input. */
export class Verifier {
  readonly name: string;
  /** It may go on with a copy of the JWKS for its max-age. */
  readonly caches: boolean;
  readonly #process: LineProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #asked = 0;

  constructor(
    { name, caches }: { readonly name: string; readonly caches: boolean },
    [command, ...args]: readonly [string, ...string[]],
  ) {
    this.name = name;
    this.caches = caches;
    this.#process = new LineProcess(command, args, (line) => this.#answered(line));
  }

  ask(token: string): Promise<Answer> {
    const id = ++this.#asked;
    const answer = new Promise<Answer>((resolve) => {
      this.#waiting.set(id, resolve);
    });
    this.#process.send({ id, token });
    return Promise.race([answer, this.#failed()]);
  }

  async end(): Promise<void> {
    await this.#process.end();
  }

  #answered(line: string): void {
    const { id, ...answer } = JSON.parse(line) as Answer & { id: number };
    this.#waiting.get(id)?.(answer);
    this.#waiting.delete(id);
  }

  async #failed(): Promise<never> {
    const { code, signal, stderr } = await this.#process.ended;
    throw new Error(`The verifier ${this.name} ended (${signal ?? String(code)}):\n${stderr}`);
  }
}
