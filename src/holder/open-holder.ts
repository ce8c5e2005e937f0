import type { Registry } from "prom-client";
import type { Signatures } from "../jwt/signatures.ts";
import type { RevokedSet } from "../jwt/revoked-set.ts";
import type { Log } from "../telemetry/log.ts";
import { type Clock, momentOf } from "../time/clock.ts";
import { assemble, type SourcesPlan } from "./assemble.ts";
import { HolderMetrics } from "./holder-metrics.ts";
import { addKeyMetrics } from "./key-metrics.ts";
import { newObserver } from "./observer.ts";
import { HolderReadiness, silenceOf } from "./readiness.ts";
import { RingHolder } from "./ring-holder.ts";
import type { RingMemory } from "./ring-memory.ts";
import { jwksDocument, type WellKnown } from "./well-known.ts";

export interface HolderOptions {
  readonly sources: SourcesPlan;
  /** False: no private half is kept, and nothing is minted. */
  readonly mints: boolean;
  readonly clock: Clock;
  readonly chance: () => number;
  readonly newId: () => string;
  /** Who computes signatures. @default node:crypto */
  readonly signatures?: Signatures;
  /** How many tokens in use each key remembers as verified. @default 4096 */
  readonly cacheEntries?: number;
  /** Tokens that are refused whatever key signed them; may change at any time. @default none */
  readonly revoked?: RevokedSet;
  /** Where its metrics go, and what their names begin with, such as `keyturn_gateway`. */
  readonly metrics: { readonly registry: Registry; readonly prefix: string };
  readonly log: Log;
}

/** A ring in memory, and all that a program needs of it. */
export interface OpenedHolder {
  /** Verifier and minter, as they are now. */
  readonly memory: RingMemory;
  /** The public keys for everybody. */
  readonly jwks: WellKnown;
  /**
   * `/readyz`.
   *
   * @param ending - Aborted when no more traffic is to come
   * @param remarks - What else is to be told, a line each
   */
  readiness(ending: AbortSignal, remarks?: () => readonly string[]): HolderReadiness;
  /** Begins to ask and to acknowledge: to be called once. Settles after {@link close}; rejects for a defect alone. */
  run(): Promise<void>;
  /** Stops, takes its ack back, and closes what was opened for it. */
  close(): Promise<void>;
}

/** A holder that has asked nobody yet. @throws ChangeNeededError `PlanUnusable` */
export async function openHolder(options: HolderOptions): Promise<OpenedHolder> {
  const { sources, mints, clock, chance, log, metrics } = options;
  const opened: { holder?: RingHolder } = {};
  const state = () => opened.holder?.memory.state;
  addKeyMetrics({ ...metrics, memory: () => opened.holder?.memory });
  const parts = await assemble(sources, { clock, chance, log, mints, state });
  const observer = newObserver(log, new HolderMetrics({ ...metrics, clock, state }));
  const holder = (opened.holder = await RingHolder.begin({ ...options, ...parts, observer }));
  const { memory } = holder;
  const now = () => momentOf(clock);
  const stop = new AbortController();
  let running: Promise<void> | undefined;
  return {
    memory,
    jwks: jwksDocument({ state: () => memory.state, now }),
    readiness: (ending, remarks = () => []) =>
      new HolderReadiness(
        () => memory.state,
        ending,
        () => [...silenceOf(memory.state, now()), ...remarks()],
      ),
    run: () => (running = holder.run(stop.signal)),
    close: async () => {
      stop.abort();
      try {
        await running;
        await holder.leave();
      } finally {
        parts.close();
      }
    },
  };
}
