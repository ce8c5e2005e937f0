import { decodeKeyRing, type KeyRing, type RingObject } from "../ring/codec.ts";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import type { KeyMaterial } from "../ring/jwk.ts";
import { keysOf } from "../ring/ring.ts";
import type { Key } from "../ring/key.ts";
import { prove } from "./signature.ts";
import { thumbprint } from "./thumbprint.ts";

/** The halves of a key that was proved before, where they are these to the last member, and for the same algorithm. */
export type Proved = (key: Key, material: KeyMaterial) => KeyMaterial | undefined;

/**
 * Returns a `keyring.json` in which every key is proved: public halves are keys, private halves fit them, and each kid is its
 * key's thumbprint, unless the key was adopted: then its facts have the thumbprint.
 *
 * Costs one multiplication on the curve per private half (a signature in libuv's thread pool for RSA): the signer and public
 * objects have one or none, the ring object up to 16.
 *
 * @param proved - Spares that proof, and nothing else. @default each is proved
 * @throws ChangeNeededError `RingUnreadable` with one reason and its JSON path; never with key material
 */
export async function openKeyRing(
  text: string,
  object: RingObject,
  proved: Proved = () => undefined,
): Promise<KeyRing> {
  const keyRing = decodeKeyRing(text, object);
  const keys = new Map(keysOf(keyRing.ring).map((key) => [key.kid, key]));
  const materials = new Map(keyRing.materials);
  const reasons = await Promise.all(
    [...keyRing.materials].map(async ([kid, material]) => {
      const key = keys.get(kid);
      const known = key && proved(key, material);
      // One object for one key: what is made of it, PEM, is made once
      if (known !== undefined) materials.set(kid, known);
      return key && (await whatIsWrong(key, material, known !== undefined));
    }),
  );
  const index = reasons.findIndex((reason) => reason !== undefined);
  if (index >= 0) {
    throw new ChangeNeededError("RingUnreadable", `Cannot read key ring: $.keys[${index}]${reasons[index] ?? ""}`);
  }
  return { ...keyRing, materials, ring: withThumbprints(keyRing) };
}

/** An adopted key may be called anything: what it is says its thumbprint. */
function withThumbprints({ ring, materials }: KeyRing): KeyRing["ring"] {
  const known = <K extends Key>(key: K): K => {
    const material = materials.get(key.kid);
    const own = material && thumbprint(material.publicJwk);
    return own === undefined || own === key.kid ? key : { ...key, thumbprint: own };
  };
  const { signer, standby, retiring } = ring;
  return { ...ring, signer: known(signer), ...(standby && { standby: known(standby) }), retiring: retiring.map(known) };
}

/** The rest of the sentence, from the member's name on; undefined when the key is sound. */
async function whatIsWrong(key: Key, material: KeyMaterial, isProved: boolean): Promise<string | undefined> {
  if (key.adoptedAtMs === undefined && key.kid !== thumbprint(material.publicJwk)) {
    return ".kid: must be the RFC 7638 thumbprint of publicJwk: the key was not adopted";
  }
  if (isProved) return undefined;
  const { algorithm } = key.profile;
  if (await isKey(material, algorithm)) return undefined;
  return (await isKey({ publicJwk: material.publicJwk }, algorithm))
    ? ".privateJwk: must be the private half of publicJwk"
    : ".publicJwk: must be a point of its curve";
}

const isKey = (material: KeyMaterial, algorithm: Key["profile"]["algorithm"]): Promise<boolean> =>
  prove(material, algorithm).then(
    () => true,
    () => false,
  );
