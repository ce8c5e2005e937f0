import { KeyturnError } from "../../errors/keyturn-error.ts";
import type { FreshToken } from "../../identity/kept-identity.ts";
import type { Log } from "../../telemetry/log.ts";
import { type Clock, sleep } from "../../time/clock.ts";
import type { Sink } from "../sinks/sink.ts";

export interface FollowTokenOptions {
  /** Asks the agent. @throws KeyturnError */
  readonly ask: () => Promise<FreshToken>;
  readonly sink: Sink;
  readonly clock: Pick<Clock, "after" | "nowMs">;
  readonly log: Log;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** The agent is on the same machine, and renews long before the end: so often is enough, and costs nothing. In milliseconds. */
const longestMs = 5000;
const shortestMs = 50;

/** Writes each new token of an agent to a place, until the signal. Begins with the one that is known. Never rejects. */
export async function followToken(first: FreshToken | undefined, options: FollowTokenOptions): Promise<void> {
  const { ask, sink, clock, log, signal } = options;
  let written = first;
  let hasFailed = false;
  const turn = async (): Promise<void> => {
    try {
      const token = await ask();
      if (token.tokenId !== written?.tokenId) await sink.write(token);
      written = token;
      hasFailed = false;
    } catch (error) {
      const why = error instanceof KeyturnError ? error.message : "an unforeseen error";
      // Of an outage the first word is enough
      if (!hasFailed) log.warn({ place: sink.place, why }, "the command has not got the new token");
      hasFailed = true;
    }
  };
  while (!signal.aborted) {
    await turn();
    await sleep(clock, waitMs(written, clock.nowMs()), signal);
  }
}

/** A twentieth of what is left: at the latest there the new token is, long before the end of the one before. */
function waitMs(token: FreshToken | undefined, nowMs: number): number {
  if (token === undefined) return 1000;
  if (token.expiresAtMs === undefined) return longestMs;
  return Math.min(longestMs, Math.max(shortestMs, (token.expiresAtMs - nowMs) / 20));
}
