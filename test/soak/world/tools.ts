import { execFile } from "node:child_process";

/** How a command ended. */
interface Ended {
  readonly code: number;
  readonly stdout: string;
  /** For people: both outputs. */
  readonly output: string;
}

/** Runs Keyturn's command line as a person does, to its end. */
export type Tool = (...args: readonly string[]) => Promise<Ended>;

/** @param keyturn - What starts a Keyturn */
export const toolOf =
  ([program, ...first]: readonly [string, ...string[]], env: Readonly<Record<string, string>> = {}): Tool =>
  (...args) =>
    new Promise((resolve) => {
      const options = { env: { ...process.env, NO_COLOR: "1", ...env }, timeout: 300_000 };
      execFile(program, [...first, ...args], options, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
        resolve({ code, stdout, output: `${stdout}\n${stderr}`.trim() });
      });
    });
