import type { Chance } from "../time/backoff.ts";
import type { KubeClient } from "../kube/client.ts";
import { type Clock, momentOf, sleep } from "../time/clock.ts";
import { isAlreadyExists, isWriteConflict } from "../kube/kube-errors.ts";
import type { KubeObject } from "../kube/object.ts";
import type { Ref } from "../kube/resource.ts";
import { watchLag } from "../telemetry/lag.ts";
import { freeLease, heldLease, leaseFacts, leases, newLease } from "./lease.ts";
import { type Leadership, Term } from "./term.ts";

export interface ElectionOptions {
  readonly client: KubeClient;
  readonly lease: Ref;
  /** Of this process alone; a pod's name and something random, since a restarted container has the same name. */
  readonly identity: string;
  readonly clock: Clock;
  readonly chance: Chance;
  /** So long after a renewal nobody else takes the lease, in milliseconds. @default 15000 */
  readonly leaseDurationMs?: number;
  /** So long after its last renewal a leader acts at the most, in milliseconds. @default 10000 */
  readonly renewDeadlineMs?: number;
  /** Between two tries, in milliseconds. @default 2000 */
  readonly retryPeriodMs?: number;
  /** A leader whose event loop stood still for so long resigns, in milliseconds. @default 5000 */
  readonly stallLimitMs?: number;
  /** Hears when another process, or none (`""`), holds the lease. */
  readonly onHolder?: (identity: string) => void;
  /** Hears of failed tries and of the reason for which leadership was lost. */
  readonly onProblem?: (error: unknown) => void;
}

/**
 * One leader among many processes, by a Lease that it renews (the algorithm of client-go's leaderelection). A leader stops by
 * itself `leaseDuration - renewDeadline` before anybody may follow, measured from before its last renewal was sent.
 */
export class LeaderElector {
  readonly #options: Required<Omit<ElectionOptions, "onHolder" | "onProblem">> & ElectionOptions;
  /** As the server last said, and when this process first saw it so, monotonic. */
  #seen: { readonly lease: KubeObject; readonly atMs: number } | undefined;
  #holder: string | undefined;
  /** What was seen may not be the newest: a write failed. */
  #mustLook = false;
  #term: Term | undefined;

  constructor(options: ElectionOptions) {
    const defaults = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2000, stallLimitMs: 5000 };
    this.#options = { ...defaults, ...options };
    const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = this.#options;
    if (leaseDurationMs <= renewDeadlineMs || renewDeadlineMs <= retryPeriodMs * 1.2) {
      throw new TypeError("Cannot elect a leader: must have leaseDuration > renewDeadline > 1.2 × retryPeriod");
    }
  }

  get isLeader(): boolean {
    return this.#term?.isHeld() ?? false;
  }

  /** Who holds the lease, as last seen; `""`: nobody; undefined: not seen yet. */
  get holder(): string | undefined {
    return this.#holder;
  }

  /**
   * Leads whenever it can: calls `lead`, which must end after the signal of its leadership, or after `stop`; until then the
   * lease is renewed, and then it is given back. Resolves after `stop`. Rejects with what `lead` throws.
   */
  async run(stop: AbortSignal, lead: (leadership: Leadership) => Promise<void>): Promise<void> {
    while (!stop.aborted) {
      const term = await this.#tryTerm(stop);
      if (term === undefined) await this.#pause(stop);
      else if ((await this.#serve(term, lead)) === "lost") await this.#pause(stop);
    }
  }

  /** A term, if the lease could be taken. */
  async #tryTerm(stop: AbortSignal): Promise<Term | undefined> {
    const { clock, renewDeadlineMs } = this.#options;
    const at = momentOf(clock);
    if (!(await this.#hold(stop))) return undefined;
    return new Term(clock, renewDeadlineMs, at);
  }

  /** Leads once. After a loss others get the first chance. */
  async #serve(term: Term, lead: (leadership: Leadership) => Promise<void>): Promise<"lost" | "ended"> {
    const { clock, onProblem, stallLimitMs } = this.#options;
    this.#term = term;
    const ended = new AbortController();
    const endLag = watchLag(clock, 500, (lateMs) => {
      if (lateMs >= stallLimitMs) term.lose(`the process stood still for ${Math.round(lateMs)} ms`);
    });
    const renewal = this.#renew(term, ended.signal);
    try {
      await lead({ signal: term.signal, isHeld: () => term.isHeld() });
    } finally {
      ended.abort();
      endLag();
      await renewal;
      // Also after it was lost: unless another has it already, which the version tells, it helps that one
      await this.#release();
      term.end();
      this.#term = undefined;
      if (term.lostBy !== undefined) onProblem?.(term.lostBy);
    }
    return term.lostBy === undefined ? "ended" : "lost";
  }

  async #renew(term: Term, ended: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const either = AbortSignal.any([ended, term.signal]);
    for (;;) {
      await this.#pause(either);
      if (either.aborted) return;
      const at = momentOf(clock);
      const isHeld = await this.#hold(either);
      if (isHeld) term.renewed(at);
      else if (this.#holder !== undefined && this.#holder !== this.#options.identity) {
        term.lose(`the lease is held by "${this.#holder}"`);
      }
    }
  }

  #pause(signal: AbortSignal): Promise<void> {
    const { clock, chance, retryPeriodMs } = this.#options;
    return sleep(clock, retryPeriodMs * (1 + 0.2 * chance()), signal);
  }

  /** Takes or renews the lease; false when it is another's, or nobody could be asked. */
  async #hold(signal: AbortSignal): Promise<boolean> {
    const { client, clock, identity, lease: ref, leaseDurationMs: durationMs, renewDeadlineMs } = this.#options;
    const call = { signal, timeoutMs: renewDeadlineMs / 2, totalMs: renewDeadlineMs / 2 };
    try {
      const known = this.#holder === identity && !this.#mustLook ? this.#seen?.lease : undefined;
      const lease = known ?? (await client.find(leases, ref, call));
      this.#mustLook = false;
      const hold = { identity, durationMs, nowMs: clock.nowMs() };
      if (lease === undefined) {
        this.#see(await client.create(leases, newLease(ref, hold), call));
        return true;
      }
      this.#see(lease);
      if (!this.#mayTake(lease)) return false;
      this.#see(await client.update(leases, heldLease(lease, hold), call));
      return true;
    } catch (error) {
      // Somebody was quicker, or our own last write came through after all
      this.#mustLook = true;
      const isLostRace = isWriteConflict(error) || isAlreadyExists(error);
      if (!signal.aborted && !isLostRace) this.#options.onProblem?.(error);
      return false;
    }
  }

  #mayTake(lease: KubeObject): boolean {
    const { holder, durationMs = this.#options.leaseDurationMs } = leaseFacts(lease);
    if (holder === "" || holder === this.#options.identity) return true;
    return this.#options.clock.monotonicMs() >= (this.#seen?.atMs ?? Infinity) + durationMs;
  }

  /** By our own clock from when we saw it: the holder's clock may be anything. */
  #see(lease: KubeObject): void {
    const isNew = this.#seen?.lease.metadata.resourceVersion !== lease.metadata.resourceVersion;
    if (isNew) this.#seen = { lease, atMs: this.#options.clock.monotonicMs() };
    const { holder } = leaseFacts(lease);
    if (holder === this.#holder) return;
    this.#holder = holder;
    this.#options.onHolder?.(holder);
  }

  async #release(): Promise<void> {
    const { client, clock, onProblem, retryPeriodMs } = this.#options;
    const lease = this.#seen?.lease;
    if (lease === undefined || leaseFacts(lease).holder !== this.#options.identity) return;
    try {
      const call = { timeoutMs: retryPeriodMs, totalMs: retryPeriodMs };
      this.#see(await client.update(leases, freeLease(lease, clock.nowMs()), call));
    } catch (error) {
      this.#mustLook = true;
      if (!isWriteConflict(error)) onProblem?.(error);
    }
  }
}
