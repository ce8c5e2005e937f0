import type { RevokedSet } from "../../jwt/revoked-set.ts";
import { type Backoff, backoffMs, type Chance } from "../../time/backoff.ts";
import { Bell } from "../../time/bell.ts";
import type { Clock } from "../../time/clock.ts";
import type { RevocationLog } from "./revocation-log.ts";

export interface FollowOptions {
  readonly clock: Pick<Clock, "nowMs" | "after">;
  readonly chance: Chance;
  /** Hears of each failure; it is tried again. */
  readonly onProblem: (error: unknown) => void;
}

/** Also without a word from the store: a connection may have swallowed one. */
const pollMs = 5000;
const pageSize = 1000;
const backoff: Backoff = { baseMs: 100, maxMs: 5000 };

/**
 * Keeps the set what the log says, until the signal: first everything that is in force, then each that comes, in the tick in which the
 * store tells of it. While the log can't be read, the set stays as it was.
 */
export async function followRevocations(
  log: RevocationLog,
  { set, signal }: { readonly set: RevokedSet; readonly signal: AbortSignal },
  { clock, chance, onProblem }: FollowOptions,
): Promise<void> {
  const bell = new Bell(clock);
  const forget = log.onRevocation(() => bell.ring());
  let seq: number | undefined;
  let failures = 0;
  while (!signal.aborted) {
    try {
      seq = seq === undefined ? await begin(log, set, clock.nowMs()) : await goOn(log, set, seq);
      failures = 0;
    } catch (error) {
      failures += 1;
      onProblem(error);
    }
    set.prune(clock.nowMs());
    await bell.sleep(failures > 0 ? backoffMs(backoff, failures, chance) : pollMs, signal);
  }
  forget();
}

async function begin(log: RevocationLog, set: RevokedSet, nowMs: number): Promise<number> {
  const { seq, revocations } = await log.revocations(nowMs);
  set.replace(revocations);
  return seq;
}

async function goOn(log: RevocationLog, set: RevokedSet, from: number): Promise<number> {
  let seq = from;
  for (;;) {
    const news = await log.revocationsAfter(seq, pageSize);
    for (const one of news) set.add(one);
    seq = news.at(-1)?.seq ?? seq;
    if (news.length < pageSize) return seq;
  }
}
