import { enact, materialsOf } from "../../keeper/enact.ts";
import { publishEach, type Unwritten } from "../../keeper/projections.ts";
import type { ProjectionName } from "../../ring/codec.ts";
import { conflictsIn, decide, type Decision } from "../../ring/decide.ts";
import type { NamedStep } from "../../ring/forecast.ts";
import type { Ring } from "../../ring/ring.ts";
import { observeDirectory, type Sight, type Sources } from "./observe-directory.ts";
import type { Effective } from "../settings/effective.ts";
import type { State } from "./state-file.ts";

/** What a pass has seen, decided and done. */
export interface PassReport {
  readonly sight: Sight;
  readonly decision: Decision;
  /** The ring as it stands after the pass; absent while there is none, or none that may be used. */
  readonly ring?: Ring;
  /** What was written, each new key with its kid. */
  readonly steps: readonly NamedStep[];
  readonly published: readonly ProjectionName[];
  /** What could not be written, the ring first. */
  readonly unwritten: readonly Unwritten<"ring" | ProjectionName>[];
}

/**
 * One sentence: read, plan, apply, publish. Twice is the same as once, and a crash between any two effects is made good
 * by the next pass.
 */
export async function runPass(sources: Sources, now: Effective, state: State): Promise<PassReport> {
  const sight = await observeDirectory(sources, now, state);
  const decision = decide(sight.observation);
  if (decision.kind === "stalled") return { sight, decision, steps: [], published: [], unwritten: [] };
  const { snapshot, brought } = sight;
  const { reading } = snapshot.ring;
  const { ring, materials, steps, ...enacted } = await enact(decision, {
    ring: reading.kind === "ring" ? reading.ring : undefined,
    known: new Map([...brought, ...materialsOf(snapshot)]),
    commit: (next, keys) => sources.store.commit(next, keys, snapshot),
  });
  if (!ring) return { sight, decision, steps, published: [], unwritten: [] };
  const projection = { ring, materials, nowMs: sources.clock.nowMs() };
  const { written, unwritten } = await publishEach(ring, {
    found: { signer: snapshot.signer.reading, public: snapshot.public.reading },
    conflicts: conflictsIn(decision),
    write: (object) => sources.store.project(object, projection),
  });
  const all = [...(enacted.unwritten ? [enacted.unwritten] : []), ...unwritten];
  return { sight, decision, ring, steps, published: written, unwritten: all };
}
