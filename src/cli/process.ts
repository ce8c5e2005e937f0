// The process itself: what main.ts starts, and the bundle after a look of its own
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename } from "node:path";
import { isatty } from "node:tty";
import { setTimeout as sleep } from "node:timers/promises";
import { errnoOf, fileProblem } from "../errors/errno-words.ts";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import { exitCodes } from "../tools/exit.ts";
import { buildOf } from "./build.ts";
import type { Opening } from "./open-home.ts";
import { run } from "./run.ts";
import { screenOf } from "./terminal.ts";
import type { Surroundings } from "./surroundings.ts";
import { quotedPath } from "../errors/quote.ts";

const { env, stdout, stderr } = process;
const interruption = new AbortController();
let onHangUp = (): void => interruption.abort();
const monotonicMs = (): number => performance.now();

const build = buildOf();
const opening: Opening = { clock: { nowMs: () => Date.now(), monotonicMs }, env, version: build.version };

const around: Surroundings = {
  io: {
    out: screenOf(stdout, env),
    err: screenOf(stderr, env),
    // Asked for by few, and dear
    get timeZone() {
      return new Intl.DateTimeFormat().resolvedOptions().timeZone;
    },
    interrupted: interruption.signal,
    nowMs: () => Date.now(),
    randomId: () => randomUUID(),
    pause: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
  },
  logIsLive: stderr.isTTY,
  name: calledBy(process.argv[1]),
  ...build,
  platform: { node: process.version, system: `${process.platform}/${process.arch}` },
  openHome: async (flags) => (await import("./open-home.ts")).openHome(flags, opening),
  openShown: async (flags) => (await import("./open-home.ts")).openShown(flags, opening),
  readFile: readText,
  readInput: async () => (await import("node:stream/consumers")).text(process.stdin),
  readSecret: async () => (await import("./read-secret.ts")).readSecret({ input: process.stdin, prompt: stderr }),
  monotonicMs,
  env,
  hostname: hostname(),
  chance: () => Math.random(),
  rereadOn: (reread) => (onHangUp = reread),
  relaySignals,
};

/** kubectl runs `kubectl-keyturn` for `kubectl keyturn`. */
function calledBy(path = ""): string {
  return basename(path).startsWith("kubectl-") ? "kubectl keyturn" : "keyturn";
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const isMissing = errnoOf(error) === "ENOENT";
    const is = isMissing ? ", is not there" : `: ${fileProblem(error) ?? "it is none"}`;
    throw new ChangeNeededError("FileUnreadable", `Cannot read ${quotedPath(path)}: must be a readable file${is}`);
  }
}

let isAsked = false;

/** The first signal asks for a clean end, the second one gets an end. SIGHUP is neither: service managers send it along. */
function interrupt(): void {
  if (isAsked) process.exit(130);
  isAsked = true;
  interruption.abort();
}

// A terminal that is gone, or a service manager's "read again": never an end without order, and never the second signal
const hungUp = (): void => (stderr.isTTY ? interruption.abort() : onHangUp());

const own = [
  ["SIGINT", interrupt],
  ["SIGTERM", interrupt],
  ["SIGHUP", hungUp],
] as const;

for (const [signal, listener] of own) process.on(signal, listener);

/** What a terminal sends by itself, and sends to each process of the group in front of it. */
const ofTerminal: readonly NodeJS.Signals[] = ["SIGINT", "SIGQUIT", "SIGHUP"];
const relayed: readonly NodeJS.Signals[] = [...ofTerminal, "SIGTERM", "SIGUSR1", "SIGUSR2"];

function relaySignals(take: (signal: NodeJS.Signals) => void): () => void {
  // Not by process.stdin: to look at it would change how the command finds it
  const hasTerminal = isatty(0) || isatty(2);
  const relay = (signal: NodeJS.Signals): void => {
    if (!hasTerminal || !ofTerminal.includes(signal)) take(signal);
  };
  for (const [signal, listener] of own) process.off(signal, listener);
  for (const signal of relayed) process.on(signal, relay);
  return () => {
    for (const [signal, listener] of own) process.on(signal, listener);
    for (const signal of relayed) process.off(signal, relay);
  };
}

// `keyturn status | head` is no fault
stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(exitCodes.done);
});

/** Whatever the command, keys or tokens may come into this memory. */
async function begin(): Promise<void> {
  const { keepMemoryPrivate } = await import("./native-library.ts");
  keepMemoryPrivate();
  process.exitCode = await run(process.argv.slice(2), around, env);
}

void begin();
