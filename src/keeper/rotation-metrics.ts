import { Counter, Gauge, type Registry } from "prom-client";
import type { Decision } from "../ring/decide.ts";
import type { NamedStep } from "../ring/forecast.ts";
import type { Why } from "../ring/plan.ts";
import { type RotationRef, rotationName } from "../ring/ring.ts";
import type { StatusReport } from "../ring/status.ts";

const of = ["namespace", "name"] as const;
const states = ["Prepared", "Active", "VerifyOnly"] as const;
const whys: readonly Why[] = ["schedule", "request", "profile", "pin", "signerLost", "signerRevoked"];
const results = ["completed", "early"] as const;
/** Those of emergencies. They are counted from 0: to Prometheus what begins with 1 has not grown. */
const urgentWhys: readonly Why[] = ["signerLost", "signerRevoked"];

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
    for (const why of urgentWhys) this.#rotations.inc({ ...labels, why, result: "early" }, 0);
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
    const labels = labelsOf(ref);
    for (const gauge of this.#gauges()) gauge.remove(labels);
    for (const state of states) this.#keys.remove({ ...labels, state });
    for (const why of whys) for (const result of results) this.#rotations.remove({ ...labels, why, result });
  }

  /** Somebody else leads: what this process knows grows old. */
  forgetAll(): void {
    this.#dueAtMs.clear();
    for (const gauge of [...this.#gauges(), this.#keys]) gauge.reset();
  }

  #gauges(): readonly Gauge<"namespace" | "name">[] {
    return [this.#nextCheck, this.#waiting, this.#generation, this.#ready, this.#stalled, this.#pending];
  }
}

const labelsOf = ({ namespace, name }: RotationRef): Record<"namespace" | "name", string> => ({ namespace, name });
