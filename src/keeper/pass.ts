import { isConflict } from "../errors/keyturn-error.ts";
import type { RingObject } from "../ring/codec.ts";
import { conflictsIn, decide, type Decision, type Observation } from "../ring/decide.ts";
import type { NamedStep } from "../ring/forecast.ts";
import type { KeyMaterials } from "../ring/jwk.ts";
import type { Ring } from "../ring/ring.ts";
import type { DocumentRead } from "./document-read.ts";
import { enact, materialsOf } from "./enact.ts";
import { observe, type Observed, type Sources } from "./observe.ts";
import { publishEach, unwrittenBy, type Unwritten } from "./projections.ts";
import type { RingStore, Snapshot } from "./store.ts";

/** What a pass has seen, decided and done. */
export interface PassReport<Read extends DocumentRead = DocumentRead> {
  readonly seen: Observed<Read>;
  readonly decision: Decision;
  /** The ring as it stands after the pass; absent while there is none, or none that may be used. */
  readonly ring?: Ring;
  /** What was written, each new key with its kid. */
  readonly steps: readonly NamedStep[];
  readonly published: readonly RingObject[];
  /** What could not be written, the ring first. */
  readonly unwritten: readonly Unwritten<RingObject>[];
}

/** What has just been written into the ring. */
export interface Committed {
  readonly observation: Observation;
  readonly ring: Ring;
  readonly steps: readonly NamedStep[];
}

export interface PassOptions {
  /** The rotation is being deleted: what is gone is not made anew. @default false */
  readonly isLeaving?: boolean;
  /** Hears of the ring as soon as it is written, before its projections are: a later pass no longer sees that it was done. */
  readonly onCommitted?: (committed: Committed) => void;
}

/**
 * One sentence: read, plan, apply, publish. Twice is the same as once, and a crash between any two effects is made good by
 * the next pass.
 *
 * @throws TryLaterError `Conflict` when somebody else's write of the ring came first
 * @throws whatever the store does where there is no ring yet, and what keeps it from being read; of the gateways, which an emergency
 * does not wait for, only while there is no ring
 */
export async function runPass<Read extends DocumentRead>(
  sources: Sources<Read>,
  options: PassOptions = {},
): Promise<PassReport<Read>> {
  return carryOut(await lookAt(sources), sources.store, options);
}

/** One reading of everything, and what it leads to. */
export interface Look<Read extends DocumentRead = DocumentRead> {
  readonly seen: Observed<Read>;
  readonly decision: Decision;
}

/** Read and plan: the half of a pass that writes nothing. */
export async function lookAt<Read extends DocumentRead>(sources: Sources<Read>): Promise<Look<Read>> {
  const seen = await observe(sources);
  return { seen, decision: decide(seen.observation) };
}

/** Apply and publish: the other half. @throws as {@link runPass} */
export async function carryOut<Read extends DocumentRead>(
  { seen, decision }: Look<Read>,
  store: RingStore<Read>,
  { isLeaving = false, onCommitted }: PassOptions = {},
): Promise<PassReport<Read>> {
  const { snapshot, unseen } = seen;
  const hasRing = decision.kind === "plan" && decision.input.stored.kind === "ring";
  // What a ring is made of, or made anew of, must not be older than what gateways have
  if (unseen && decision.kind === "plan" && !hasRing) throw unseen;
  // What is wrong with one object is no reason to let a garbage collector have the others
  if (decision.kind === "stalled" || (isLeaving && !hasRing)) {
    const published = await relabelEach(store, snapshot, ["ring", "signer", "public"]);
    return { seen, decision, steps: [], published, unwritten: [] };
  }
  const { ring, materials, steps, refused } = await apply(decision, seen, store);
  if (ring === undefined) return { seen, decision, steps, published: [], unwritten: [] };
  if (steps.length > 0) onCommitted?.({ observation: seen.observation, ring, steps });
  const next = { ring, materials };
  const { written, unwritten } = await publishEach(store, next, { snapshot, conflicts: conflictsIn(decision) });
  const isAsFound = steps.length === 0 && refused === undefined;
  const relabelled = isAsFound ? await relabelEach(store, snapshot, ["ring"]) : [];
  const all = [...(refused ? [refused] : []), ...unwritten];
  return { seen, decision, ring, steps, published: [...written, ...relabelled], unwritten: all };
}

/** The ring as it stands when a plan is carried out. */
interface Applied {
  /** Absent while there is none. */
  readonly ring?: Ring;
  readonly materials: KeyMaterials;
  readonly steps: readonly NamedStep[];
  /** Why it could not be written: then it is the one that was found, and its projections are still looked after. */
  readonly refused?: Unwritten<"ring">;
}

type Planned = Extract<Decision, { kind: "plan" }>;

/** Carries out the plan's steps in one write; nothing when there are none. */
async function apply<Read extends DocumentRead>(
  { plan, input: { stored } }: Planned,
  { snapshot, brought }: Observed<Read>,
  store: RingStore<Read>,
): Promise<Applied> {
  const known = new Map([...brought, ...materialsOf(snapshot)]);
  const found: Applied = { ...(stored.kind === "ring" && { ring: stored.ring }), materials: known, steps: [] };
  if (plan.steps.length === 0) return found;
  const { reading } = snapshot.ring;
  const enacted = await enact(plan, reading.kind === "ring" ? reading.ring : undefined, known);
  try {
    await store.commit(enacted, snapshot);
    return enacted;
  } catch (error) {
    if (found.ring === undefined || isConflict(error)) throw error;
    return { ...found, refused: unwrittenBy("ring", error) };
  }
}

async function relabelEach<Read extends DocumentRead>(
  store: RingStore<Read>,
  snapshot: Snapshot<Read>,
  objects: readonly RingObject[],
): Promise<readonly RingObject[]> {
  const written: RingObject[] = [];
  for (const object of objects) if ((await store.relabel?.(object, snapshot)) === true) written.push(object);
  return written;
}

/** Something was written, so that another pass follows at once: what it wrote is seen by a later one only. */
export const hasProgressed = ({ steps, published }: Pick<PassReport, "steps" | "published">): boolean =>
  steps.length + published.length > 0;
