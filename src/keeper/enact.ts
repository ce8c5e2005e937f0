import { generateKey, type GeneratedKey } from "../crypto/keypair.ts";
import type { Decision } from "../ring/decide.ts";
import type { NamedStep } from "../ring/forecast.ts";
import type { KeyMaterial, KeyMaterials } from "../ring/jwk.ts";
import type { Kid } from "../ring/key.ts";
import type { Plan } from "../ring/plan.ts";
import type { Ring } from "../ring/ring.ts";
import { applyPlan, needsFreshKey } from "../ring/steps.ts";
import type { DocumentRead } from "./document.ts";

/** The ring as it stands when a plan is carried out. */
export interface Enacted {
  /** Absent while there is none. */
  readonly ring?: Ring;
  readonly materials: KeyMaterials;
  /** What was written, each new key with its kid. */
  readonly steps: readonly NamedStep[];
}

export interface Place {
  /** The ring object as it was read. */
  readonly ring: Ring | undefined;
  /** Every key that was found. */
  readonly known: KeyMaterials;
  /** Makes it the ring, by compare-and-swap against what was read. */
  commit(ring: Ring, materials: KeyMaterials): Promise<void>;
}

/** Carries out the steps of a plan in one write, after it has made the keys that they need; nothing when there are none. */
export async function enact(
  { plan, input: { stored } }: Extract<Decision, { kind: "plan" }>,
  place: Place,
): Promise<Enacted> {
  const { known } = place;
  if (plan.steps.length === 0) {
    return { ...(stored.kind === "ring" && { ring: stored.ring }), materials: known, steps: [] };
  }
  const fresh = await makeKeys(plan);
  const kids = fresh.map(({ kid }) => kid);
  const ring = applyPlan(place.ring, plan, kids);
  if (!ring) throw new TypeError("Cannot apply the plan: it leaves no ring");
  const materials = new Map([...known, ...fresh.map(({ kid, material }) => [kid, material] as const)]);
  await place.commit(ring, materials);
  return { ring, materials, steps: named(plan, kids) };
}

function makeKeys({ steps }: Plan): Promise<readonly GeneratedKey[]> {
  const wanted = steps.filter(needsFreshKey);
  return Promise.all(wanted.map(({ profile, modulusBits }) => generateKey(profile.algorithm, modulusBits)));
}

function named({ steps }: Plan, kids: readonly Kid[]): readonly NamedStep[] {
  const fresh = [...kids];
  return steps.map((step): NamedStep => {
    const kid = needsFreshKey(step) ? fresh.shift() : undefined;
    return kid === undefined ? step : { ...step, kid };
  });
}

interface Objects {
  readonly ring: Pick<DocumentRead, "materials">;
  readonly signer: Pick<DocumentRead, "materials">;
  readonly public: Pick<DocumentRead, "materials">;
}

/** Every half that was found; a key's private half wins over the lack of it. */
export function materialsOf({ ring, signer, public: open }: Objects): KeyMaterials {
  const all = new Map<Kid, KeyMaterial>();
  for (const [kid, material] of [...open.materials, ...signer.materials, ...ring.materials]) {
    if (material.privateJwk !== undefined || !all.has(kid)) all.set(kid, material);
  }
  return all;
}
