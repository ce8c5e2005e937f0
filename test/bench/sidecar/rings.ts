import { randomUUID } from "node:crypto";
import { signerObject, type Files } from "../../../src/crypto/objects.ts";
import { generateKey } from "../../../src/crypto/keypair.ts";
import { privateKeyObject } from "../../../src/crypto/key-objects.ts";
import { compileMinter } from "../../../src/jwt/minter.ts";
import { fullRing, type FullRing } from "../full-ring.ts";

/** What is written next, and a token that is good from then on. */
export interface Turn {
  readonly files: Files;
  readonly token: string;
  /** More of them. */
  readonly mint: (subject: string) => string;
}

/** Rings of sixteen keys, each with a signer that no ring before it had. */
export class Rings {
  readonly #first: FullRing;
  #generation = 100;

  private constructor(first: FullRing) {
    this.#first = first;
  }

  static async make(): Promise<Rings> {
    return new Rings(await fullRing("ES256"));
  }

  async next(): Promise<Turn> {
    const { kid, material } = await generateKey("ES256");
    const { ring: before, materials } = this.#first;
    const ring = { ...before, generation: this.#generation++, signer: { ...before.signer, kid } };
    const half = { kid, key: privateKeyObject(material.privateJwk) };
    const minter = compileMinter({ ring, half }, { newId: randomUUID });
    const mint = (subject: string): string =>
      minter?.mint({ subject, claims: {} }, { nowMs: Date.now(), notAfterMs: Infinity }).token ?? "";
    return { files: signerObject(ring, new Map([...materials, [kid, material]])), token: mint("bench"), mint };
  }
}
