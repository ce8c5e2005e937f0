import { KeyturnError, TryLaterError } from "../errors/keyturn-error.ts";
import type { Log } from "../telemetry/log.ts";
import { type Backoff, backoffMs, type Chance } from "../time/backoff.ts";
import { type Clock, sleep } from "../time/clock.ts";
import type { GrantStore } from "./store/grant-store.ts";
import type { PruneRequest } from "./store/revocation-log.ts";

interface KeepingPorts {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly signal: AbortSignal;
}

const backoff: Backoff = { baseMs: 500, maxMs: 10_000 };

/**
 * Opens a store, again and again while it is away: whole clusters start at once. Undefined: the signal came first.
 *
 * @throws ChangeNeededError what waiting does not mend
 */
export async function openInTime(
  open: () => Promise<GrantStore>,
  { clock, chance, log, signal }: KeepingPorts,
): Promise<GrantStore | undefined> {
  for (let failures = 1; !signal.aborted; failures++) {
    try {
      return await open();
    } catch (error) {
      if (!isAway(error)) throw error;
      log.warn({ code: error.code }, `The store can't be opened yet: ${error.message}`);
      await sleep(clock, backoffMs(backoff, failures, chance), signal);
    }
  }
  return undefined;
}

/** What was found out in the background; for readiness and metrics. */
export interface StoreNews {
  /** Absent: it is not open yet. */
  store?: GrantStore;
  /** Grants that can be renewed; absent before they were counted. */
  grants?: number;
  /** Why the store can't be used now; absent while it can. */
  problem?: string;
}

/** How often it is looked whether the store answers, in milliseconds. */
const checkMs = 15_000;
/** Of these looks every so many: what ended is forgotten; grants are counted, which reads them all. */
const pruneEvery = 4;
const countEvery = 20;
/** Rows of one statement. */
const pruneLimit = 500;

export interface StoreKeeping extends KeepingPorts {
  readonly store: GrantStore;
  readonly news: StoreNews;
  /** How long an access token may live that was given out just before its grant's end. @throws TryLaterError while nobody knows */
  readonly longestTtlMs: () => number;
}

/** Forgets what has ended, counts, and looks whether the store answers; until the signal. Never rejects. */
export async function keepStore(keeping: StoreKeeping): Promise<void> {
  const { store, news, clock, log, signal } = keeping;
  for (let look = 0; !signal.aborted; look++) {
    try {
      await store.check();
      if (look % pruneEvery === 0) await prune(keeping);
      if (look % countEvery === 0) news.grants = await store.count(clock.nowMs());
      if (news.problem !== undefined) log.info({}, "The store can be used again");
      delete news.problem;
    } catch (error) {
      const problem = error instanceof KeyturnError ? error.message : "this is a defect of Keyturn";
      if (news.problem !== problem) log.warn({}, `The store can't be used: ${problem}`);
      news.problem = problem;
    }
    await sleep(clock, checkMs, signal);
  }
}

async function prune({ store, longestTtlMs, clock, log, signal }: StoreKeeping): Promise<void> {
  const nowMs = clock.nowMs();
  const grants = ttlOf(longestTtlMs);
  const forgotten = {
    grants: grants === undefined ? 0 : await all((one) => store.pruneGrants(one), nowMs - grants, signal),
    revocations: await all((one) => store.pruneRevocations(one), nowMs, signal),
  };
  if (forgotten.grants + forgotten.revocations > 0) log.info(forgotten, "Forgot what has ended");
}

/** A little at a time, with others between. */
async function all(
  pruneSome: (request: PruneRequest) => Promise<number>,
  endedBeforeMs: number,
  signal: AbortSignal,
): Promise<number> {
  let sum = 0;
  while (!signal.aborted) {
    const some = await pruneSome({ endedBeforeMs, limit: pruneLimit });
    sum += some;
    if (some < pruneLimit) break;
  }
  return sum;
}

/** Undefined while no ring is there: what has ended is forgotten later. */
function ttlOf(longestTtlMs: () => number): number | undefined {
  try {
    return longestTtlMs();
  } catch (error) {
    if (isAway(error)) return undefined;
    throw error;
  }
}

const isAway = (error: unknown): error is TryLaterError => error instanceof TryLaterError;
