import { type Backoff, backoffMs, type Chance } from "../kube/backoff.ts";
import { type Clock, sleep } from "../kube/clock.ts";
import { KubeError, mayWorkLater } from "../kube/errors.ts";
import { compileRing, type Verifier } from "../jwt/verifier.ts";
import type { Ack } from "../ring/ack.ts";
import type { AckSink } from "./acks/sink.ts";
import { Bell } from "./bell.ts";
import type { FloorFile } from "./floor.ts";
import { type GatewayEvent, reduce } from "./reduce.ts";
import type { Reading, Truth } from "./sources/reading.ts";
import { type Floor, type GatewayState, newGateway, patienceMs, type Setup } from "./state.ts";
import { isReady, type Want, wants } from "./view.ts";

/** A source that tells of itself. */
export interface Watched {
  run(signal: AbortSignal, tell: (reading: Reading) => void): Promise<void>;
}

/** Hears what happens, for logs and metrics. Must not throw. */
export interface Observer {
  /** A ring was put in place of another; `tookMs`: since a source showed it. */
  swapped(state: GatewayState, tookMs: number): void;
  /** After every event that changed something. */
  changed(before: GatewayState, after: GatewayState): void;
}

export interface GatewayParts {
  readonly setup: Setup;
  /** Absent: nothing is confirmed or acknowledged, the watched sources are all. */
  readonly truth?: Truth;
  readonly mount?: Watched;
  readonly watch?: Watched;
  readonly acks?: AckSink;
  readonly floor?: Pick<FloorFile, "read" | "write">;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly observer: Observer;
}

const backoff: Backoff = { baseMs: 250, maxMs: 5000 };

/** A ring in memory, kept as new as its sources; carries out what the pure core wants. */
export class Gateway {
  readonly #parts: GatewayParts;
  readonly #bell: Bell;
  readonly #listeners = new Set<() => void>();
  #state: GatewayState;
  #verifier: Verifier | undefined;
  #kept: Floor | undefined;

  private constructor(parts: GatewayParts, state: GatewayState) {
    this.#parts = parts;
    this.#bell = new Bell(parts.clock);
    this.#state = state;
    this.#verifier = compiled(state, undefined);
  }

  /** A gateway that knows its floor and has asked nobody yet. @throws Error of node:fs when the floor can't be asked for */
  static async begin(parts: GatewayParts): Promise<Gateway> {
    const floor = await parts.floor?.read();
    return new Gateway(parts, newGateway(parts.setup, floor, parts.clock.monotonicMs()));
  }

  get state(): GatewayState {
    return this.#state;
  }

  /** Of the ring in memory; undefined before the first. One object: what it accepts never changes. */
  get verifier(): Verifier | undefined {
    return this.#verifier;
  }

  /** Runs until the signal. Then the ack is left as it is: {@link leave} takes it back. Never rejects but for a defect. */
  async run(signal: AbortSignal): Promise<void> {
    const { mount, watch, acks } = this.#parts;
    await Promise.all([
      this.#carryOut(signal),
      mount?.run(signal, (reading) => this.#tell("mount", reading)),
      watch?.run(signal, (reading) => this.#tell("watch", reading)),
      acks && this.#checkAcks(acks, signal),
    ]);
  }

  /** Says good-bye where that is heard. */
  async leave(): Promise<void> {
    if (this.#state.acked) await this.#parts.acks?.end();
  }

  /** Resolves with true as soon as the state fits, with false after so long or with the signal. */
  until(fits: (state: GatewayState) => boolean, withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (result: boolean): void => {
        cancel();
        this.#listeners.delete(look);
        resolve(result);
      };
      const look = (): void => {
        if (fits(this.#state)) end(true);
      };
      const cancel = this.#parts.clock.after(withinMs, () => end(false));
      this.#listeners.add(look);
      look();
    });
  }

  /** One state, one verifier, one assignment each in the same turn: a key that leaves verifies nothing from then on. */
  #dispatch(event: GatewayEvent): void {
    const startedAtMs = this.#parts.clock.monotonicMs();
    const before = this.#state;
    const after = reduce(before, event, startedAtMs);
    if (after === before) return;
    const isSwap = after.current !== before.current || after.refused !== before.refused;
    if (isSwap) this.#verifier = compiled(after, this.#verifier);
    this.#state = after;
    const { observer, clock } = this.#parts;
    if (isSwap && after.current) observer.swapped(after, clock.monotonicMs() - startedAtMs);
    observer.changed(before, after);
    for (const listener of this.#listeners) listener();
    this.#bell.ring();
  }

  #tell(source: "mount" | "watch", reading: Reading): void {
    if (reading.kind === "ring") this.#dispatch({ type: "shown", source, ring: reading.ring });
    else this.#dispatch({ type: "unfit", source, problem: reading.problem });
  }

  async #carryOut(signal: AbortSignal): Promise<void> {
    const { clock, chance } = this.#parts;
    let failures = 0;
    while (!signal.aborted) {
      this.#dispatch({ type: "tick" });
      if (isReady(this.#state))
        await this.#keepFloor().catch((error: unknown) => this.#dispatch(failure(error, "ack")));
      const want = wants(this.#state, clock.nowMs());
      if (want.kind === "wait") {
        await this.#bell.sleep(Math.min(want.untilMs - clock.nowMs(), this.#patienceLeftMs()), signal);
      } else if (await this.#perform(want, signal)) {
        failures = 0;
      } else {
        failures += 1;
        // Not to be woken: a failure is an event as well
        await sleep(clock, Math.min(backoffMs(backoff, failures, chance), this.#patienceLeftMs()), signal);
      }
    }
  }

  /** Until a start without its source of truth may give up waiting. */
  #patienceLeftMs(): number {
    const { awaySinceMs, stage, degraded } = this.#state;
    if (awaySinceMs === undefined || stage === "serving" || degraded) return Infinity;
    const leftMs = awaySinceMs + patienceMs - this.#parts.clock.monotonicMs();
    return leftMs > 0 ? leftMs : Infinity;
  }

  /** True when it was done. */
  async #perform(want: Want & { readonly kind: "ack" | "read" }, signal: AbortSignal): Promise<boolean> {
    const { truth, acks, clock } = this.#parts;
    const from = want.kind === "ack" ? "ack" : "truth";
    try {
      if (want.kind === "ack") {
        // What was promised must outlive this container before it is promised
        if (want.ack.generation > 0) await this.#keepFloor();
        await acks?.write(want.ack);
        this.#dispatch({ type: "acked", ack: want.ack });
        return true;
      }
      const askedAtMs = clock.nowMs();
      const reading = await truth?.read(signal);
      return this.#heard(reading, askedAtMs);
    } catch (error) {
      if (!signal.aborted) this.#dispatch(failure(error, from));
      return false;
    }
  }

  #heard(reading: Reading | undefined, askedAtMs: number): boolean {
    if (reading?.kind === "unfit") {
      this.#dispatch({ type: "unfit", source: "truth", problem: reading.problem });
      return false;
    }
    const ring = reading?.kind === "ring" ? reading.ring : undefined;
    this.#dispatch({ type: "read", askedAtMs, ...(ring && { ring }) });
    return ring !== undefined;
  }

  /** @throws Error of node:fs: nothing may be promised then */
  async #keepFloor(): Promise<void> {
    const { floor, setup } = this.#parts;
    const { current: ring, refused, confirmed } = this.#state;
    const isKept = ring === this.#kept?.ring && refused === this.#kept?.refused && confirmed === this.#kept.confirmed;
    if (floor === undefined || setup.acks === "off" || ring === undefined || isKept) return;
    const next: Floor = { ring, refused, ...(confirmed && { confirmed }) };
    await floor.write(next);
    this.#kept = next;
  }

  async #checkAcks(acks: AckSink, signal: AbortSignal): Promise<void> {
    for (;;) {
      await sleep(this.#parts.clock, acks.checkEveryMs, signal);
      if (signal.aborted) return;
      const { acked } = this.#state;
      if (acked !== undefined) await this.#checkAck(acks, acked);
    }
  }

  async #checkAck(acks: AckSink, acked: Ack): Promise<void> {
    try {
      const ack = await acks.check();
      // An ack that was written meanwhile is newer than what was found
      if (this.#state.acked === acked) this.#dispatch({ type: "ackFound", ...(ack && { ack }) });
    } catch (error) {
      this.#dispatch(failure(error, "ack"));
    }
  }
}

const compiled = ({ current, refused }: GatewayState, previous: Verifier | undefined): Verifier | undefined =>
  current && compileRing(current, { revokedKids: refused, ...(previous && { previous }) });

/** Errors are of the API server's client, or of the disk; their messages name places, never what stands there. */
function failure(error: unknown, from: "truth" | "ack"): GatewayEvent {
  const problem = error instanceof Error ? error.message : String(error);
  const isDenied = error instanceof KubeError && !mayWorkLater(error);
  return { type: isDenied ? "denied" : "away", from, problem };
}
