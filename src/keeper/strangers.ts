import { filesOf } from "../crypto/objects.ts";
import { holdsUnclaimed, type Known } from "../crypto/unclaimed.ts";
import type { RingObject } from "../ring/codec.ts";
import type { Decision } from "../ring/decide.ts";
import type { KeyMaterials } from "../ring/jwk.ts";
import { applyPlan, needsFreshKey } from "../ring/steps.ts";
import type { DocumentRead } from "./document-read.ts";
import { materialsOf } from "./enact.ts";
import type { Snapshot } from "./store.ts";

/** A file: its name and its text. */
export type NamedText = readonly [name: string, text: string];

/**
 * Tells which files of an object did not come with its document. Beside one that can be used they are those that its own
 * ring would not write so: an ordinary write over an older ring has none. Beside any other they are all of them.
 */
export function strangerTest({ reading, materials }: DocumentRead, object: RingObject): (file: NamedText) => boolean {
  if (reading.kind !== "ring") return () => true;
  const own = filesOf[object](reading.ring, materials);
  return ([name, text]) => name !== "keyring.json" && text !== own[name];
}

/** True when to lose these files is to lose a key: one that neither the next ring has, nor the one that they stood beside. */
export function losesKeys(strangers: readonly NamedText[], { reading, materials }: DocumentRead, next: Known): boolean {
  const found: readonly Known[] = reading.kind === "ring" ? [{ ring: reading.ring, materials }] : [];
  const texts = strangers.map(([, text]) => text);
  return holdsUnclaimed(texts, [next, ...found]);
}

/**
 * The ring as it will be when the decision is carried out, or undefined where it is none. Of keys that are yet to be made there is
 * no material.
 *
 * @param brought - Public halves that come with a request
 */
export function knownAfter(decision: Decision, objects: Snapshot, brought: KeyMaterials): Known | undefined {
  if (decision.kind !== "plan") return undefined;
  const { plan } = decision;
  const { reading } = objects.ring;
  const kids = plan.steps.filter(needsFreshKey).map((_, index) => `(new ${index + 1})`);
  const ring = applyPlan(reading.kind === "ring" ? reading.ring : undefined, plan, kids);
  return ring && { ring, materials: new Map([...brought, ...materialsOf(objects)]) };
}
