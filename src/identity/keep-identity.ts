import type { Chance } from "../time/backoff.ts";
import { type Clock, systemClock } from "../time/clock.ts";
import { ClockWatch } from "./clock-watch.ts";
import { IdentityDriver } from "./identity-driver.ts";
import type { KeptIdentity } from "./kept-identity.ts";
import type { IdentityNews, Keep } from "./machine/identity-state.ts";
import type { PairIssuer } from "./pair-issuer.ts";
import { pairInMemory, type PairStore } from "./store/pair-store.ts";

export interface IdentityOptions {
  readonly issuer: PairIssuer;
  /** @default in memory: every start begins with the first credential */
  readonly store?: PairStore;
  /** @default always */
  readonly keep?: Keep;
  /** Begins also where there is no token yet, and goes on trying. @default false */
  readonly startWithout?: boolean;
  /** Hears of every new token, the one at the start too, and of every failure. Must not throw. */
  readonly onChange?: (news: IdentityNews) => void;
  /** @default the machine's, whose timers keep the process alive */
  readonly clock?: Clock;
  /** @default Math.random */
  readonly chance?: Chance;
}

/**
 * Begins to keep the token of an identity fresh: takes what the store has, renews it if it is about to end, or shows the first credential.
 *
 * @throws KeyturnError where there is no token then, unless it may start without; or where the store can't be read
 */
export async function keepIdentity(options: IdentityOptions): Promise<KeptIdentity> {
  const { issuer, store = pairInMemory(), keep = "always", startWithout = false, onChange } = options;
  const { clock = systemClock, chance = Math.random } = options;
  const watch = new ClockWatch(clock);
  const driver = new IdentityDriver({ issuer, store, keep, clock, watch, chance, ...(onChange && { onChange }) });
  await driver.start(await store.read(), startWithout);
  return driver;
}
