import { enact, materialsOf } from "../keeper/enact.ts";
import type { KubeObject } from "../kube/object.ts";
import { decide, type Decision } from "../ring/decide.ts";
import type { NamedStep } from "../ring/forecast.ts";
import type { Ring } from "../ring/ring.ts";
import type { Rotation } from "../ring/spec.ts";
import { observe, type Sight, type Sources } from "./observe.ts";
import type { Role } from "./slot.ts";

/** What a pass has seen, decided and done. */
export interface PassReport {
  readonly sight: Sight;
  readonly decision: Decision;
  /** The ring as it stands after the pass; absent while there is none, or none that may be used. */
  readonly ring?: Ring;
  /** What was written, each new key with its kid. */
  readonly steps: readonly NamedStep[];
  readonly published: readonly Role[];
}

/**
 * One sentence: read, plan, apply, publish. Twice is the same as once, and a crash between any two effects is made good by
 * the next pass.
 *
 * @throws TryLaterError `Conflict` when one of the objects was changed meanwhile
 * @throws KubeError when the API server can't be reached, or refuses
 */
export async function runPass(sources: Sources, resource: KubeObject, rotation: Rotation): Promise<PassReport> {
  const sight = await observe(sources, resource, rotation);
  const decision = decide(sight.observation);
  if (decision.kind === "stalled") return { sight, decision, steps: [], published: [] };
  const { snapshot, brought } = sight;
  const { store } = sources;
  const { reading } = snapshot.ring;
  const { ring, materials, steps } = await enact(decision, {
    ring: reading.kind === "ring" ? reading.ring : undefined,
    known: new Map([...brought, ...materialsOf(snapshot)]),
    commit: (next, keys) => store.commit(next, keys, snapshot),
  });
  if (!ring) return { sight, decision, steps, published: [] };
  const published = await store.publish(ring, materials, snapshot);
  const isRelabelled = steps.length === 0 && (await store.relabel(snapshot.ring));
  return { sight, decision, ring, steps, published: [...published, ...(isRelabelled ? (["ring"] as const) : [])] };
}

/** Something was written, so that another pass follows at once: what it wrote is seen by a later one only. */
export const hasProgressed = ({ steps, published }: PassReport): boolean => steps.length + published.length > 0;
