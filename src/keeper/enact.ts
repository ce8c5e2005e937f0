import type { Known } from "../crypto/unclaimed.ts";
import { newWriteId } from "../crypto/write-id.ts";
import { generateKey, type GeneratedKey } from "../crypto/keypair.ts";
import { identity } from "../ring/codec/read-jwk.ts";
import { namedSteps, type NamedStep } from "../ring/forecast.ts";
import type { KeyMaterial, KeyMaterials } from "../ring/jwk.ts";
import type { Kid } from "../ring/key.ts";
import type { Plan } from "../ring/plan.ts";
import type { Ring } from "../ring/ring.ts";
import { applyPlan, needsFreshKey } from "../ring/steps.ts";
import type { Snapshot } from "./store.ts";

/** A ring that a plan makes, and that nobody has written yet. */
export interface Enacted extends Known {
  /** What leads to it, each new key with its kid. */
  readonly steps: readonly NamedStep[];
}

/**
 * Makes the keys that the steps of a plan need, and the ring that they lead to. Writes nothing.
 *
 * @param before - What the ring object holds; undefined when nothing that may be used
 * @param known - Every key that was found
 */
export async function enact(plan: Plan, before: Ring | undefined, known: KeyMaterials): Promise<Enacted> {
  const fresh = await makeKeys(plan);
  const kids = fresh.map(({ kid }) => kid);
  const ring = applyPlan(before, { ...plan, writeId: newWriteId() }, kids);
  if (!ring) throw new TypeError("Cannot apply the plan: it leaves no ring");
  const materials = new Map([...known, ...fresh.map(({ kid, material }) => [kid, material] as const)]);
  return { ring, materials, steps: namedSteps(plan, kids) };
}

function makeKeys({ steps }: Plan): Promise<readonly GeneratedKey[]> {
  const wanted = steps.filter(needsFreshKey);
  return Promise.all(wanted.map(({ profile, modulusBits }) => generateKey(profile.algorithm, modulusBits)));
}

/**
 * Every half that was found. Under one kid the key of a document that can be used counts, and takes a private half from
 * wherever that of the same key stands.
 */
export function materialsOf({ ring, signer, public: open }: Snapshot): KeyMaterials {
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
