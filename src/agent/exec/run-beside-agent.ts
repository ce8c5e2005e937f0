import { join } from "node:path";
import type { FreshToken } from "../../identity/kept-identity.ts";
import type { Log } from "../../telemetry/log.ts";
import type { Chance } from "../../time/backoff.ts";
import type { Clock } from "../../time/clock.ts";
import type { SinkDocument } from "../api/identity-document.ts";
import { openSink } from "../sinks/open-sinks.ts";
import { tokenFileOf } from "../sinks/token-file.ts";
import { followToken } from "./follow-token.ts";
import { inPrivateDir } from "./private-dir.ts";
import { type RelaySignals, runChild } from "./run-child.ts";

/** An agent that runs, in this process or in another one. */
export interface AskedAgent {
  /** @throws KeyturnError where there is none of the name */
  identity(name: string): Promise<{ readonly sinks: readonly SinkDocument[] }>;
  /** @throws KeyturnError */
  token(name: string): Promise<FreshToken>;
}

export interface BesideAgentOptions {
  readonly agent: AskedAgent;
  /** What `KEYTURN_AGENT_SOCKET` says. */
  readonly socket: string;
  readonly identity: string;
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Begins also where there is no token yet; the file of it is there as soon as it is. */
  readonly startWithout: boolean;
  /** Where a private directory is made for as long as the command runs. */
  readonly runtimeDir: string;
  readonly relaySignals: RelaySignals;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
}

/**
 * Runs a command that finds its token by its environment, newer each time it looks. Returns its exit code, and leaves no file.
 *
 * @throws KeyturnError where there is no such identity, no token, or no such command
 */
export async function runBesideAgent(options: BesideAgentOptions): Promise<number> {
  const { agent, identity, command, env, socket, startWithout, runtimeDir, relaySignals } = options;
  const { sinks } = await agent.identity(identity);
  const first = await agent.token(identity).catch((error: unknown) => {
    if (startWithout) return undefined;
    throw error;
  });
  const own = { ...env, KEYTURN_AGENT_SOCKET: socket, KEYTURN_IDENTITY: identity };
  const file = tokenFileOf(sinks);
  if (file !== undefined) return runChild(command, { env: { ...own, KEYTURN_TOKEN_FILE: file }, relaySignals });
  return inPrivateDir(runtimeDir, "keyturn-exec-", async (dir) => {
    const path = join(dir, "token");
    const sink = openSink({ kind: "file", path, format: "token", mode: 0o600 }, options);
    if (first) await sink.write(first);
    const ending = new AbortController();
    const ask = (): Promise<FreshToken> => agent.token(identity);
    const following = followToken(first, { ...options, ask, sink, signal: ending.signal });
    try {
      return await runChild(command, { env: { ...own, KEYTURN_TOKEN_FILE: path }, relaySignals });
    } finally {
      ending.abort();
      await following;
    }
  });
}
