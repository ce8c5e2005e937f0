/** Why something is not well, in one line for people, or undefined while it is. */
export type Check = () => string | undefined;

export interface Verdict {
  readonly isWell: boolean;
  /** A line for each check, as the API server's own `/readyz?verbose` has them. */
  readonly text: string;
}

/** Named checks. Those of `/livez` mean "restart me", those of `/readyz` "I can't serve yet". */
export class Checks {
  readonly #checks = new Map<string, Check>();

  add(name: string, check: Check): void {
    this.#checks.set(name, check);
  }

  /** A check that throws is one that failed. */
  judge(endpoint: string): Verdict {
    const results = [...this.#checks].map(([name, check]) => ({ name, problem: run(check) }));
    const lines = results.map(({ name, problem }) =>
      problem === undefined ? `[+]${name} ok` : `[-]${name}: ${problem}`,
    );
    const isWell = results.every(({ problem }) => problem === undefined);
    const text = [...lines, `${endpoint} check ${isWell ? "passed" : "failed"}`, ""].join("\n");
    return { isWell, text };
  }
}

function run(check: Check): string | undefined {
  try {
    return check();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
