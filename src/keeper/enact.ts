import { newWriteId } from "../crypto/write-id.ts";
import { generateKey, type GeneratedKey } from "../crypto/keypair.ts";
import { identity } from "../ring/codec/read-jwk.ts";
import type { Decision } from "../ring/decide.ts";
import type { NamedStep } from "../ring/forecast.ts";
import type { KeyMaterial, KeyMaterials } from "../ring/jwk.ts";
import type { Kid } from "../ring/key.ts";
import type { Plan } from "../ring/plan.ts";
import type { Ring } from "../ring/ring.ts";
import { applyPlan, needsFreshKey } from "../ring/steps.ts";
import { isConflict } from "../errors/keyturn-error.ts";
import type { DocumentRead } from "./document.ts";
import { type Unwritten, unwrittenBy } from "./projections.ts";

/** The ring as it stands when a plan is carried out. */
export interface Enacted {
  /** Absent while there is none. */
  readonly ring?: Ring;
  readonly materials: KeyMaterials;
  /** What was written, each new key with its kid. */
  readonly steps: readonly NamedStep[];
  /** Why the ring could not be written: then it is the one that was found, and its projections are still looked after. */
  readonly unwritten?: Unwritten<"ring">;
}

export interface Place {
  /** The ring object as it was read. */
  readonly ring: Ring | undefined;
  /** Every key that was found. */
  readonly known: KeyMaterials;
  /** Makes it the ring, by compare-and-swap against what was read. */
  commit(ring: Ring, materials: KeyMaterials): Promise<void>;
}

/**
 * Carries out the steps of a plan in one write, after it has made the keys that they need; nothing when there are none.
 *
 * @throws TryLaterError `Conflict` when somebody else was faster, and whatever `commit` throws where there is no ring yet
 */
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
  const ring = applyPlan(place.ring, { ...plan, writeId: newWriteId() }, kids);
  if (!ring) throw new TypeError("Cannot apply the plan: it leaves no ring");
  const materials = new Map([...known, ...fresh.map(({ kid, material }) => [kid, material] as const)]);
  try {
    await place.commit(ring, materials);
  } catch (error) {
    if (stored.kind !== "ring" || isConflict(error)) throw error;
    return { ring: stored.ring, materials: known, steps: [], unwritten: unwrittenBy("ring", error) };
  }
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

/** The three objects as they were read. */
export interface Objects {
  readonly ring: Pick<DocumentRead, "reading" | "materials">;
  readonly signer: Pick<DocumentRead, "reading" | "materials">;
  readonly public: Pick<DocumentRead, "reading" | "materials">;
}

/**
 * Every half that was found. Under one kid the key of a document that can be used counts, and takes a private half from
 * wherever that of the same key stands.
 */
export function materialsOf({ ring, signer, public: open }: Objects): KeyMaterials {
  const objects = [ring, signer, open];
  const isWhole = ({ reading }: (typeof objects)[number]): boolean => reading.kind === "ring";
  const all = new Map<Kid, KeyMaterial>();
  for (const { materials } of [...objects.filter(isWhole), ...objects.filter((one) => !isWhole(one))]) {
    for (const [kid, material] of materials) all.set(kid, completed(all.get(kid), material));
  }
  return all;
}

function completed(known: KeyMaterial | undefined, other: KeyMaterial): KeyMaterial {
  if (!known) return other;
  const isSame = identity(known.publicJwk) === identity(other.publicJwk);
  return known.privateJwk === undefined && isSame ? other : known;
}
