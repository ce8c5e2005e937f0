import { identity, publicHalf, readPrivateJwk, readPublicJwk } from "../ring/codec/read-jwk.ts";
import { longest } from "../ring/codec/wire.ts";
import { KeyturnError } from "../errors/keyturn-error.ts";
import type { Remnant } from "../ring/reading.ts";
import type { KeyMaterial, KeyMaterials, PrivateJwk, PublicJwk } from "../ring/jwk.ts";
import { algorithms, type Algorithm, type Kid } from "../ring/key.ts";
import type { AdoptableKey } from "../ring/plan.ts";
import { adoptable, algorithmFor, type AdoptionContext } from "./adoptable.ts";
import { kidIn } from "./adopt.ts";
import { hasPrivateMember, readKid, readSetKey, setEntries } from "./jwk-set.ts";
import type { Files } from "./objects.ts";
import { readPrivatePem, readPublicPem } from "./pem.ts";
import { probe } from "./signature.ts";
import { thumbprint } from "./thumbprint.ts";
import { Cursor, type ObjectCursor, type Subject } from "../parse/cursor.ts";
import { parseJson } from "../parse/document.ts";

/** What a damaged object still holds. */
export interface RemnantRead {
  readonly left: Remnant;
  readonly materials: KeyMaterials;
}

/** A key that is whole, wherever it stands. */
interface WholeKey {
  readonly kid: Kid;
  readonly algorithm: Algorithm;
  readonly material: KeyMaterial;
}

const subject: Subject = { code: "NotWhole", action: "Cannot use key" };

/** What we wrote ourselves is what tokens say. */
const ownKid = (at: Cursor): Kid => at.text(longest.kid);

/**
 * Every key that is whole in the files of one of our objects whose `keyring.json` can't be used: in `private-jwks.json`, the
 * three files, `jwks.json`, and `keyring.json` itself. The first private half that fits its public one is the signer's;
 * every other key is public. What is damaged is passed over.
 */
export async function readRemnant(files: Files, context: AdoptionContext): Promise<RemnantRead> {
  const named = [...setKeys(files["private-jwks.json"], context), ...setKeys(files["jwks.json"], context)];
  const inRing = ringKeys(files["keyring.json"]);
  const single = singleKey(files, [...named, ...inRing], context);
  const all = [...named, ...single, ...inRing];
  const signer = await firstThatSigns(all);
  const keys = differing([...(signer ? [signer] : []), ...all]);
  const facts = keys.map((key): AdoptableKey => adoptable(key, context));
  return {
    left: {
      ...(signer && facts[0] && { signer: facts[0] }),
      verifyOnly: signer ? facts.slice(1) : facts,
    },
    materials: new Map(
      keys.map((key) => [key.kid, key === signer ? key.material : { publicJwk: key.material.publicJwk }]),
    ),
  };
}

async function firstThatSigns(keys: readonly WholeKey[]): Promise<WholeKey | undefined> {
  for (const key of keys) {
    if (key.material.privateJwk === undefined) continue;
    if (await fits(key)) return key;
  }
  return undefined;
}

async function fits({ material, algorithm }: WholeKey): Promise<boolean> {
  try {
    await probe(material, algorithm);
    return true;
  } catch {
    return false;
  }
}

/** Each key once, and each kid once: the first counts. */
function differing(keys: readonly WholeKey[]): readonly WholeKey[] {
  const taken = new Set<string>();
  return keys.filter(({ kid, material }) => {
    const names = [`kid ${kid}`, `key ${identity(material.publicJwk)}`];
    const isNew = names.every((name) => !taken.has(name));
    if (isNew) for (const name of names) taken.add(name);
    return isNew;
  });
}

function setKeys(text: string | undefined, { algorithm }: AdoptionContext): readonly WholeKey[] {
  const entries = text === undefined ? [] : (whole(() => setEntries(text, subject)) ?? []);
  return entries.flatMap((entry) => {
    const key = whole(() => readSetKey(entry, (jwk) => algorithmFor(jwk, algorithm), ownKid));
    if (!key) return [];
    const half = hasPrivateMember(key.fields) ? whole(() => readPrivateJwk(key.fields)) : undefined;
    return [{ kid: key.kid, algorithm: key.algorithm, material: materialOf(key.publicJwk, half) }];
  });
}

/** Keys of a `keyring.json` that is no ring: the active one first, and no private half but its own. */
function ringKeys(text: string | undefined): readonly WholeKey[] {
  if (text === undefined) return [];
  const entries = whole(() => parseJson(text, { subject, publicOnly: false }).fields().at("keys").list(64)) ?? [];
  const isActive = (fields: ObjectCursor): boolean => fields.maybe("state")?.value === "active";
  const all = entries.flatMap((entry) => whole(() => entry.fields()) ?? []);
  return [...all.filter(isActive), ...all.filter((fields) => !isActive(fields))].flatMap(
    (fields) => whole(() => ringKey(fields, isActive(fields))) ?? [],
  );
}

function ringKey(fields: ObjectCursor, signs: boolean): WholeKey {
  const publicJwk = readPublicJwk(fields.at("publicJwk").fields());
  const at = fields.maybe("privateJwk");
  const half = signs && at ? whole(() => readPrivateJwk(at.fields())) : undefined;
  const algorithm = fields.at("profile").fields().at("algorithm").oneOf(algorithms);
  return { kid: ownKid(fields.at("kid")), algorithm, material: materialOf(publicJwk, half) };
}

/** The key of `signing.pem`, or of `public.pem`, under the name that `kid` or another file gives it; else under its thumbprint. */
function singleKey(files: Files, others: readonly WholeKey[], { algorithm }: AdoptionContext): readonly WholeKey[] {
  const read = (name: string): string => files[name] ?? "";
  const material: KeyMaterial | undefined =
    whole(() => readPrivatePem(read("signing.pem"), { ...subject, file: "signing.pem" })) ??
    whole(() => ({ publicJwk: readPublicPem(read("public.pem"), { ...subject, file: "public.pem" }) }));
  if (!material) return [];
  const isSame = ({ material: { publicJwk } }: WholeKey): boolean =>
    identity(publicJwk) === identity(material.publicJwk);
  const known = others.find(isSame);
  const named = whole(() => readKid(new Cursor(kidIn(files), "kid", subject)));
  const isTaken = others.some((other) => other.kid === named && !isSame(other));
  const kid = known?.kid ?? (named === undefined || isTaken ? thumbprint(material.publicJwk) : named);
  return [{ kid, algorithm: known?.algorithm ?? algorithmFor(material.publicJwk, algorithm), material }];
}

function materialOf(publicJwk: PublicJwk, privateJwk: PrivateJwk | undefined): KeyMaterial {
  const isPair = privateJwk !== undefined && identity(publicHalf(privateJwk)) === identity(publicJwk);
  return { publicJwk, ...(isPair && { privateJwk }) };
}

/** What can be read, or undefined. */
function whole<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}
