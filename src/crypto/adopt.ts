import { identity, readPrivateJwk } from "../ring/codec/read-jwk.ts";
import type { KeyMaterial, KeyMaterials } from "../ring/jwk.ts";
import type { Algorithm, Kid } from "../ring/key.ts";
import type { AdoptableKey } from "../ring/plan.ts";
import { adoptable, adoptableLimit, algorithmFor, type AdoptionContext } from "./adoptable.ts";
import { hasPrivateMember, mustDiffer, readKid, readSetKey, setEntries } from "./jwk-set.ts";
import type { Files } from "./objects.ts";
import { readPrivatePem, readPublicPem } from "./pem.ts";
import { probe } from "./signature.ts";
import { Cursor } from "../parse/cursor.ts";

/** Keys to take over under their old kids. */
export interface Adoptable {
  readonly signer: AdoptableKey;
  /** In the order of the file; their tokens go on to verify for a window. */
  readonly verifyOnly: readonly AdoptableKey[];
  /** The signer's with both halves, the others' with the public one. */
  readonly materials: KeyMaterials;
}

const threeFiles = ["kid", "public.pem", "signing.pem"];
const setFile = "private-jwks.json";

const code = "NotAdoptable";
const action = "Cannot adopt keys";

/**
 * True when the names are exactly those of the older, single-key kind (`signing.pem`, `public.pem`, `kid`) or of an import
 * (`private-jwks.json` alone). Says nothing of what they hold.
 */
export function isAdoptable(files: Files): boolean {
  const names = Object.keys(files).sort().join();
  return names === threeFiles.join() || names === setFile;
}

/**
 * Returns the keys that the files hold, after a probe signature with the signer.
 *
 * `private-jwks.json` is a JWK Set as the signer object has it: the first key has its private half and signs, the others
 * have none; each has `kid` and `alg`. Line ends and blanks at the end of the file `kid` are not part of the kid.
 *
 * @throws ChangeNeededError `NotAdoptable` with one reason; never with key material
 */
export async function readAdoptable(files: Files, context: AdoptionContext): Promise<Adoptable> {
  if (!isAdoptable(files)) {
    const at = new Cursor(undefined, "files", { code, action });
    throw at.error(`must be exactly signing.pem, public.pem and kid, or exactly ${setFile}`);
  }
  const set = files[setFile];
  return set === undefined ? readThreeFiles(files, context) : readSet(set, context);
}

/** What the file `kid` says: editors put a line end there. */
export const kidIn = (files: Files): string => (files["kid"] ?? "").replace(/[ \t\r\n]+$/, "");

async function readThreeFiles(files: Files, context: AdoptionContext): Promise<Adoptable> {
  const kid = readKid(new Cursor(kidIn(files), "kid", { code, action }));
  const material = readPrivatePem(files["signing.pem"] ?? "", { code, action, file: "signing.pem" });
  const publicJwk = readPublicPem(files["public.pem"] ?? "", { code, action, file: "public.pem" });
  const publicFile = new Cursor(undefined, "public.pem", { code, action });
  if (identity(publicJwk) !== identity(material.publicJwk)) {
    throw publicFile.error("must be the public half of signing.pem");
  }
  const algorithm = algorithmFor(publicJwk, context.algorithm);
  await mustFit(material, algorithm, new Cursor(undefined, "signing.pem", { code, action }));
  const signer = adoptable({ kid, algorithm, material, isUnstated: true }, context);
  return { signer, verifyOnly: [], materials: new Map([[kid, material]]) };
}

async function readSet(text: string, context: AdoptionContext): Promise<Adoptable> {
  const subject = { code, action: `${action}: ${setFile}` };
  const entries = setEntries(text, subject);
  if (entries.length > adoptableLimit) {
    throw new Cursor(undefined, "$.keys", subject).error(
      `must have at most ${adoptableLimit} items, has ${entries.length}`,
    );
  }
  const keys = entries.map((entry) => readSetKey(entry));
  mustDiffer(keys);
  const [first, ...others] = keys;
  if (!first) throw new Cursor(undefined, "$.keys", subject).error("must have at least one item");
  if (!hasPrivateMember(first.fields)) throw first.at.error("must have its private half: the first key signs");
  const material = { publicJwk: first.publicJwk, privateJwk: readPrivateJwk(first.fields) };
  await mustFit(material, first.algorithm, first.at);
  for (const { at, fields } of others) {
    if (hasPrivateMember(fields)) throw at.error("must have no private half: only the first key signs");
  }
  return {
    signer: adoptable({ ...first, material }, context),
    verifyOnly: others.map((key) => adoptable({ ...key, material: key }, context)),
    materials: new Map<Kid, KeyMaterial>([
      [first.kid, material],
      ...others.map(({ kid, publicJwk }) => [kid, { publicJwk }] as const),
    ]),
  };
}

async function mustFit(material: KeyMaterial, algorithm: Algorithm, at: Cursor): Promise<void> {
  try {
    await probe(material, algorithm);
  } catch {
    throw at.error("must sign what the public half verifies: the halves do not fit");
  }
}
