import { revocationKinds, type RevokedSet, type TokenRevocation } from "../../jwt/revoked-set.ts";
import { type Backoff, backoffMs, type Chance } from "../../time/backoff.ts";
import { Bell } from "../../time/bell.ts";
import type { Clock } from "../../time/clock.ts";
import type { LoggedRevocation, RevocationLog } from "./revocation-log.ts";

export interface FollowOptions {
  readonly clock: Pick<Clock, "after">;
  readonly chance: Chance;
  /** Hears of each failure; it is tried again. */
  readonly onProblem: (error: unknown) => void;
}

/** Hears what the log says. */
export interface RevocationListener {
  revoked(one: LoggedRevocation): void;
  /** All that the log had when it was asked has been told. */
  current(): void;
}

/** Also without a word from the store: a connection may have swallowed one. */
const pollMs = 5000;
const pageSize = 1000;
const backoff: Backoff = { baseMs: 100, maxMs: 5000 };

/**
 * Tells the listener what the log says, until the signal: first everything that is kept, then each that comes, in the tick in which the
 * store tells of it. What it was told while the log can't be read stands.
 */
export async function followLog(
  log: RevocationLog,
  { listener, signal }: { readonly listener: RevocationListener; readonly signal: AbortSignal },
  { clock, chance, onProblem }: FollowOptions,
): Promise<void> {
  const bell = new Bell(clock);
  const forget = log.onRevocation(() => bell.ring());
  let seq = 0;
  let failures = 0;
  while (!signal.aborted) {
    try {
      seq = await readOn(log, seq, listener);
      listener.current();
      failures = 0;
    } catch (error) {
      failures += 1;
      onProblem(error);
    }
    await bell.sleep(failures > 0 ? backoffMs(backoff, failures, chance) : pollMs, signal);
  }
  forget();
}

export interface SetToKeep {
  readonly set: RevokedSet;
  /** What is kept in it. @default everything */
  readonly kinds?: readonly TokenRevocation["kind"][];
  readonly signal: AbortSignal;
}

/** Keeps the set what the log says, until the signal. While the log can't be read, the set stays as it was. */
export const followRevocations = (
  log: RevocationLog,
  { set, kinds = revocationKinds, signal }: SetToKeep,
  options: FollowOptions & { readonly clock: Pick<Clock, "nowMs"> },
): Promise<void> => {
  const listener = {
    revoked: (one: LoggedRevocation) => {
      if (kinds.includes(one.kind)) set.add(one);
    },
    current: () => set.prune(options.clock.nowMs()),
  };
  return followLog(log, { listener, signal }, options);
};

/** A page at a time: whoever wants to renew comes in between. */
async function readOn(log: RevocationLog, from: number, listener: RevocationListener): Promise<number> {
  let seq = from;
  for (;;) {
    const news = await log.revocationsAfter(seq, pageSize);
    for (const one of news) listener.revoked(one);
    seq = news.at(-1)?.seq ?? seq;
    if (news.length < pageSize) return seq;
  }
}
