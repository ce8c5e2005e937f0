import { isDeepStrictEqual } from "node:util";
import type { AdoptionContext } from "../crypto/adoptable.ts";
import type { Files } from "../crypto/objects.ts";
import { openKeyRing, type Proved } from "../crypto/open.ts";
import { readRemnant } from "../crypto/remnant.ts";
import { isProved } from "../crypto/signature.ts";
import type { Known } from "../crypto/unclaimed.ts";
import type { KeyRing, RingObject } from "../ring/codec.ts";
import { KeyturnError } from "../errors/keyturn-error.ts";
import type { Reading } from "../ring/found.ts";
import type { KeyMaterial, KeyMaterials } from "../ring/jwk.ts";
import { keysOf, type RotationRef, rotationName } from "../ring/ring.ts";

/** What a `keyring.json` amounts to, and the keys in it. */
export interface DocumentRead {
  readonly reading: Reading;
  readonly materials: KeyMaterials;
}

/**
 * Opens documents, and remembers the last one of each object: proving a key costs a signature. A key that one of them has,
 * to the last member, is proved.
 */
export class DocumentOpener {
  readonly #last = new Map<RingObject, { readonly text: string; readonly opened: KeyRing }>();
  #written: Known | undefined;

  /** @throws ChangeNeededError `RingUnreadable`, never with key material */
  async open(text: string, object: RingObject): Promise<KeyRing> {
    const last = this.#last.get(object);
    if (last?.text === text) return last.opened;
    const opened = await openKeyRing(text, object, this.#proved);
    this.#last.set(object, { text, opened });
    return opened;
  }

  /** A ring that was written here: the keys in it that were proved before are, when the server answers what it has. */
  wrote(ring: Known): void {
    this.#written = ring;
  }

  readonly #proved: Proved = ({ kid, profile: { algorithm } }, material) => {
    for (const { opened } of this.#last.values()) {
      const key = keysOf(opened.ring).find((one) => one.kid === kid);
      const known = key?.profile.algorithm === algorithm ? sameIn(opened.materials.get(kid), material) : undefined;
      if (known) return known;
    }
    const written = this.#written?.materials.get(kid);
    return written && isProved(written, algorithm) ? sameIn(written, material) : undefined;
  };
}

/** The known key, if it is the same to the last member; never with a private half that this document does not have. */
function sameIn(known: KeyMaterial | undefined, { publicJwk, privateJwk }: KeyMaterial): KeyMaterial | undefined {
  if (known === undefined || !isDeepStrictEqual(publicJwk, known.publicJwk)) return undefined;
  if (privateJwk === undefined) return { publicJwk: known.publicJwk };
  return isDeepStrictEqual(privateJwk, known.privateJwk) ? known : undefined;
}

interface DocumentPlace {
  readonly opener: Pick<DocumentOpener, "open">;
  readonly object: RingObject;
  /** Whose it is to be. */
  readonly rotation: RotationRef;
}

/** Reads a `keyring.json` that stands in one of the three objects. What is wrong with it is a reading, never an error. */
async function readDocument(text: string, { opener, object, rotation }: DocumentPlace): Promise<DocumentRead> {
  try {
    const { ring, materials } = await opener.open(text, object);
    const { namespace, name } = ring.rotation;
    if (namespace !== rotation.namespace || name !== rotation.name) {
      return unusable({ kind: "foreign", problem: `it belongs to the rotation ${rotationName(ring.rotation)}` });
    }
    const halves = [...materials].filter(([, { privateJwk }]) => privateJwk !== undefined).map(([kid]) => kid);
    return { materials, reading: { kind: "ring", ring, halves } };
  } catch (error) {
    if (error instanceof KeyturnError) return unusable({ kind: "unreadable", problem: error.message });
    throw error;
  }
}

export interface ObjectPlace extends DocumentPlace {
  /** What the files do not say of keys that are found in them. */
  readonly context: AdoptionContext;
}

/** Reads the files of one of the three objects: `keyring.json`, or what is still whole beside it. */
export async function readFiles(files: Files, { context, ...place }: ObjectPlace): Promise<DocumentRead> {
  const text = files["keyring.json"];
  const read = text === undefined ? unusable(missing) : await readDocument(text, place);
  if (read.reading.kind !== "unreadable") return read;
  const { left, materials } = await readRemnant(files, context);
  const isEmpty = left.signer === undefined && left.verifyOnly.length === 0;
  return isEmpty ? read : { reading: { ...read.reading, left }, materials };
}

const missing: Reading = { kind: "unreadable", problem: "keyring.json is missing" };

/** Nothing in it may be used. */
export const unusable = (reading: Reading): DocumentRead => ({ reading, materials: new Map() });
