import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { type Clocks, momentOf } from "../time/clock.ts";
import { refusalReasons } from "../jwt/reasons.ts";
import { credentialFlaws } from "../http/bearer.ts";
import type { AuthOutcome } from "./faces/decision.ts";
import type { MintOutcome } from "./faces/mint-handler.ts";
import type { HolderState, Source } from "../holder/state.ts";
import { silenceMs } from "../holder/freshness.ts";
import { isReady, mintView } from "../holder/state-view.ts";

const outcomes: readonly AuthOutcome[] = ["Accepted", "NotReady", ...credentialFlaws, ...refusalReasons];
const mintOutcomes: readonly MintOutcome[] = ["Minted", "RequestRefused", "Unavailable", "Failed"];
const sources: readonly Source[] = ["mount", "watch", "truth"];

/** How a reason reads in the `result` label: what the caller was told. */
function resultOf(outcome: AuthOutcome): "allowed" | "forbidden" | "denied" | "unavailable" {
  if (outcome === "Accepted") return "allowed";
  if (outcome === "NotReady") return "unavailable";
  return outcome === "ScopeMissing" ? "forbidden" : "denied";
}

/** From 10 µs to 1 s. */
const buckets = [0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1];

/** What a gateway counts. Every label has a fixed set of values; nothing of a token, a claim or a key is among them. */
export class GatewayMetrics {
  readonly registry = new Registry();
  readonly #clock: Clocks;
  /** Plain numbers: counted at each request, told when somebody looks. */
  readonly #verified = new Map<AuthOutcome, number>(outcomes.map((outcome) => [outcome, 0]));
  readonly #minted = this.#counter("mints_total", "Requests for a token by outcome", ["outcome"]);
  readonly #unfit = this.#counter("unfit_documents_total", "Documents that were not taken, by source", ["source"]);
  readonly #swapSeconds = new Histogram({
    name: "keyturn_gateway_swap_seconds",
    help: "Seconds from the arrival of a ring to its use",
    buckets,
    registers: [this.registry],
  });
  #swappedAtMs: number | undefined;

  /** @param state - Asked when somebody looks */
  constructor(clock: Clocks, state: () => HolderState | undefined) {
    this.#clock = clock;
    for (const outcome of mintOutcomes) this.#minted.inc({ outcome }, 0);
    for (const source of sources) this.#unfit.inc({ source }, 0);
    this.#addVerifications();
    const gauge = (name: string, help: string, read: (of: HolderState) => number | undefined): void => {
      this.#gauge(name, help, () => {
        const now = state();
        return now && read(now);
      });
    };
    gauge("ring_generation", "Generation of the ring in memory", ({ current }) => current?.ring.generation);
    gauge("acked_generation", "Generation that was acknowledged last", ({ acked }) => acked?.generation);
    gauge("ready", "1: takes traffic", (of) => Number(isReady(of)));
    gauge("degraded", "1: ready without its source of truth", ({ degraded }) => Number(degraded));
    gauge(
      "silence_seconds",
      "Seconds since the source of truth was last heard",
      (of) => silenceMs(of, momentOf(clock)) / 1000,
    );
    gauge("mint_fence_seconds", "Seconds until tokens can't be made without a new confirmation", (of) => {
      const view = mintView(of, clock.nowMs());
      return typeof view === "string" || view.fenceAtMs === Infinity
        ? undefined
        : (view.fenceAtMs - clock.nowMs()) / 1000;
    });
    this.#gauge("ring_age_seconds", "Seconds since the ring in memory was taken", () =>
      this.#swappedAtMs === undefined ? undefined : (clock.monotonicMs() - this.#swappedAtMs) / 1000,
    );
  }

  /** What Node.js and the process say of themselves. */
  addProcess(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  readonly verified = (outcome: AuthOutcome): void => {
    this.#verified.set(outcome, (this.#verified.get(outcome) ?? 0) + 1);
  };

  readonly minted = (outcome: MintOutcome): void => this.#minted.inc({ outcome });

  readonly unfit = (source: Source): void => this.#unfit.inc({ source });

  readonly swapped = (tookMs: number): void => {
    this.#swappedAtMs = this.#clock.monotonicMs();
    this.#swapSeconds.observe(tookMs / 1000);
  };

  #addVerifications(): void {
    const verified = this.#verified;
    new Counter({
      name: "keyturn_gateway_verifications_total",
      help: "Requests that a proxy asked about, by what it was told and why",
      labelNames: ["result", "reason"],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [reason, count] of verified) this.inc({ result: resultOf(reason), reason }, count);
      },
    });
  }

  #counter<T extends string>(name: string, help: string, labelNames: readonly T[]): Counter<T> {
    return new Counter({ name: `keyturn_gateway_${name}`, help, labelNames, registers: [this.registry] });
  }

  /** @param read - Undefined: there is nothing to tell */
  #gauge(name: string, help: string, read: () => number | undefined): void {
    new Gauge({
      name: `keyturn_gateway_${name}`,
      help,
      registers: [this.registry],
      collect() {
        const value = read();
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  }
}
