import { quarrelIn, quarrelRestMs, withWrite } from "../keeper/quarrel.ts";
import type { KubeClient } from "../kube/client.ts";
import { ApiError, KubeError, mayWorkLater } from "../kube/kube-errors.ts";
import type { KubeObject } from "../kube/object.ts";
import type { ObjectCache } from "../kube/object-cache.ts";
import { conflictIn } from "../ring/decide.ts";
import { ChangeNeededError, TryLaterError } from "../errors/keyturn-error.ts";
import type { Because } from "../ring/lack.ts";
import { revocationPatienceMs } from "../ring/pending.ts";
import type { RotationRef } from "../ring/ring.ts";
import { readRotation } from "../ring/resource/rotation.ts";
import { statusReport } from "../ring/status.ts";
import { pendingWaitMs, viewOf } from "../ring/view.ts";
import type { ReconcileOutcome } from "../runtime/reconcile-loop.ts";
import type { EventFacts } from "../runtime/events.ts";
import type { Urgency } from "../runtime/queue.ts";
import { RotationMemory } from "./rotation-memory.ts";
import type { RotationMetrics } from "./rotation-metrics.ts";
import { type Committed, hasProgressed, runPass, type PassReport } from "./rotation-pass.ts";
import { answerMs } from "./rival.ts";
import { type Deed, withReport, withTrouble } from "./status-report.ts";
import { ObjectStore } from "../cluster/object-store.ts";
import { urgencyOf } from "./urgency.ts";
import { eventsOf, setAsideEvent, stallEvents, warningEvent } from "./step-events.ts";
import { type Report, writeReport } from "./write-report.ts";

export interface ReconcilerParts {
  readonly client: KubeClient;
  /** The JwtKeyRotations as the watch has them. */
  readonly resources: Pick<ObjectCache, "byKey">;
  /** How many there are: what is looked at unasked is spread over them. */
  readonly count: () => number;
  readonly metrics: RotationMetrics;
  readonly record: (happening: EventFacts) => void;
  /** `namespace/name` of the Lease that is held while it runs. */
  readonly lease?: string;
  /** Hears of every step that was written. */
  readonly onDeed?: (ref: RotationRef, deed: Deed, generation: number | undefined) => void;
}

/** How often the Secrets, which nobody watches, are compared with the ring, in milliseconds: one rotation a second in all, */
const driftMs = 1000;
/** each within half a minute where they are few, and within the hour where they are many. */
const shortestDriftMs = 30_000;
const longestDriftMs = 3_600_000;
/** How often a person's remedy is looked for, in milliseconds: it may be a change of a Secret. */
const stalledMs = 30_000;
/** How soon a pass follows one that somebody else's write came before, in milliseconds; doubles from time to time. */
const conflictMs = 100;
const longestConflictMs = 30_000;
/** An emergency is tried again within so many milliseconds. */
const mostEmergencyMs = 1000;
/** So long may every pass fail without a word in the status, in milliseconds. */
const failingMs = 30_000;

/** Brings one JwtKeyRotation after the other to what it says: read, plan, apply, publish, report. */
export class Reconciler {
  readonly #parts: ReconcilerParts;
  readonly #memories = new Map<string, RotationMemory>();

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
  }

  /** @throws KubeError | KeyturnError when it is to be tried again */
  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileOutcome> {
    const resource = this.#parts.resources.byKey(key);
    if (resource === undefined) return this.#forget(key);
    const memory = this.#memoryOf(key, resource);
    memory.rivals.look(resource, this.#parts.lease ?? "", this.#monotonicMs());
    const quarrel = this.#quarrelOf(memory, resource);
    const restMs = memory.passedAtMs + quarrelRestMs - this.#monotonicMs();
    // Its report is not held up by those who undo what is written
    if (quarrel && !memory.isOwed && restMs > 0) return { requeueAfterMs: restMs };
    memory.passedAtMs = this.#monotonicMs();
    try {
      const outcome = await this.#pass(memory, resource, { signal, quarrel });
      memory.conflicts = 0;
      memory.failingSinceMs = undefined;
      return outcome;
    } catch (error) {
      if (error instanceof Reported) throw error.error;
      if (error instanceof TryLaterError && error.code === "Conflict") {
        const urgency = urgencyOf(resource);
        const mostMs = urgency === "emergency" ? mostEmergencyMs : longestConflictMs;
        return { requeueAfterMs: Math.min(mostMs, conflictMs * 2 ** memory.conflicts++), urgency };
      }
      const trouble = troubleOf(error) ?? this.#lasting(error, memory, resource);
      if (trouble === undefined || signal.aborted) throw error;
      this.#parts.metrics.troubled(refOf(resource), urgencyOf(resource) === "emergency");
      const after = withTrouble(resource, trouble, { nowMs: this.#nowMs(), ...this.#lease });
      const told = this.#report(memory, { before: resource, after }, signal);
      // Where the whole server is away the status can't be written either
      await (mayWorkLater(error) ? told.catch(() => undefined) : told);
      if (error instanceof ChangeNeededError) return { requeueAfterMs: this.#soonest(memory, longestDriftMs) };
      throw error;
    }
  }

  /** How urgent it is, by what is asked for and by what the last pass saw. */
  urgencyOf(key: string): Urgency {
    return this.#memories.get(key)?.isPending === true ? "emergency" : urgencyOf(this.#parts.resources.byKey(key));
  }

  async #pass(memory: RotationMemory, resource: KubeObject, { signal, quarrel }: Pass): Promise<ReconcileOutcome> {
    const { client, metrics, record } = this.#parts;
    const rotation = readRotation(resource, { unknownFields: "warn" });
    const onSetAside = (note: string): void => record({ regarding: resource, ...setAsideEvent(note) });
    const store = new ObjectStore({ client, rotation, owner: resource, signal, onSetAside });
    const onCommitted = (committed: Committed): void => this.#tell(memory, resource, committed);
    const { generation: seenGeneration } = memory;
    const report = await runPass({ client, store, signal, seenGeneration, onCommitted }, resource, rotation);
    const { observation, warnings, unseen } = report.sight;
    for (const warning of warnings) record({ regarding: resource, ...warningEvent(warning) });
    memory.generation = Math.max(memory.generation, report.ring?.generation ?? 0);
    memory.obeyed = resource.metadata.generation;
    const pendingMs = pendingWaitMs(observation, report.decision);
    memory.isPending = pendingMs !== Infinity;
    // An emergency did not wait for it; there is nothing to say before it is known
    if (unseen && mayWorkLater(unseen)) throw unseen;
    if (hasProgressed(report)) memory.writes = withWrite(memory.writes, this.#monotonicMs());
    if (hasProgressed(report) && !(quarrel && memory.isOwed)) {
      memory.isOwed = true;
      // What a pass wrote is seen by a later one only, which comes before others begin: it is the one that reports
      return { requeueAfterMs: 0, urgency: "begun" };
    }
    const [failed] = report.unwritten;
    const unwritten = failed && troubleOf(failed.error);
    const rival = memory.rivals.trouble ?? quarrel;
    const besides = { ...(unwritten && { unwritten }), ...(rival && { rival }) };
    const view = viewOf(observation, { decision: report.decision, ...besides });
    const status = statusReport(view);
    metrics.seen(observation.rotation, status, report.decision);
    const seen = { report: status, nowMs: observation.found.nowMs, ...this.#lease };
    await this.#report(memory, { before: resource, after: withReport(resource, seen, memory.untold) }, signal);
    memory.untold = [];
    memory.isOwed = false;
    metrics.reported(observation.rotation);
    if (failed) throw new Reported(failed.error);
    const waitMs = Math.max(1, Math.min(this.#waitMs(report), pendingMs));
    return { requeueAfterMs: this.#soonest(memory, quarrel ? Math.min(quarrelRestMs, waitMs) : waitMs) };
  }

  get #lease(): { readonly lease?: string } {
    const { lease } = this.#parts;
    return lease === undefined ? {} : { lease };
  }

  #soonest({ rivals }: RotationMemory, waitMs: number): number {
    return rivals.trouble ? Math.min(waitMs, answerMs) : waitMs;
  }

  /** What may pass by itself, and does not: one object that the server can't read is seen nowhere else. */
  #lasting(error: unknown, memory: RotationMemory, resource: KubeObject): Because | undefined {
    const monotonicMs = this.#monotonicMs();
    memory.failingSinceMs ??= monotonicMs;
    const patienceMs = urgencyOf(resource) === "emergency" ? revocationPatienceMs : failingMs;
    if (!(error instanceof KubeError) || monotonicMs - memory.failingSinceMs < patienceMs) return undefined;
    return { reason: "ApiFailing", message: error.message };
  }

  /** Another writer undoes what passes write, and nothing new is asked for. */
  #quarrelOf(memory: RotationMemory, resource: KubeObject): Because | undefined {
    return memory.obeyed === resource.metadata.generation ? quarrelIn(memory.writes, this.#monotonicMs()) : undefined;
  }

  /** Tells the world of each step at once: the rest of the pass may fail, and its report be lost. */
  #tell(memory: RotationMemory, resource: KubeObject, { observation, ring, steps }: Committed): void {
    const { metrics, record, onDeed } = this.#parts;
    const { rotation, found } = observation;
    memory.generation = Math.max(memory.generation, ring.generation);
    const deeds = steps.map((step): Deed => ({ atMs: found.nowMs, step }));
    for (const deed of deeds) {
      metrics.done(rotation, deed.step);
      onDeed?.(rotation, deed, ring.generation);
    }
    for (const told of eventsOf(steps)) record({ regarding: resource, ...told });
    memory.untold = [...memory.untold, ...deeds];
    metrics.behind(rotation, this.#nowMs());
  }

  #waitMs({ decision, sight }: PassReport): number {
    const isStalled =
      decision.kind === "stalled" ||
      conflictIn(decision) !== undefined ||
      !sight.observation.clockTrusted ||
      sight.unseen !== undefined;
    const checkInMs = decision.kind === "plan" ? decision.plan.nextCheckAtMs - sight.observation.found.nowMs : Infinity;
    // Spread, so that a fleet that started at once is not read at once
    const spreadMs = Math.min(longestDriftMs, Math.max(shortestDriftMs, driftMs * this.#parts.count()));
    const drift = spreadMs * (0.8 + 0.2 * this.#parts.client.transport.chance());
    return Math.min(checkInMs, isStalled ? stalledMs : drift);
  }

  /** Writes the status if it says something new. */
  async #report(memory: RotationMemory, { before, after }: Change, signal: AbortSignal): Promise<void> {
    if (after === undefined) return;
    for (const told of stallEvents(before, after)) this.#parts.record({ regarding: before, ...told });
    const written = await writeReport(this.#parts.client, { before, after }, signal);
    if (written) memory.rivals.reported(written);
  }

  #memoryOf(key: string, { metadata: { uid } }: KubeObject): RotationMemory {
    const known = this.#memories.get(key);
    // What was made anew under the same name is another rotation
    const memory = known?.uid === uid && known !== undefined ? known : new RotationMemory(uid);
    this.#memories.set(key, memory);
    return memory;
  }

  #forget(key: string): ReconcileOutcome {
    const [namespace = "", name = ""] = key.split("/");
    this.#parts.metrics.forget({ namespace, name });
    this.#memories.delete(key);
    return {};
  }

  #monotonicMs(): number {
    return this.#parts.client.transport.clock.monotonicMs();
  }

  #nowMs(): number {
    return Math.floor(this.#parts.client.transport.clock.nowMs());
  }
}

interface Pass {
  readonly signal: AbortSignal;
  /** Present: the passes of this rotation are held down to one in so many seconds, and say so. */
  readonly quarrel: Because | undefined;
}

/** `after` is undefined where it is the same. */
type Change = Pick<Report, "before"> & { readonly after: KubeObject | undefined };

/** A write that was refused, after everything else of the pass was done and the status has said it. */
class Reported extends Error {
  readonly error: Error;

  constructor(error: Error) {
    super("reported");
    this.error = error;
  }
}

const refOf = ({ metadata: { namespace = "", name } }: KubeObject): RotationRef => ({ namespace, name });

/** What a person must change before the same pass can work; undefined for what may pass by itself. */
function troubleOf(error: unknown): Because | undefined {
  if (error instanceof ChangeNeededError) return { reason: error.code, message: error.message };
  if (error instanceof ApiError && !mayWorkLater(error)) return { reason: "ApiRefused", message: error.message };
  return undefined;
}
