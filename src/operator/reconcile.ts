import type { KubeClient } from "../kube/client.ts";
import { ApiError, isConflict, isNotFound, mayWorkLater } from "../kube/errors.ts";
import type { KubeObject } from "../kube/object.ts";
import type { Store } from "../kube/store.ts";
import { ChangeNeededError, TryLaterError } from "../ring/errors.ts";
import type { RotationRef } from "../ring/ring.ts";
import { parseRotation } from "../ring/spec.ts";
import type { Outcome } from "../runtime/controller.ts";
import type { Happening } from "../runtime/events.ts";
import type { RotationMetrics } from "./metrics.ts";
import { hasProgressed, runPass, type PassReport } from "./pass.ts";
import { rotations } from "./resources.ts";
import { type Deed, withReport, withTrouble } from "./status.ts";
import { ObjectStore } from "./store.ts";
import { eventsOf, stallEvents, warningEvent } from "./tell.ts";

export interface ReconcilerParts {
  readonly client: KubeClient;
  /** The JwtKeyRotations as the watch has them. */
  readonly resources: Pick<Store, "byKey">;
  readonly metrics: RotationMetrics;
  readonly record: (happening: Happening) => void;
  /** Hears of every step that was written. */
  readonly onDeed?: (ref: RotationRef, deed: Deed, generation: number | undefined) => void;
}

/** How often the Secrets, which nobody watches, are compared with the ring, in milliseconds. */
const driftMs = 3_600_000;
/** How often a person's remedy is looked for, in milliseconds: it may be a change of a Secret. */
const stalledMs = 30_000;
/** How soon a pass follows one that somebody else's write came before, in milliseconds. */
const conflictMs = 100;
/** A rotation takes three writes in a row; more than this is a quarrel with another writer, which must not heat the cluster. */
const mostInARow = 20;
const quarrelMs = 10_000;

/** Brings one JwtKeyRotation after the other to what it says: read, plan, apply, publish, report. */
export class Reconciler {
  readonly #parts: ReconcilerParts;
  /** Steps of passes whose report is still to be written. */
  readonly #untold = new Map<string, readonly Deed[]>();
  /** How many passes in a row have written something. */
  readonly #inARow = new Map<string, number>();

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
  }

  /** @throws KubeError | KeyturnError when it is to be tried again */
  async reconcile(key: string, signal: AbortSignal): Promise<Outcome> {
    const resource = this.#parts.resources.byKey(key);
    if (resource === undefined) return this.#forget(key);
    if (resource.metadata.deletionTimestamp !== undefined) return {};
    try {
      return await this.#pass(key, resource, signal);
    } catch (error) {
      if (error instanceof TryLaterError && error.code === "Conflict") return { requeueAfterMs: conflictMs };
      const trouble = troubleOf(error);
      if (trouble === undefined) throw error;
      await this.#report(resource, withTrouble(resource, trouble, this.#nowMs()), signal);
      if (error instanceof ChangeNeededError) return { requeueAfterMs: driftMs };
      throw error;
    }
  }

  async #pass(key: string, resource: KubeObject, signal: AbortSignal): Promise<Outcome> {
    const { client, metrics } = this.#parts;
    const rotation = parseRotation(resource, { unknownFields: "warn" });
    const store = new ObjectStore({ client, rotation, owner: resource, signal });
    const report = await runPass({ client, store, signal }, resource, rotation);
    this.#tell(key, resource, report);
    if (hasProgressed(report)) return { requeueAfterMs: this.#soon(key) };
    this.#inARow.delete(key);
    const { observation } = report.sight;
    metrics.seen(observation, report.decision);
    await this.#report(resource, withReport(resource, observation, this.#untold.get(key) ?? []), signal);
    this.#untold.delete(key);
    return { requeueAfterMs: this.#waitMs(report) };
  }

  /** What a pass wrote is seen by a later one only, which follows at once. */
  #soon(key: string): number {
    const count = (this.#inARow.get(key) ?? 0) + 1;
    this.#inARow.set(key, count);
    return count > mostInARow ? quarrelMs : 0;
  }

  /** Tells the world of each step at once: the report may be lost. */
  #tell(key: string, resource: KubeObject, { steps, ring, sight }: PassReport): void {
    const { metrics, record, onDeed } = this.#parts;
    const { rotation, found } = sight.observation;
    for (const warning of sight.warnings) record({ regarding: resource, ...warningEvent(warning) });
    const deeds = steps.map((step): Deed => ({ atMs: found.nowMs, step }));
    for (const deed of deeds) {
      metrics.done(rotation, deed.step);
      onDeed?.(rotation, deed, ring?.generation);
      for (const told of eventsOf(deed.step)) record({ regarding: resource, ...told });
    }
    if (deeds.length > 0) this.#untold.set(key, [...(this.#untold.get(key) ?? []), ...deeds]);
  }

  #waitMs({ decision, sight }: PassReport): number {
    const isStalled = decision.kind === "stalled" || !sight.observation.clockTrusted;
    const checkInMs = decision.kind === "plan" ? decision.plan.nextCheckAtMs - sight.observation.found.nowMs : Infinity;
    // Spread, so that a fleet that started at once is not read at once
    const drift = driftMs * (0.8 + 0.2 * this.#parts.client.transport.chance());
    return Math.max(1, Math.min(checkInMs, isStalled ? stalledMs : drift));
  }

  /** Writes the status if it says something new. A resource that was changed meanwhile gets its own pass, and report. */
  async #report(before: KubeObject, after: KubeObject | undefined, signal: AbortSignal): Promise<void> {
    if (after === undefined) return;
    for (const told of stallEvents(before, after)) this.#parts.record({ regarding: before, ...told });
    try {
      await this.#parts.client.updateStatus(rotations, after, { signal });
    } catch (error) {
      if (isConflict(error)) throw new TryLaterError("Conflict", "Cannot write the status: it was changed meanwhile");
      if (!isNotFound(error)) throw error;
    }
  }

  #forget(key: string): Outcome {
    const [namespace = "", name = ""] = key.split("/");
    this.#parts.metrics.forget({ namespace, name });
    this.#untold.delete(key);
    this.#inARow.delete(key);
    return {};
  }

  #nowMs(): number {
    return Math.floor(this.#parts.client.transport.clock.nowMs());
  }
}

/** What a person must change before the same pass can work; undefined for what may pass by itself. */
function troubleOf(error: unknown): { readonly reason: string; readonly message: string } | undefined {
  if (error instanceof ChangeNeededError) return { reason: error.code, message: error.message };
  if (error instanceof ApiError && !mayWorkLater(error)) return { reason: "ApiRefused", message: error.message };
  return undefined;
}
