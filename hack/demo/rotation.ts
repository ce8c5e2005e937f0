import { createWriteStream } from "node:fs";
import type { Log } from "../../src/telemetry/log.ts";
import { runStandalone } from "../../src/standalone/run-standalone.ts";

/** What `keyturn standalone` runs, here in the demo's own process. */
export interface RunningRotation {
  /** Resolves when there is something to sign and to verify with. */
  readonly published: Promise<true>;
  /** Rejects when it ends by itself. */
  readonly broken: Promise<never>;
  /** Resolves after the pass that is under way. */
  stop(): Promise<void>;
}

export interface RotationOptions {
  readonly dir: string;
  readonly config: string;
  readonly logFile: string;
}

export function startRotation({ dir, config, logFile }: RotationOptions): RunningRotation {
  const stopping = new AbortController();
  const first = Promise.withResolvers<true>();
  const run = runStandalone({
    dir,
    config: { path: config },
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    log: fileLog(logFile),
    signal: stopping.signal,
    on: ({ ring }) => {
      if (ring) first.resolve(true);
    },
  });
  return {
    published: first.promise,
    broken: run.then(() => Promise.race([])),
    stop: () => {
      stopping.abort();
      return run;
    },
  };
}

function fileLog(path: string): Log {
  const file = createWriteStream(path);
  const at =
    (level: string) =>
    (fields: object, message: string): void => {
      file.write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`);
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
