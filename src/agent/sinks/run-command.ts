import { type ChildProcess, spawn } from "node:child_process";
import { errnoOf, fileProblem } from "../../errors/errno-words.ts";
import { ChangeNeededError, TryLaterError } from "../../errors/keyturn-error.ts";
import { quotedPath } from "../../errors/quote.ts";
import { type Clock, sleep } from "../../time/clock.ts";
import { aborted } from "../../time/signal.ts";

export interface CommandOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Pick<Clock, "after">;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** In milliseconds. */
  readonly withinMs: number;
}

/** What of a command's output is kept. */
const mostOutput = 2000;
/** Between the request to end and the end, in milliseconds. */
const graceMs = 5000;
/** So long its last words are waited for, in milliseconds: what it left running may hold on to its output. */
const lastWordsMs = 200;

/** Runs a program without a shell, to its end. Returns what it said, bounded and without what may be a token. @throws KeyturnError */
export async function runCommand(command: readonly [string, ...string[]], options: CommandOptions): Promise<string> {
  const [file, ...args] = command;
  const { clock, env, signal, withinMs } = options;
  if (signal.aborted) throw failed(file, "must run beside the agent, which ends");
  // A group of its own: what it started ends with it
  const child = spawn(file, args, { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const said = outputOf(child);
  const ended = new Promise<CommandEnd>((resolve) => {
    child.once("error", resolve);
    child.once("exit", (code, endedBy) => resolve(code ?? endedBy ?? "unknown"));
  });
  const silent = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
  });
  const watch = new AbortController();
  const tooLate = await Promise.race([
    ended.then(() => undefined),
    sleep(clock, withinMs, watch.signal).then(() => `must end within ${withinMs / 1000} s, was ended`),
    aborted(AbortSignal.any([signal, watch.signal])).then(() => "must end before the agent does, was ended"),
  ]);
  if (tooLate !== undefined) await endGroup(child, ended, clock);
  const end = await ended;
  if (!(end instanceof Error)) await atMost(lastWordsMs, silent, clock);
  watch.abort();
  child.stdout.destroy();
  child.stderr.destroy();
  if (end instanceof Error) throw commandMissing(file, end);
  if (tooLate === undefined && end === 0) return said();
  throw failed(file, tooLate ?? `must end with 0, ended with ${end}`, said());
}

/** The exit code, the signal that ended it, or why it did not start. */
type CommandEnd = number | string | Error;

async function endGroup(
  child: ChildProcess,
  ended: Promise<CommandEnd>,
  clock: CommandOptions["clock"],
): Promise<void> {
  signalGroup(child, "SIGTERM");
  await atMost(graceMs, ended, clock);
  signalGroup(child, "SIGKILL");
}

async function atMost(ms: number, work: Promise<unknown>, clock: CommandOptions["clock"]): Promise<void> {
  const isDone = new AbortController();
  await Promise.race([work, sleep(clock, ms, isDone.signal)]);
  isDone.abort();
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // All of it has ended
  }
}

/** Both streams as they come. What is too much is read and dropped: else the command would wait for a reader. */
function outputOf(child: ChildProcess): () => string {
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (part: string) => (text += part.slice(0, 2 * mostOutput - text.length)));
  }
  return () => {
    const shown = text.replaceAll(/[\w=+-]{33,}/g, "[…]").trim();
    return shown.length > mostOutput ? `${shown.slice(0, mostOutput)} […]` : shown;
  };
}

/** What a program that did not start is told of as. */
export function commandMissing(file: string, cause: Error): ChangeNeededError {
  const errno = errnoOf(cause) ?? "an error";
  const must = { ENOENT: "must be a program, is not there", EACCES: "must be a program that may be run" }[errno];
  return new ChangeNeededError(
    "CommandMissing",
    `Cannot run ${quotedPath(file)}: ${must ?? `can't be run: ${fileProblem(cause) ?? "it failed"}`}`,
    {
      cause,
    },
  );
}

const failed = (file: string, must: string, said = ""): TryLaterError =>
  new TryLaterError(
    "CommandFailed",
    `Cannot run ${quotedPath(file)}: ${must}${said === "" ? "" : `; it said: ${said}`}`,
  );
