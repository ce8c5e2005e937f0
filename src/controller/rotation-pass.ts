import { enact, materialsOf } from "../keeper/enact.ts";
import type { KubeObject } from "../kube/object.ts";
import { publishEach, type Unwritten } from "../keeper/projections.ts";
import type { ProjectionName, RingObject } from "../ring/codec.ts";
import { conflictsIn, decide, type Decision, type Observation } from "../ring/decide.ts";
import { isConflict } from "../errors/keyturn-error.ts";
import type { NamedStep } from "../ring/forecast.ts";
import type { Ring } from "../ring/ring.ts";
import type { RefusedRotation, Rotation } from "../ring/resource/rotation.ts";
import { observeCluster, type Sight, type Sources } from "../cluster/observe-cluster.ts";
import type { ObjectStore, Snapshot } from "../cluster/object-store.ts";

/** What a pass has seen, decided and done. */
export interface PassReport {
  readonly sight: Sight;
  readonly decision: Decision;
  /** The ring as it stands after the pass; absent while there is none, or none that may be used. */
  readonly ring?: Ring;
  /** What was written, each new key with its kid. */
  readonly steps: readonly NamedStep[];
  readonly published: readonly RingObject[];
  /** What could not be written, the ring first. What somebody else wrote meanwhile is a conflict, and thrown. */
  readonly unwritten: readonly Unwritten<RingObject>[];
}

/** What has just been written into the ring. */
export interface Committed {
  readonly observation: Observation;
  readonly ring: Ring;
  readonly steps: readonly NamedStep[];
}

export interface PassSources extends Sources {
  /** Hears of the ring as soon as it is written, before its projections are. */
  readonly onCommitted?: (committed: Committed) => void;
}

/**
 * One sentence: read, plan, apply, publish. Twice is the same as once, and a crash between any two effects is made good by
 * the next pass.
 *
 * @throws TryLaterError `Conflict` when one of the objects was changed meanwhile
 * @throws KubeError when the API server can't be reached, or refuses what comes before the first write; of the gateways, which an
 * emergency does not wait for, only while there is no ring
 */
export async function runPass(
  sources: PassSources,
  resource: KubeObject,
  rotation: Rotation | RefusedRotation,
): Promise<PassReport> {
  const { store, onCommitted } = sources;
  const sight = await observeCluster(sources, resource, rotation);
  const decision = decide(sight.observation);
  const { snapshot, brought, unseen } = sight;
  // What a ring is made of, or made anew of, must not be older than what gateways have
  if (unseen && decision.kind === "plan" && decision.input.stored.kind !== "ring") throw unseen;
  const { reading } = snapshot.ring;
  const isLeaving = resource.metadata.deletionTimestamp !== undefined;
  // What is wrong with one object is no reason to let the garbage collector have the others
  if (decision.kind === "stalled" || (isLeaving && decision.input.stored.kind !== "ring")) {
    const published = await relabelled(store, snapshot, ["ring", "signer", "public"]);
    return { sight, decision, steps: [], published, unwritten: [] };
  }
  const { ring, materials, steps, ...enacted } = await enact(decision, {
    ring: reading.kind === "ring" ? reading.ring : undefined,
    known: new Map([...brought, ...materialsOf(snapshot)]),
    commit: (next, keys) => store.commit(next, keys, snapshot),
  });
  if (!ring) return { sight, decision, steps, published: [], unwritten: [] };
  // Before anything else may fail: a later pass no longer sees that it was done
  if (steps.length > 0) onCommitted?.({ observation: sight.observation, ring, steps });
  const found = { signer: snapshot.signer.reading, public: snapshot.public.reading };
  const write = (object: ProjectionName): Promise<boolean> =>
    store.project(object, { ring, materials, seen: snapshot });
  const { written, unwritten } = await publishEach(ring, { found, conflicts: conflictsIn(decision), write });
  for (const { error } of unwritten) if (isConflict(error)) throw error;
  const others = steps.length === 0 && !enacted.unwritten ? await relabelled(store, snapshot, ["ring"]) : [];
  const all = [...(enacted.unwritten ? [enacted.unwritten] : []), ...unwritten];
  return { sight, decision, ring, steps, published: [...written, ...others], unwritten: all };
}

async function relabelled(
  store: ObjectStore,
  snapshot: Snapshot,
  roles: readonly RingObject[],
): Promise<readonly RingObject[]> {
  const written: RingObject[] = [];
  for (const role of roles) if (await store.relabel(role, snapshot[role])) written.push(role);
  return written;
}

/** Something was written, so that another pass follows at once: what it wrote is seen by a later one only. */
export const hasProgressed = ({ steps, published }: PassReport): boolean => steps.length + published.length > 0;
