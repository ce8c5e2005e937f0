import { once } from "node:events";
import { onTestFinished } from "vitest";
import type { AckSink } from "../../../src/holder/acks/ack-sink.ts";
import { RingHolder, type HolderParts, type Watched } from "../../../src/holder/ring-holder.ts";
import type { SourceReading, Truth } from "../../../src/holder/sources/ring-source.ts";
import type { Floor, HolderState } from "../../../src/holder/state.ts";
import type { Ack } from "../../../src/ring/ack.ts";
import { FakeClock, turn } from "../../support/fake-clock.ts";
import { opened, type RingPlan } from "./rings.ts";

export const ring = (plan: RingPlan): SourceReading => ({ kind: "ring", ring: opened(plan) });

/** Everything around a gateway, in memory; what it does to it is written down in order. */
export class World {
  readonly clock = new FakeClock();
  readonly deeds: string[] = [];
  /** What the source of truth shows, or why it doesn't. */
  shows: SourceReading | Error = { kind: "missing", problem: "nothing yet" };
  /** Why acks can't be written. */
  ackFault: Error | undefined;
  floorFault: Error | undefined;
  ack: Ack | undefined;
  /** How often it looked for its ack. */
  checks = 0;
  tellsOfAck: () => void = () => undefined;
  watches: (reading: SourceReading) => void = () => undefined;
  floor: Floor | "lost" | undefined;
  #written: ((ack: Ack) => void) | undefined;
  #mount: (reading: SourceReading) => void = () => undefined;
  gateway!: RingHolder;

  readonly truth: Truth = {
    isServer: true,
    read: async () => {
      if (this.shows instanceof Error) {
        this.deeds.push("reads in vain");
        throw this.shows;
      }
      this.deeds.push("reads");
      return this.shows;
    },
  };
  readonly acks: AckSink = {
    checkEveryMs: 60_000,
    write: async (ack) => {
      if (this.ackFault) throw this.ackFault;
      this.deeds.push(`acks ${ack.generation}`);
      this.ack = ack;
      this.#written?.(ack);
    },
    check: async () => {
      this.checks += 1;
      return this.ack;
    },
    watch: async (signal, tell) => {
      this.tellsOfAck = tell;
      await once(signal, "abort");
    },
    end: async () => void this.deeds.push("leaves"),
  };
  readonly mount: Watched = {
    run: async (signal, tell) => {
      this.#mount = tell;
      await once(signal, "abort");
    },
  };

  readonly watch: Watched = {
    run: async (signal, tell) => {
      this.watches = tell;
      await once(signal, "abort");
    },
  };

  /** Resolves with the next ack of that generation that is written. */
  acknowledged(generation: number): Promise<void> {
    return new Promise((resolve) => {
      const look = (ack: Ack | undefined): void => {
        if (ack?.generation === generation) resolve();
      };
      this.#written = look;
      look(this.ack);
    });
  }

  /** Runs a gateway until the test ends. */
  async start(change: Partial<HolderParts> = {}): Promise<this> {
    this.gateway = await RingHolder.begin({
      setup: { rotation: "gateway", acks: "required", fenced: true },
      ...{ truth: this.truth, mount: this.mount, watch: this.watch, acks: this.acks, clock: this.clock },
      floor: {
        read: async () => this.floor,
        write: async (floor) => {
          if (this.floorFault) throw this.floorFault;
          this.deeds.push(`keeps ${floor.ring.ring.generation}`);
          this.floor = floor;
        },
      },
      chance: () => 1,
      newId: () => "id",
      observer: { swapped: () => undefined, changed: () => undefined },
      ...change,
    });
    const stop = new AbortController();
    const running = this.gateway.run(stop.signal);
    onTestFinished(async () => {
      stop.abort();
      await running;
    });
    // What it does at once is done, and what it waits for is armed
    await turn();
    return this;
  }

  get state(): HolderState {
    return this.gateway.memory.state;
  }

  get generation(): number | undefined {
    return this.state.current?.ring.generation;
  }

  mounts(reading: SourceReading): void {
    this.#mount(reading);
  }

  /** Resolves as soon as the state fits. */
  async sees(fits: (state: HolderState) => boolean): Promise<void> {
    await this.gateway.memory.until(fits, Infinity);
  }
}
