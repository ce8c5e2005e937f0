import { ClusterStore } from "../cluster/cluster-store.ts";
import { type Committed, hasProgressed, type PassReport } from "../keeper/pass.ts";
import type { SetAside } from "../keeper/store.ts";
import { keyOf, type KubeObject } from "../kube/object.ts";
import { readRotation } from "../ring/resource/rotation.ts";
import { RotationPasses } from "./rotation-passes.ts";
import type { Deed } from "./status-report.ts";
import { eventsOf, setAsideEvent, warningEvent } from "./step-events.ts";
import { clientFor, hasEmergency, monotonicMs, type ReconcilerParts, refOf, type Turn, wholeNowMs } from "./turn.ts";

/** So many in one turn: made, published, and nothing left. Whatever else follows at once waits for its next turn. */
const mostPasses = 4;

/**
 * Read, plan, apply, publish; and once more, until nothing is left to write. Returns the last pass, which is the one that is reported.
 *
 * @throws as {@link RotationPasses}
 */
export async function makePasses(parts: ReconcilerParts, turn: Turn): Promise<PassReport> {
  const { resource, memory, quarrel } = turn;
  memory.passedAtMs = monotonicMs(parts);
  const passes = passesOf(parts, turn);
  let report = await passes.first();
  heed(parts, turn, report);
  // Where another writer undoes what is written, one pass at a time is enough
  const most = quarrel ? 1 : mostPasses;
  for (let made = 1; made < most && hasProgressed(report); made++) {
    memory.isOwed = true;
    // Whoever edits the resource meanwhile gets a pass of his own
    const isAsRead = parts.resources.byKey(keyOf(resource)) === resource;
    const next = isAsRead ? await passes.next(report) : undefined;
    if (next === undefined) break;
    report = next;
    heed(parts, turn, report);
  }
  return report;
}

function passesOf(parts: ReconcilerParts, turn: Turn): RotationPasses {
  const { resource, memory, signal } = turn;
  const { record, knownGateways } = parts;
  const client = clientFor(parts, turn);
  const rotation = readRotation(resource, { unknownFields: "warn" });
  const onSetAside = (kept: SetAside): void => record({ regarding: resource, ...setAsideEvent(kept) });
  const onWritten = (object: KubeObject): void => memory.wroteObject(object);
  const store = new ClusterStore({ client, rotation, owner: resource, signal, onSetAside, onWritten });
  const onCommitted = (committed: Committed): void => announce(parts, turn, committed);
  const options = {
    ...{ client, store, signal, seenGeneration: memory.generation, onCommitted },
    // Whether a revocation has reached everybody is never told by what was heard of gateways
    ...(knownGateways && !hasEmergency(memory, resource) && { knownGateways: () => knownGateways(refOf(resource)) }),
  };
  return new RotationPasses(options, resource, rotation);
}

/** What a pass leaves to be remembered, and to be told at once. */
function heed(parts: ReconcilerParts, { resource, memory }: Turn, report: PassReport): void {
  for (const warning of report.seen.warnings) parts.record({ regarding: resource, ...warningEvent(warning) });
  memory.passed(report, resource);
  if (hasProgressed(report)) memory.wrote(monotonicMs(parts));
}

/** Tells the world of each step at once: the rest of the pass may fail, and its report be lost. */
function announce(parts: ReconcilerParts, { resource, memory }: Turn, { observation, ring, steps }: Committed): void {
  const { metrics, lag, record, onDeed } = parts;
  const { rotation, found } = observation;
  const deeds = steps.map((step): Deed => ({ atMs: found.nowMs, step }));
  for (const deed of deeds) {
    metrics.done(rotation, deed.step);
    onDeed?.(rotation, deed, ring.generation);
  }
  for (const told of eventsOf(steps)) record({ regarding: resource, ...told });
  memory.committed(ring, deeds);
  lag.behind(rotation, wholeNowMs(parts));
}
