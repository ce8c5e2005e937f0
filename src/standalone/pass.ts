import { generateKey, type GeneratedKey } from "../crypto/keypair.ts";
import { decide, type Decision } from "../ring/decide.ts";
import type { NamedStep } from "../ring/forecast.ts";
import type { KeyMaterials } from "../ring/jwk.ts";
import type { Plan, Stored } from "../ring/plan.ts";
import type { Ring } from "../ring/ring.ts";
import { applyPlan, needsFreshKey } from "../ring/steps.ts";
import { observe, type Sight, type Sources } from "./observe.ts";
import type { Effective } from "./resource.ts";
import type { State } from "./state.ts";
import { materialsOf } from "./store.ts";

/** What a pass has seen, decided and done. */
export interface PassReport {
  readonly sight: Sight;
  readonly decision: Decision;
  /** The ring as it stands after the pass; absent while there is none, or none that may be used. */
  readonly ring?: Ring;
  /** What was written, each new key with its kid. */
  readonly steps: readonly NamedStep[];
  readonly published: readonly ("public" | "signer")[];
}

/**
 * One sentence: read, plan, apply, publish. Twice is the same as once, and a crash between any two effects is made good
 * by the next pass.
 */
export async function runPass(sources: Sources, now: Effective, state: State): Promise<PassReport> {
  const sight = await observe(sources, now, state);
  const decision = decide(sight.observation);
  if (decision.kind === "stalled") return { sight, decision, steps: [], published: [] };
  const { ring, materials, steps } = await apply(sources, sight, decision);
  if (!ring) return { sight, decision, steps, published: [] };
  const published = await sources.store.publish(ring, materials, sources.clock.nowMs());
  return { sight, decision, ring, steps, published };
}

interface Applied {
  readonly ring: Ring | undefined;
  readonly materials: KeyMaterials;
  readonly steps: readonly NamedStep[];
}

async function apply(
  { store }: Sources,
  { snapshot, brought }: Sight,
  { plan, input }: Extract<Decision, { kind: "plan" }>,
): Promise<Applied> {
  const known = new Map([...brought, ...materialsOf(snapshot)]);
  const before = ringIn(input.stored);
  if (plan.steps.length === 0) return { ring: before, materials: known, steps: [] };
  const fresh = await makeKeys(plan);
  const kids = fresh.map(({ kid }) => kid);
  const { reading } = snapshot.ring;
  const ring = applyPlan(reading.kind === "ring" ? reading.ring : undefined, plan, kids);
  if (!ring) throw new TypeError("Cannot apply the plan: it leaves no ring");
  const materials = new Map([...known, ...fresh.map(({ kid, material }) => [kid, material] as const)]);
  await store.commit(ring, materials, snapshot);
  return { ring, materials, steps: named(plan, kids) };
}

const ringIn = (stored: Stored): Ring | undefined => (stored.kind === "ring" ? stored.ring : undefined);

function makeKeys({ steps }: Plan): Promise<readonly GeneratedKey[]> {
  const wanted = steps.filter(needsFreshKey);
  return Promise.all(wanted.map(({ profile, modulusBits }) => generateKey(profile.algorithm, modulusBits)));
}

function named({ steps }: Plan, kids: readonly string[]): readonly NamedStep[] {
  const fresh = [...kids];
  return steps.map((step): NamedStep => {
    const kid = needsFreshKey(step) ? fresh.shift() : undefined;
    return kid === undefined ? step : { ...step, kid };
  });
}
