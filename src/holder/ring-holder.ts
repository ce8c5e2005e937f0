import { type Backoff, backoffMs, type Chance } from "../time/backoff.ts";
import { sleep } from "../time/clock.ts";
import { ApiError, ConnectionError, KubeError, mayWorkLater } from "../kube/kube-errors.ts";
import type { Ack } from "../ring/ack.ts";
import type { AckSink } from "./acks/ack-sink.ts";
import { Bell } from "../time/bell.ts";
import type { FloorFile } from "./floor.ts";
import { RingMemory, type RingMemoryParts } from "./ring-memory.ts";
import { type HolderEvent, isPatient } from "./reduce.ts";
import type { SourceReading, Truth } from "./sources/ring-source.ts";
import { type Floor, newHolder, awayPatienceMs, type Setup } from "./state.ts";
import { confirmation, isReady, type Want, wants } from "./state-view.ts";

/** A source that tells of itself. */
export interface Watched {
  run(signal: AbortSignal, tell: (reading: SourceReading) => void): Promise<void>;
}

export interface HolderParts extends RingMemoryParts {
  readonly setup: Setup;
  readonly truth: Truth;
  readonly mount?: Watched;
  readonly watch?: Watched;
  readonly acks?: AckSink;
  readonly floor?: Pick<FloorFile, "read" | "write">;
  readonly chance: Chance;
}

const backoff: Backoff = { baseMs: 250, maxMs: 5000 };

/** Keeps a ring in memory as new as its sources: carries out what the pure core wants, and tells it what came of that. */
export class RingHolder {
  readonly memory: RingMemory;
  readonly #parts: HolderParts;
  readonly #bell: Bell;
  /** Rung when what stands as our ack is in doubt. */
  readonly #doubt: Bell;
  /** The older generation that a source shows, or 0 for nothing; undefined while it shows none. */
  #behind: number | undefined;
  #kept: Floor | undefined;

  private constructor(parts: HolderParts, memory: RingMemory) {
    this.memory = memory;
    this.#parts = parts;
    this.#bell = new Bell(parts.clock);
    this.#doubt = new Bell(parts.clock);
  }

  /** A gateway that knows its floor and has asked nobody yet. @throws Error of node:fs when the floor can't be asked for */
  static async begin(parts: HolderParts): Promise<RingHolder> {
    const floor = await parts.floor?.read();
    return new RingHolder(parts, new RingMemory(parts, newHolder(parts.setup, floor, parts.clock.monotonicMs())));
  }

  /** Runs until the signal. Then the ack is left as it is: {@link leave} takes it back. Never rejects but for a defect. */
  async run(signal: AbortSignal): Promise<void> {
    const { mount, watch, acks } = this.#parts;
    const forget = this.memory.listen(() => this.#bell.ring());
    await Promise.all([
      this.#carryOut(signal),
      mount?.run(signal, (reading) => this.#tell("mount", reading)),
      watch?.run(signal, (reading) => this.#tell("watch", reading)),
      acks && this.#checkAcks(acks, signal),
      acks?.watch?.(signal, () => this.#doubt.ring()),
    ]);
    forget();
  }

  /** Says good-bye where that is heard. */
  async leave(): Promise<void> {
    if (this.memory.state.acked) await this.#parts.acks?.end();
  }

  /** A source that went back may have taken our ack along: that is looked at now, not in a minute. */
  #compare(reading: SourceReading): void {
    const here = this.memory.state.current?.ring.generation ?? 0;
    const shown = reading.kind === "ring" ? reading.ring.ring.generation : reading.kind === "missing" ? 0 : here;
    const behind = shown < here ? shown : undefined;
    if (behind !== undefined && behind !== this.#behind) this.#doubt.ring();
    this.#behind = behind;
  }

  #tell(source: "mount" | "watch", reading: SourceReading): void {
    // A mount may lag by a minute
    if (source === "watch") this.#compare(reading);
    if (reading.kind === "ring") this.memory.dispatch({ type: "shown", source, ring: reading.ring });
    else this.memory.dispatch({ type: "unfit", source, problem: reading.problem });
  }

  async #carryOut(signal: AbortSignal): Promise<void> {
    const { clock, chance } = this.#parts;
    let failures = 0;
    while (!signal.aborted) {
      this.memory.dispatch({ type: "tick" });
      if (isReady(this.memory.state)) await this.#keepFloor().catch((error: unknown) => this.#failed(error, "ack"));
      const want = wants(this.memory.state, clock.nowMs());
      if (want.kind === "wait") {
        await this.#bell.sleep(Math.min(want.untilMs - clock.nowMs(), this.#patienceLeftMs()), signal);
      } else if (await this.#perform(want, signal)) {
        failures = 0;
      } else {
        failures += 1;
        // An ack that can't be written holds up no confirmation
        const also = want.kind === "ack" ? confirmation(this.memory.state, clock.nowMs()) : want;
        if (also !== want && also.kind === "read") await this.#perform(also, signal);
        // Not to be woken: a failure is an event as well
        await sleep(clock, Math.min(backoffMs(backoff, failures, chance), this.#patienceLeftMs()), signal);
      }
    }
  }

  /** Until a start without its source of truth may give up waiting. */
  #patienceLeftMs(): number {
    const { state } = this.memory;
    if (!isPatient(state)) return Infinity;
    const leftMs = state.awaySinceMs + awayPatienceMs - this.#parts.clock.monotonicMs();
    return leftMs > 0 ? leftMs : Infinity;
  }

  /** True when it was done. */
  async #perform(want: Want & { readonly kind: "ack" | "read" }, signal: AbortSignal): Promise<boolean> {
    try {
      return want.kind === "ack" ? await this.#acknowledge(want.ack) : await this.#read(signal);
    } catch (error) {
      if (!signal.aborted) this.#failed(error, want.kind === "ack" ? "ack" : "truth");
      return false;
    }
  }

  async #acknowledge(ack: Ack): Promise<boolean> {
    // What is promised must outlive this container before it is promised
    if (ack.generation > 0) await this.#keepFloor();
    await this.#parts.acks?.write(ack);
    this.memory.dispatch({ type: "acked", ack });
    return true;
  }

  async #read(signal: AbortSignal): Promise<boolean> {
    const { truth, clock } = this.#parts;
    const askedAtMs = clock.nowMs();
    const reading = await truth.read(signal);
    const { isServer } = truth;
    this.#compare(reading);
    if (reading.kind === "unfit") {
      this.memory.dispatch({
        type: "unfit",
        source: "truth",
        problem: reading.problem,
        ...(isServer && { askedAtMs }),
      });
      return false;
    }
    const ring = reading.kind === "ring" ? reading.ring : undefined;
    this.memory.dispatch({ type: "read", askedAtMs, isServer, ...(ring && { ring }) });
    // An answer that changes nothing (a source that went back to an older signer) is not to be asked for again at once
    return ring !== undefined && confirmation(this.memory.state, clock.nowMs()).kind !== "read";
  }

  /** Of the state as it is now. @throws Error of node:fs: nothing may be promised then */
  async #keepFloor(): Promise<void> {
    const { floor, setup } = this.#parts;
    const { current: ring, refused, confirmed } = this.memory.state;
    const isKept = ring === this.#kept?.ring && refused === this.#kept?.refused && confirmed === this.#kept.confirmed;
    if (floor === undefined || setup.acks === "off" || ring === undefined || isKept) return;
    const next: Floor = { ring, refused, ...(confirmed && { confirmed }) };
    await floor.write(next);
    this.#kept = next;
  }

  async #checkAcks(acks: AckSink, signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#doubt.sleep(acks.checkEveryMs, signal);
      if (signal.aborted) return;
      const { acked } = this.memory.state;
      if (acked !== undefined) await this.#checkAck(acks, acked);
    }
  }

  async #checkAck(acks: AckSink, acked: Ack): Promise<void> {
    try {
      const ack = await acks.check();
      // An ack that was written meanwhile is newer than what was found
      if (this.memory.state.acked === acked) this.memory.dispatch({ type: "ackFound", ...(ack && { ack }) });
    } catch (error) {
      this.#failed(error, "ack");
    }
  }

  #failed(error: unknown, from: "truth" | "ack"): void {
    this.memory.dispatch(failure(error, from));
  }
}

/** Errors are of the API server's client, or of the disk; their messages name places, never what stands there. */
function failure(error: unknown, from: "truth" | "ack"): HolderEvent {
  const problem = error instanceof Error ? error.message : String(error);
  const isDenied = error instanceof KubeError && !mayWorkLater(error);
  return isDenied ? { type: "denied", from, problem } : { type: "away", from, problem, maybeDone: mayBeDone(error) };
}

/** The request may have been carried out all the same: the connection broke after it left, or the server did not get to the end. */
const mayBeDone = (error: unknown): boolean =>
  (error instanceof ConnectionError && error.maybeDone) || (error instanceof ApiError && error.status >= 500);
