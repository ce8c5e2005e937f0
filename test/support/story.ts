import type { GatewayView } from "../../src/ring/ack.ts";
import type { Kid } from "../../src/ring/key.ts";
import { planRotation } from "../../src/ring/planner.ts";
import type { Plan, PlanInput, Policy, Projection, Stored } from "../../src/ring/plan.ts";
import { keysOf, type Ring } from "../../src/ring/ring.ts";
import { applyPlan, needsFreshKey } from "../../src/ring/steps.ts";

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;
/** 2026-11-21T00:00:00Z. */
export const epoch = Date.UTC(2026, 10, 21);

/** The defaults of the custom resource, with two audiences. */
export const policy: Policy = {
  profile: { algorithm: "ES256", issuer: "https://issuer.example", audiences: ["api", "admin"], maxTTLMs: hour },
  schedule: { kind: "interval", everyMs: 30 * day },
  propagationMs: 30 * minute,
  acknowledgements: "Required",
  clockSkewMs: minute,
  rotationWindowMs: 2 * hour,
  rollbackWindowMs: 2 * hour,
  revokedKids: [],
  adoptionMaxTTLMs: hour,
  suspend: false,
};

export const projectionOf = (ring: Ring): Projection => ({
  generation: ring.generation,
  kids: keysOf(ring).map((k) => k.kid),
});

/** A rotation told step by step: time passes, gateways answer, passes run. Fresh keys are called k1, k2, … */
export class Story {
  nowMs = epoch;
  policy: Policy = policy;
  requests: readonly string[] = [];
  clockTrusted = true;
  stored: Stored = { kind: "nothing", generationFloor: 0 };
  gateways: readonly GatewayView[] = [];
  readonly writes: Plan[] = [];
  #made = 0;

  constructor(change: Partial<Policy> = {}) {
    this.policy = { ...policy, ...change };
  }

  get input(): PlanInput {
    const { policy, stored, requests, gateways, clockTrusted, nowMs } = this;
    return {
      rotation: { namespace: "default", name: "gateway" },
      policy,
      stored,
      requests,
      gateways,
      clockTrusted,
      nowMs,
    };
  }

  get ring(): Ring {
    if (this.stored.kind !== "ring") throw new TypeError("Cannot tell the story: there is no ring yet");
    return this.stored.ring;
  }

  /** Plans once, and stores the result; the projections stay as they are. */
  pass(): Plan {
    const plan = planRotation(this.input);
    if (plan.steps.length === 0) return plan;
    const base = this.stored.kind === "ring" ? this.stored.ring : undefined;
    const kids: Kid[] = plan.steps.filter(needsFreshKey).map(() => `k${++this.#made}`);
    const onto = this.stored.kind === "lost" && this.stored.baseGeneration > 0 ? this.stored.remains : base;
    const ring = applyPlan(onto && { ...onto, generation: plan.baseGeneration }, plan, kids);
    if (!ring) throw new TypeError("Cannot tell the story: the plan made no ring");
    const projections = this.stored.kind === "ring" ? this.stored.projections : {};
    this.stored = { kind: "ring", ring, projections };
    this.writes.push(plan);
    return plan;
  }

  /** Both projections are written. */
  project(): this {
    const { ring } = this;
    this.stored = { kind: "ring", ring, projections: { signer: projectionOf(ring), public: projectionOf(ring) } };
    return this;
  }

  /** The named gateways take over what is projected, and say so. */
  acked(...names: string[]): this {
    const { generation, signer } = this.ring;
    const ack = { generation, verifies: keysOf(this.ring).map((k) => k.kid), signs: signer.kid };
    const others = this.gateways.filter((g) => !names.includes(g.name));
    this.gateways = [...others, ...names.map((name) => ({ name, ready: true, ack }))];
    return this;
  }

  /** Passes back to back, with projections and gateways that answer at once, until nothing is left to do. */
  settle(): Plan {
    for (let passes = 0; passes < 20; passes++) {
      const plan = this.pass();
      if (plan.steps.length === 0) return plan;
      this.project().acked(...this.gateways.map((g) => g.name));
    }
    throw new Error("Cannot settle the story: 20 passes had steps");
  }

  /** Lets time pass, settling whenever the plan asks to be looked at. */
  run(forMs: number): Plan {
    const endMs = this.nowMs + forMs;
    let plan = this.settle();
    while (plan.nextCheckAtMs <= endMs) {
      this.nowMs = Math.max(plan.nextCheckAtMs, this.nowMs + 1);
      plan = this.settle();
    }
    this.nowMs = endMs;
    return this.settle();
  }

  /** `k1 active, k2 prepared`: what stands in the ring. */
  get keys(): string {
    return keysOf(this.ring)
      .map((k) => `${k.kid} ${k.state}`)
      .join(", ");
  }
}

export const stepsOf = (plan: Plan): string =>
  plan.steps.map((s) => ("kid" in s ? `${s.type} ${s.kid}` : s.type)).join(", ");
