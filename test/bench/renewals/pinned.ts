import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** The core of what is measured, and the core of all the rest: of who asks, and of the database. */
export const cores = { measured: 0, others: 1 } as const;

/** Begins the command of a process that may use the core of what is measured alone. Linux only. */
export const onMeasuredCore: readonly [string, ...string[]] = ["taskset", "--cpu-list", String(cores.measured)];

/** Lets this thread, and the processes that it starts from then on, use this core alone. */
export async function moveTo(core: (typeof cores)[keyof typeof cores] | "any"): Promise<void> {
  const list = core === "any" ? "0-1023" : String(core);
  await promisify(execFile)("taskset", ["--cpu-list", "--pid", list, String(process.pid)]);
}
