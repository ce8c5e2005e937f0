import { quarrelRestMs } from "../keeper/quarrel.ts";
import type { KubeObject } from "../kube/object.ts";
import type { Urgency } from "../runtime/queue-entry.ts";
import type { ReconcileOutcome } from "../runtime/reconcile-loop.ts";
import { conclude, concludeFailure, tell } from "./conclusion.ts";
import { answerMs } from "./rival.ts";
import { RotationMemory } from "./rotation-memory.ts";
import { hasEmergency, monotonicMs, type ReconcilerParts, type Turn } from "./turn.ts";
import { makePasses } from "./turn-passes.ts";

/** Brings one JwtKeyRotation after the other to what it says. */
export class Reconciler {
  readonly #parts: ReconcilerParts;
  readonly #memories = new Map<string, RotationMemory>();

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
  }

  /**
   * Looks at the rotation, rests where it must, makes its passes, concludes what follows, reports it, and says when to come again.
   *
   * @throws KubeError | KeyturnError when it is to be tried again
   */
  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileOutcome> {
    const resource = this.#parts.resources.byKey(key);
    if (resource === undefined) return this.#forget(key);
    const turn = this.#look(key, resource, signal);
    const restMs = this.#restMs(turn);
    if (restMs > 0) return { requeueAfterMs: restMs };
    const { urgent } = this.#parts;
    const isUrgent = urgent && hasEmergency(turn.memory, resource);
    return isUrgent ? urgent.rightOfWay.during(() => this.#take(turn)) : this.#take(turn);
  }

  /** How urgent it is, by what is asked for and by what the last pass saw. */
  urgencyOf(key: string): Urgency {
    return hasEmergency(this.#memories.get(key), this.#parts.resources.byKey(key)) ? "emergency" : "ordinary";
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
    const nowMs = monotonicMs(this.#parts);
    memory.rivals.look(resource, this.#parts.lease ?? "", nowMs);
    return { resource, memory, signal, quarrel: memory.quarrelOver(resource, nowMs) };
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
    return quarrel && !memory.isOwed ? memory.passedAtMs + quarrelRestMs - monotonicMs(this.#parts) : 0;
  }

  async #take(turn: Turn): Promise<ReconcileOutcome> {
    const conclusion = await makePasses(this.#parts, turn).then(
      (report) => conclude(this.#parts, turn, report),
      (error: unknown) => concludeFailure(this.#parts, turn, error),
    );
    const next = await tell(this.#parts, turn, conclusion);
    if ("failure" in next) throw next.failure;
    return answering(turn, next);
  }
}

/** Another controller's report is to be answered, however long the wait would be. */
function answering({ memory }: Turn, next: ReconcileOutcome): ReconcileOutcome {
  if (!memory.rivals.trouble || "backoff" in next || next.requeueAfterMs === undefined) return next;
  return { ...next, requeueAfterMs: Math.min(next.requeueAfterMs, answerMs) };
}
