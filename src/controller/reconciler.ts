import { ClusterStore } from "../cluster/cluster-store.ts";
import type { GatewaysRead } from "../keeper/observe.ts";
import { type Committed, hasProgressed, type PassReport } from "../keeper/pass.ts";
import { quarrelRestMs } from "../keeper/quarrel.ts";
import type { RotationMetrics } from "../keeper/rotation-metrics.ts";
import type { SetAside } from "../keeper/store.ts";
import type { KubeClient } from "../kube/client.ts";
import { mayWorkLater } from "../kube/kube-errors.ts";
import { keyOf, type KubeObject } from "../kube/object.ts";
import type { ObjectCache } from "../kube/object-cache.ts";
import type { Because } from "../ring/lack.ts";
import { readRotation } from "../ring/resource/rotation.ts";
import type { RotationRef } from "../ring/ring.ts";
import { statusReport } from "../ring/status.ts";
import { viewOf } from "../ring/view.ts";
import type { EventFacts } from "../runtime/events.ts";
import type { Urgency } from "../runtime/queue-entry.ts";
import type { ReconcileOutcome } from "../runtime/reconcile-loop.ts";
import { nextLookMs } from "./next-look.ts";
import { outcomeOf } from "./outcome.ts";
import { answerMs } from "./rival.ts";
import { RotationMemory } from "./rotation-memory.ts";
import { RotationPasses } from "./rotation-passes.ts";
import type { StatusLag } from "./status-lag.ts";
import { type Deed, withReport, withTrouble } from "./status-report.ts";
import { eventsOf, setAsideEvent, stallEvents, warningEvent } from "./step-events.ts";
import { urgencyOf } from "./urgency.ts";
import { writeReport } from "./write-report.ts";

export interface ReconcilerParts {
  readonly client: KubeClient;
  /** For emergencies, whose requests go before others where these are held down to a rate. @default the same */
  readonly urgentClient?: KubeClient;
  /** The JwtKeyRotations as the watch has them. */
  readonly resources: Pick<ObjectCache, "byKey">;
  /** The gateways of a rotation as the watches have them; undefined where they must be read. */
  readonly knownGateways?: (ref: RotationRef) => GatewaysRead | undefined;
  /** How many there are: what is looked at unasked is spread over them. */
  readonly count: () => number;
  readonly metrics: RotationMetrics;
  readonly lag: StatusLag;
  readonly record: (happening: EventFacts) => void;
  /** `namespace/name` of the Lease that is held while it runs. */
  readonly lease?: string;
  /** Hears of every step that was written. */
  readonly onDeed?: (ref: RotationRef, deed: Deed, generation: number | undefined) => void;
}

/** So many in one turn: made, published, and nothing left. Whatever else follows at once waits for its next turn. */
const mostPasses = 4;

/** One rotation whose turn it is. */
interface Turn {
  readonly resource: KubeObject;
  readonly memory: RotationMemory;
  readonly signal: AbortSignal;
  /** Present: the passes of this rotation are held down to one in so many seconds, and say so. */
  readonly quarrel: Because | undefined;
}

type Next = ReconcileOutcome | { readonly failure: unknown };

/** What a pass leaves to be said and done. */
interface Conclusion {
  /** The resource with the status that it is to have; undefined: it has it, or it is too early to say. */
  readonly after?: KubeObject | undefined;
  /** The status then says everything that was done. */
  readonly isWhole?: true;
  readonly next: Next;
}

/** Brings one JwtKeyRotation after the other to what it says. */
export class Reconciler {
  readonly #parts: ReconcilerParts;
  readonly #memories = new Map<string, RotationMemory>();

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
  }

  /**
   * Looks at the rotation, rests where it must, makes a pass, concludes what follows, reports it, and says when to come again.
   *
   * @throws KubeError | KeyturnError when it is to be tried again
   */
  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileOutcome> {
    const resource = this.#parts.resources.byKey(key);
    if (resource === undefined) return this.#forget(key);
    const turn = this.#look(key, resource, signal);
    const restMs = this.#restMs(turn);
    if (restMs > 0) return { requeueAfterMs: restMs };
    const conclusion = await this.#pass(turn).then(
      (report) => this.#conclude(turn, report),
      (error: unknown) => this.#concludeFailure(turn, error),
    );
    const next = await this.#report(turn, conclusion);
    if ("failure" in next) throw next.failure;
    return answering(turn, next);
  }

  /** How urgent it is, by what is asked for and by what the last pass saw. */
  urgencyOf(key: string): Urgency {
    return isEmergency(this.#memories.get(key), this.#parts.resources.byKey(key)) ? "emergency" : "ordinary";
  }

  /** Whether one of its objects is as a pass has written it. */
  hasWritten(key: string, object: KubeObject): boolean {
    return this.#memories.get(key)?.hasWritten(object) ?? false;
  }

  #forget(key: string): ReconcileOutcome {
    const [namespace = "", name = ""] = key.split("/");
    const { metrics, lag } = this.#parts;
    metrics.forget({ namespace, name });
    lag.reported({ namespace, name });
    this.#memories.delete(key);
    return {};
  }

  /** Who else writes here, by what the watch shows and by what is remembered. */
  #look(key: string, resource: KubeObject, signal: AbortSignal): Turn {
    const memory = this.#memoryOf(key, resource);
    memory.rivals.look(resource, this.#parts.lease ?? "", this.#monotonicMs());
    return { resource, memory, signal, quarrel: memory.quarrelOver(resource, this.#monotonicMs()) };
  }

  #memoryOf(key: string, { metadata: { uid } }: KubeObject): RotationMemory {
    const known = this.#memories.get(key);
    // What was made anew under the same name is another rotation
    const memory = known?.uid === uid && known !== undefined ? known : new RotationMemory(uid);
    this.#memories.set(key, memory);
    return memory;
  }

  /** In a quarrel; but the report of a pass is not held up by those who undo what it wrote. */
  #restMs({ memory, quarrel }: Turn): number {
    return quarrel && !memory.isOwed ? memory.passedAtMs + quarrelRestMs - this.#monotonicMs() : 0;
  }

  /** Read, plan, apply, publish; and once more, until nothing is left to write. The last pass is the one that is reported. */
  async #pass(turn: Turn): Promise<PassReport> {
    const { resource, memory, quarrel } = turn;
    memory.passedAtMs = this.#monotonicMs();
    const passes = this.#passesOf(turn);
    let report = await passes.first();
    this.#heed(turn, report);
    // Where another writer undoes what is written, one pass at a time is enough
    const most = quarrel ? 1 : mostPasses;
    for (let made = 1; made < most && hasProgressed(report); made++) {
      memory.isOwed = true;
      // Whoever edits the resource meanwhile gets a pass of his own
      const isAsRead = this.#parts.resources.byKey(keyOf(resource)) === resource;
      const next = isAsRead ? await passes.next(report) : undefined;
      if (next === undefined) break;
      report = next;
      this.#heed(turn, report);
    }
    return report;
  }

  #passesOf({ resource, memory, signal }: Turn): RotationPasses {
    const { record, knownGateways } = this.#parts;
    // Whether a revocation has reached everybody is never told by what was heard of gateways
    const isUrgent = isEmergency(memory, resource);
    const client = this.#clientFor(memory, resource);
    const rotation = readRotation(resource, { unknownFields: "warn" });
    const onSetAside = (kept: SetAside): void => record({ regarding: resource, ...setAsideEvent(kept) });
    const onWritten = (object: KubeObject): void => memory.wroteObject(object);
    const store = new ClusterStore({ client, rotation, owner: resource, signal, onSetAside, onWritten });
    const onCommitted = (committed: Committed): void => this.#announce(memory, resource, committed);
    const passOptions = {
      ...{ client, store, signal, seenGeneration: memory.generation, onCommitted },
      ...(knownGateways && !isUrgent && { knownGateways: () => knownGateways(refOf(resource)) }),
    };
    return new RotationPasses(passOptions, resource, rotation);
  }

  #clientFor(memory: RotationMemory, resource: KubeObject): KubeClient {
    const { client, urgentClient = client } = this.#parts;
    return isEmergency(memory, resource) ? urgentClient : client;
  }

  /** What a pass leaves to be remembered, and to be told at once. */
  #heed({ resource, memory }: Turn, report: PassReport): void {
    for (const warning of report.seen.warnings) this.#parts.record({ regarding: resource, ...warningEvent(warning) });
    memory.passed(report, resource);
    if (hasProgressed(report)) memory.wrote(this.#monotonicMs());
  }

  /** Tells the world of each step at once: the rest of the pass may fail, and its report be lost. */
  #announce(memory: RotationMemory, resource: KubeObject, { observation, ring, steps }: Committed): void {
    const { metrics, lag, record, onDeed } = this.#parts;
    const { rotation, found } = observation;
    const deeds = steps.map((step): Deed => ({ atMs: found.nowMs, step }));
    for (const deed of deeds) {
      metrics.done(rotation, deed.step);
      onDeed?.(rotation, deed, ring.generation);
    }
    for (const told of eventsOf(steps)) record({ regarding: resource, ...told });
    memory.committed(ring, deeds);
    lag.behind(rotation, this.#nowMs());
  }

  #conclude(turn: Turn, report: PassReport): Conclusion {
    const { resource, memory, quarrel } = turn;
    const { decision, seen } = report;
    const { observation, unseen } = seen;
    // An emergency did not wait for it; there is nothing to say before it is known
    if (unseen && mayWorkLater(unseen)) return this.#concludeFailure(turn, unseen);
    memory.failingSinceMs = undefined;
    if (hasProgressed(report) && !(quarrel && memory.isOwed)) {
      memory.isOwed = true;
      // What a pass wrote is seen by a later one only, which comes before others begin: it is the one that reports
      return { next: { requeueAfterMs: 0, urgency: "begun" } };
    }
    const [failed] = report.unwritten;
    const unwritten = failed && outcomeOf(failed.error, { urgency: urgencyOf(resource), failingMs: 0 }).stalled;
    const rival = memory.rivals.trouble ?? quarrel;
    const besides = { ...(unwritten && { unwritten }), ...(rival && { rival }) };
    const status = statusReport(viewOf(observation, { decision, ...besides }));
    this.#parts.metrics.seen(observation.rotation, status, decision);
    const after = withReport(resource, { report: status, ...this.#reporter(observation.found.nowMs) }, memory.untold);
    const { chance } = this.#parts.client.transport;
    const waitMs = nextLookMs(report, { count: this.#parts.count(), chance });
    const next = { requeueAfterMs: quarrel ? Math.min(quarrelRestMs, waitMs) : waitMs };
    return { after, isWhole: true, next: failed ? { failure: failed.error } : next };
  }

  #concludeFailure({ resource, memory, signal }: Turn, error: unknown): Conclusion {
    const nowMs = this.#monotonicMs();
    const urgency = urgencyOf(resource);
    const { stalled, next } = outcomeOf(error, { urgency, failingMs: nowMs - (memory.failingSinceMs ?? nowMs) });
    if (stalled === undefined && next === undefined) memory.failingSinceMs ??= nowMs;
    if (stalled === undefined) return { next: next ?? { failure: error } };
    // Nothing is written any more; who comes next sees it again
    if (signal.aborted) return { next: { failure: error } };
    this.#parts.metrics.troubled(refOf(resource), urgency === "emergency");
    const after = withTrouble(resource, stalled, this.#reporter(this.#nowMs()));
    return { after, next: next ?? { failure: error } };
  }

  /** The one place where a status is written, if it says something new. */
  async #report(turn: Turn, { after, isWhole, next }: Conclusion): Promise<Next> {
    const { resource, memory, signal } = turn;
    const { lag, record } = this.#parts;
    const client = this.#clientFor(memory, resource);
    try {
      if (after !== undefined) {
        for (const told of stallEvents(resource, after)) record({ regarding: resource, ...told });
        const written = await writeReport(client, { before: resource, after }, signal);
        if (written) memory.rivals.reported(written);
      }
    } catch (error) {
      // Where the whole server is away the status can't be written either
      const isAway = "failure" in next && mayWorkLater(next.failure);
      return isAway ? next : this.#concludeFailure(turn, error).next;
    }
    if (isWhole) {
      memory.toldAll();
      lag.reported(refOf(resource));
    }
    return next;
  }

  #reporter(nowMs: number): { readonly nowMs: number; readonly lease?: string } {
    const { lease } = this.#parts;
    return { nowMs, ...(lease !== undefined && { lease }) };
  }

  #monotonicMs(): number {
    return this.#parts.client.transport.clock.monotonicMs();
  }

  #nowMs(): number {
    return Math.floor(this.#parts.client.transport.clock.nowMs());
  }
}

/** By what is asked for, and by what the last pass saw. */
const isEmergency = (memory: RotationMemory | undefined, resource: KubeObject | undefined): boolean =>
  memory?.isPending === true || urgencyOf(resource) === "emergency";

/** Another controller's report is to be answered, however long the wait would be. */
function answering({ memory }: Turn, next: ReconcileOutcome): ReconcileOutcome {
  if (!memory.rivals.trouble || "backoff" in next || next.requeueAfterMs === undefined) return next;
  return { ...next, requeueAfterMs: Math.min(next.requeueAfterMs, answerMs) };
}

const refOf = ({ metadata: { namespace = "", name } }: KubeObject): RotationRef => ({ namespace, name });
