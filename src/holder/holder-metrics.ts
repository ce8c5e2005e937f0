import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { type Clocks, momentOf } from "../time/clock.ts";
import { silenceMs } from "./freshness.ts";
import type { HolderState, Source } from "./state.ts";
import { isReady, mintView } from "./state-view.ts";

const sources: readonly Source[] = ["mount", "watch", "truth"];

/** From 10 µs to 1 s. */
const buckets = [0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1];

export interface HolderMetricsOptions {
  readonly registry: Registry;
  /** Of every name: the program that holds the ring, such as `keyturn_gateway`. */
  readonly prefix: string;
  readonly clock: Clocks;
  /** Asked when somebody looks; undefined: there is no holder yet. */
  readonly state: () => HolderState | undefined;
}

/** What is measured of a ring in memory. Every label has a fixed set of values; nothing of a key is among them. */
export class HolderMetrics {
  readonly #options: HolderMetricsOptions;
  readonly #unfit: Counter<"source">;
  readonly #swapSeconds: Histogram;
  #swappedAtMs: number | undefined;

  /** @throws Error when the registry has metrics of that prefix already */
  constructor(options: HolderMetricsOptions) {
    const { registry, prefix, clock } = options;
    this.#options = options;
    this.#unfit = new Counter({
      name: `${prefix}_unfit_documents_total`,
      help: "Documents that were not taken, by source",
      labelNames: ["source"],
      registers: [registry],
    });
    for (const source of sources) this.#unfit.inc({ source }, 0);
    this.#swapSeconds = new Histogram({
      name: `${prefix}_swap_seconds`,
      help: "Seconds from the arrival of a ring to its use",
      buckets,
      registers: [registry],
    });
    this.#ofState("ring_generation", "Generation of the ring in memory", ({ current }) => current?.ring.generation);
    this.#ofState("acked_generation", "Generation that was acknowledged last", ({ acked }) => acked?.generation);
    this.#ofState("ready", "1: takes traffic", (of) => Number(isReady(of)));
    this.#ofState("degraded", "1: ready without its source of truth", ({ degraded }) => Number(degraded));
    this.#ofState(
      "silence_seconds",
      "Seconds since the source of truth was last heard",
      (of) => silenceMs(of, momentOf(clock)) / 1000,
    );
    this.#ofState("mint_fence_seconds", "Seconds until tokens can't be made without a new confirmation", (of) => {
      const view = mintView(of, clock.nowMs());
      return typeof view === "string" || view.fenceAtMs === Infinity
        ? undefined
        : (view.fenceAtMs - clock.nowMs()) / 1000;
    });
    this.#gauge("ring_age_seconds", "Seconds since the ring in memory was taken", () =>
      this.#swappedAtMs === undefined ? undefined : (clock.monotonicMs() - this.#swappedAtMs) / 1000,
    );
  }

  /** A document was not taken. */
  readonly unfit = (source: Source): void => this.#unfit.inc({ source });

  /** A ring was put in place of another. */
  readonly swapped = (tookMs: number): void => {
    this.#swappedAtMs = this.#options.clock.monotonicMs();
    this.#swapSeconds.observe(tookMs / 1000);
  };

  #ofState(name: string, help: string, read: (of: HolderState) => number | undefined): void {
    this.#gauge(name, help, () => {
      const now = this.#options.state();
      return now && read(now);
    });
  }

  /** @param read - Undefined: there is nothing to tell */
  #gauge(name: string, help: string, read: () => number | undefined): void {
    const { registry, prefix } = this.#options;
    new Gauge({
      name: `${prefix}_${name}`,
      help,
      registers: [registry],
      collect() {
        const value = read();
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  }
}
