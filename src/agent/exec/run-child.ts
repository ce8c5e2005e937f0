import { errnoOf } from "../../errors/errno-words.ts";
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { KeyturnError } from "../../errors/keyturn-error.ts";
import { commandMissing } from "../sinks/run-command.ts";

export interface ChildOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly relaySignals: RelaySignals;
}

/** From now on signals go there, and to nobody else; returns what ends that. Those that a terminal gives to both are not among them. */
export type RelaySignals = (take: (signal: NodeJS.Signals) => void) => () => void;

/**
 * Runs a program on this process's own input and output. Returns its exit code as a shell tells it: 128 + n where signal n ended it.
 *
 * @throws ChangeNeededError `CommandMissing`, with the error of the system as its cause
 */
export async function runChild(
  command: readonly [string, ...string[]],
  { env, relaySignals }: ChildOptions,
): Promise<number> {
  const [file, ...args] = command;
  const child = spawn(file, args, { env, stdio: "inherit" });
  const endRelay = relaySignals((signal) => void child.kill(signal));
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once("error", (error) => reject(commandMissing(file, error)));
      child.once("exit", (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
    });
  } finally {
    endRelay();
  }
}

/** What shells end with where a command did not start: 127 for none, 126 for one that may not be run; undefined for any other error. */
export function exitCodeOf(error: unknown): number | undefined {
  if (!(error instanceof KeyturnError) || error.code !== "CommandMissing") return undefined;
  return errnoOf(error.cause) === "ENOENT" ? 127 : 126;
}
