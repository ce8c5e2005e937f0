import type { ClockReading } from "../../keeper/observe.ts";
import type { PassReport } from "../../keeper/pass.ts";
import { conditionsOf } from "../../ring/conditions.ts";
import type { Decision, Observation } from "../../ring/decide.ts";
import { describeGate, describeStep, shortKid } from "../../ring/describe.ts";
import type { NamedStep } from "../../ring/forecast.ts";
import { TryLaterError, type KeyturnError } from "../../errors/keyturn-error.ts";
import type { Because } from "../../ring/lack.ts";
import type { Refusal } from "../../ring/plan.ts";
import { viewOf } from "../../ring/view.ts";
import type { Log } from "../../telemetry/log.ts";
import { Changes } from "./change-log.ts";

/** Turns what happened into log lines: each step, and everything else when it changes. Never key material. */
export class Reporter {
  readonly #log: Log;
  readonly #changes = new Changes();

  constructor(log: Log) {
    this.#log = log;
  }

  pass({ seen, decision, ring, steps, published }: PassReport): void {
    for (const step of steps) this.#step(step, ring?.generation);
    if (published.length > 0)
      this.#log.debug({ published, generation: ring?.generation }, "the projections are written");
    const { policy, refused } = seen.observation;
    this.#refusal(refused);
    this.#stall(decision, policy.suspend, refused);
    this.#clock(seen.clock);
    for (const warning of seen.warnings) this.#once(warning);
    this.#gateways(decision);
    // What this pass did is seen by the next one only
    if (steps.length + published.length === 0) this.#pending(seen.observation, decision);
  }

  /** Nothing failed in a pass: the next failure, be it the same as before, is told again. */
  soundPass(): void {
    this.#changes.isNew("failure", undefined);
  }

  /** What a person must mend. */
  #stall(decision: Decision, suspended: boolean, refused: Refusal | undefined): void {
    const found = conditionsOf(decision, suspended).find(({ type }) => type === "Stalled");
    // The clock has its own line, with how far it was set; so has what is refused
    const stall = found?.reason === "ClockSkew" || found?.reason === refused?.reason ? undefined : found;
    const wasStalled = this.#changes.has("stall");
    if (this.#changes.isNew("stall", stall?.message)) {
      this.#log.error({ reason: stall?.reason }, `stalled: ${stall?.message ?? ""}`);
    } else if (wasStalled && !stall) this.#log.info({}, "no longer stalled");
  }

  /** A revocation that is not carried out. */
  #pending(seen: Observation, decision: Decision): void {
    const { conditions } = viewOf(seen, { decision, forecast: [] });
    const message = conditions.find(({ type }) => type === "RevocationPending")?.message;
    const wasPending = this.#changes.has("pending");
    if (this.#changes.isNew("pending", message)) this.#log.error({ reason: "RevocationPending" }, message ?? "");
    else if (wasPending && message === undefined) this.#log.info({}, "every revocation is carried out");
  }

  /** Another writer undoes what is written; undefined: nobody does, or no more. */
  quarrel(quarrel: Because | undefined): void {
    const had = this.#changes.has("quarrel");
    if (this.#changes.isNew("quarrel", quarrel?.message))
      this.#log.error({ reason: quarrel?.reason }, `${quarrel?.message ?? ""}; a pass comes every ten seconds`);
    else if (had && !quarrel) this.#log.info({}, "nobody undoes any more what Keyturn writes");
  }

  #step(step: NamedStep, generation: number | undefined): void {
    const why = "why" in step ? { why: step.why } : {};
    const kid = step.kid === undefined ? {} : { kid: step.kid };
    const fields = { step: step.type, ...kid, ...why, generation };
    const isEarly = step.type === "activate" && step.early;
    if (isEarly || step.type === "rebuild") this.#log.warn(fields, describeStep(step));
    else this.#log.info(fields, describeStep(step));
  }

  #clock({ trusted, jumpMs = 0, holdMs }: ClockReading): void {
    const message = trusted ? undefined : `the clock was set ${jumpMs > 0 ? "forwards" : "backwards"}`;
    if (!this.#changes.isNew("clock", message)) return;
    this.#log.warn({ jumpMs, holdMs }, `${message ?? ""}: everything but revocation is held`);
  }

  /** Whom the barriers wait for. */
  #gateways(decision: Decision): void {
    const gates = decision.kind === "plan" ? decision.plan.gates : [];
    const silent = gates.filter((gate) => gate.waitsFor.some(({ kind }) => kind === "gateway"));
    const text = silent.map((gate) => `${gate.step} ${shortKid(gate.kid ?? "")}: ${describeGate(gate)}`).join("; ");
    if (this.#changes.isNew("gateways", text === "" ? undefined : text)) this.#log.info({}, `waiting: ${text}`);
  }

  /** What is written down, and is not in force. */
  #refusal(refused: Refusal | undefined): void {
    const wasRefused = this.#changes.has("settings");
    if (this.#changes.isNew("settings", refused?.message)) {
      const kept =
        refused?.holds === true ? "no settings can be used, only revocation runs" : "the settings stay as they were";
      this.#log.error({ code: refused?.reason }, `${kept}: ${refused?.message ?? ""}`);
    } else if (wasRefused && !refused) this.#log.info({}, "all settings are in force again");
  }

  failure(error: KeyturnError): void {
    const isPassing = error instanceof TryLaterError;
    if (isPassing) this.#log.warn({ code: error.code }, error.message);
    else if (this.#changes.isNew("failure", error.message)) this.#log.error({ code: error.code }, error.message);
  }

  #once(warning: string): void {
    if (this.#changes.isNew(`warning ${warning}`, warning)) this.#log.warn({}, warning);
  }
}
