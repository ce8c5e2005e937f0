import { Counter, Gauge, type Registry } from "prom-client";
import type { Decision } from "../ring/decide.ts";
import type { NamedStep } from "../ring/forecast.ts";
import type { Why } from "../ring/plan.ts";
import { type RotationRef, rotationName } from "../ring/ring.ts";
import type { StatusReport } from "../ring/status.ts";
import type { Sighting } from "./watches.ts";

const of = ["namespace", "name"] as const;
const states = ["Prepared", "Active", "VerifyOnly"] as const;
const whys: readonly Why[] = ["schedule", "request", "profile", "pin", "signerLost", "signerRevoked"];
const results = ["completed", "early"] as const;

/** What is measured of rotations. Labels are those of the resource, never a kid. */
export class RotationMetrics {
  readonly #keys: Gauge<"namespace" | "name" | "state">;
  readonly #nextCheck: Gauge<"namespace" | "name">;
  readonly #waiting: Gauge<"namespace" | "name">;
  readonly #generation: Gauge<"namespace" | "name">;
  readonly #ready: Gauge<"namespace" | "name">;
  readonly #stalled: Gauge<"namespace" | "name">;
  readonly #pending: Gauge<"namespace" | "name">;
  readonly #rotations: Counter<"namespace" | "name" | "why" | "result">;
  /** Since when a status is behind its ring, in Unix milliseconds. */
  readonly #behindSinceMs = new Map<string, number>();
  /** When the next step is due, in Unix milliseconds. */
  readonly #dueAtMs = new Map<string, { readonly ref: RotationRef; readonly atMs: number }>();

  constructor(registry: Registry, nowMs: () => number) {
    const gauge = <T extends string>(name: string, help: string, labelNames: readonly T[]) =>
      new Gauge({ name, help, labelNames, registers: [registry] });
    this.#keys = gauge("keyturn_keys", "Keys of the ring by state", [...of, "state"]);
    this.#generation = gauge("keyturn_ring_generation", "Counter of the ring, which grows with each change", of);
    this.#waiting = gauge("keyturn_waiting_gateways", "Gateways that have not acknowledged the newest ring", of);
    this.#ready = gauge("keyturn_ready", "1: every verifier accepts the key that signs", of);
    this.#stalled = gauge("keyturn_stalled", "1: a person must act", of);
    this.#pending = gauge("keyturn_revocation_pending", "1: a revocation is not carried out everywhere", of);
    this.#rotations = new Counter({
      name: "keyturn_rotations_total",
      help: "Keys that became the signer, by what asked for it, and whether every wait was kept",
      labelNames: [...of, "why", "result"],
      registers: [registry],
    });
    const lag: Gauge = new Gauge({
      name: "keyturn_status_lag_seconds",
      help: "How long the status that is furthest behind its ring has been so; 0: none is",
      registers: [registry],
      collect: (): void => lag.set(this.#lagMs(nowMs()) / 1000),
    });
    const setDue = (): void => {
      for (const { ref, atMs } of this.#dueAtMs.values()) this.#nextCheck.set(labelsOf(ref), (atMs - nowMs()) / 1000);
    };
    this.#nextCheck = new Gauge({
      name: "keyturn_next_step_seconds",
      help: "Seconds until the next step may be due",
      labelNames: of,
      registers: [registry],
      collect: setDue,
    });
  }

  #lagMs(nowMs: number): number {
    let mostMs = 0;
    for (const sinceMs of this.#behindSinceMs.values()) mostMs = Math.max(mostMs, nowMs - sinceMs);
    return mostMs;
  }

  /** The ring was written, and its status says so later: after a pass that writes nothing. */
  behind(ref: RotationRef, nowMs: number): void {
    const key = rotationName(ref);
    if (!this.#behindSinceMs.has(key)) this.#behindSinceMs.set(key, nowMs);
  }

  /** The status says what there is. */
  reported(ref: RotationRef): void {
    this.#behindSinceMs.delete(rotationName(ref));
  }

  /** After a pass that wrote nothing. */
  seen(ref: RotationRef, report: StatusReport, decision: Decision): void {
    const { keys, ringGeneration = 0, gateways, conditions } = report;
    const labels = labelsOf(ref);
    for (const state of states) this.#keys.set({ ...labels, state }, keys.filter((key) => key.state === state).length);
    this.#generation.set(labels, ringGeneration);
    this.#waiting.set(labels, gateways.expected - gateways.acknowledged);
    for (const [type, gauge] of [
      ["Ready", this.#ready],
      ["Stalled", this.#stalled],
      ["RevocationPending", this.#pending],
    ] as const) {
      gauge.set(labels, conditions.some((one) => one.type === type && one.status === "True") ? 1 : 0);
    }
    const atMs = decision.kind === "plan" ? decision.plan.nextCheckAtMs : undefined;
    if (atMs === undefined) this.#dueAtMs.delete(rotationName(ref));
    else this.#dueAtMs.set(rotationName(ref), { ref, atMs });
  }

  /** After a pass that could not be made, and that a person must mend. */
  troubled(ref: RotationRef, isRevocationPending: boolean): void {
    this.#ready.set(labelsOf(ref), 0);
    this.#stalled.set(labelsOf(ref), 1);
    if (isRevocationPending) this.#pending.set(labelsOf(ref), 1);
  }

  done(ref: RotationRef, step: NamedStep): void {
    if (step.type === "activate") {
      this.#rotations.inc({ ...labelsOf(ref), why: step.why, result: step.early ? "early" : "completed" });
    } else if (step.type === "create" && step.as === "active") {
      this.#rotations.inc({ ...labelsOf(ref), why: step.why, result: "early" });
    }
  }

  /** The resource is gone. */
  forget(ref: RotationRef): void {
    this.#dueAtMs.delete(rotationName(ref));
    this.reported(ref);
    const labels = labelsOf(ref);
    for (const gauge of this.#gauges()) gauge.remove(labels);
    for (const state of states) this.#keys.remove({ ...labels, state });
    for (const why of whys) for (const result of results) this.#rotations.remove({ ...labels, why, result });
  }

  /** Somebody else leads: what this process knows grows old. */
  forgetAll(): void {
    this.#dueAtMs.clear();
    this.#behindSinceMs.clear();
    for (const gauge of [...this.#gauges(), this.#keys]) gauge.reset();
  }

  #gauges(): readonly Gauge<"namespace" | "name">[] {
    return [this.#nextCheck, this.#waiting, this.#generation, this.#ready, this.#stalled, this.#pending];
  }
}

const labelsOf = ({ namespace, name }: RotationRef): Record<"namespace" | "name", string> => ({ namespace, name });

/** Which watches see what they are to see, and how long each has heard nothing; asked for when somebody looks. */
export function measureWatches(registry: Registry, sightings: () => readonly Sighting[]): void {
  const gauge = (name: string, help: string, read: (one: Sighting) => number | undefined): void => {
    const collect = (): void => {
      for (const one of sightings()) {
        const { namespace, resource } = one;
        const value = read(one);
        if (value !== undefined) all.set({ namespace, resource }, value);
      }
    };
    const labelNames = ["namespace", "resource"] as const;
    const all = new Gauge({
      name,
      help: `${help}; namespace is empty for all`,
      labelNames,
      registers: [registry],
      collect,
    });
  };
  gauge("keyturn_watch_up", "1: what is to be watched can be seen, 0: it can't", ({ problem }) =>
    problem === undefined ? 1 : 0,
  );
  gauge("keyturn_watch_silence_seconds", "Seconds since the server last said something to a watch", ({ silenceMs }) =>
    silenceMs === undefined ? undefined : silenceMs / 1000,
  );
}
