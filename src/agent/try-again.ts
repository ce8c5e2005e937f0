import { backoffMs, type Chance } from "../time/backoff.ts";

const leastWaitMs = 1000;
const backoff = { baseMs: 1000, maxMs: 60_000 } as const;

/**
 * How long the agent waits before it tries again what its own machine did not let it do, in milliseconds: 1 s and more, up to about a minute.
 *
 * @param failures - In a row, with the last one
 */
export const tryAgainMs = (failures: number, chance: Chance): number =>
  leastWaitMs + backoffMs(backoff, failures, chance);
