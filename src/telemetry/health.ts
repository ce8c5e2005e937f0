/** What must be known although all is well enough, in one line for people. */
export interface Remark {
  readonly remark: string;
}

/** Why something is not well, in one line for people; undefined while it is, or a remark. */
export type HealthCheck = () => string | Remark | undefined;

export interface HealthReport {
  readonly isWell: boolean;
  /** A line for each check, as the API server's own `/readyz?verbose` has them. */
  readonly text: string;
}

/** Named checks. Those of `/livez` mean "restart me", those of `/readyz` "I can't serve yet". */
export class Checks {
  readonly #checks = new Map<string, HealthCheck>();

  add(name: string, check: HealthCheck): void {
    this.#checks.set(name, check);
  }

  /** A check that throws is one that failed. */
  judge(endpoint: string): HealthReport {
    const results = [...this.#checks].map(([name, check]) => ({ name, problem: run(check) }));
    const lines = results.map(({ name, problem }) => checkLine(name, problem));
    const isWell = results.every(({ problem }) => typeof problem !== "string");
    const text = [...lines, `${endpoint} check ${isWell ? "passed" : "failed"}`, ""].join("\n");
    return { isWell, text };
  }
}

function checkLine(name: string, problem: ReturnType<HealthCheck>): string {
  if (problem === undefined) return `[+]${name} ok`;
  return typeof problem === "string" ? `[-]${name}: ${problem}` : `[+]${name} ok, but ${problem.remark}`;
}

function run(check: HealthCheck): ReturnType<HealthCheck> {
  try {
    return check();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The event loop turns: that is all that a restart could mend. */
export function liveness(): Checks {
  const checks = new Checks();
  checks.add("process", () => undefined);
  return checks;
}
