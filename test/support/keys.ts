import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { materialOf } from "../../src/crypto/material.ts";
import { thumbprint } from "../../src/crypto/thumbprint.ts";
import type { KeyRing } from "../../src/ring/codec.ts";
import type { KeyMaterial } from "../../src/ring/jwk.ts";
import { type Algorithm, isEd25519, type Kid } from "../../src/ring/key.ts";
import type { Ring } from "../../src/ring/ring.ts";
import { active, prepared, ringOf, verifyOnly } from "./rings.ts";
import { policy } from "./story.ts";

/** A real key pair under its thumbprint. */
export interface Pair {
  readonly kid: Kid;
  readonly algorithm: Algorithm;
  readonly material: Required<KeyMaterial>;
}

const made = new Map<string, Pair>();

/** The nth pair of an algorithm: made once in a test file, the same at each call. RSA has 2048 bits, for speed. */
export function pairOf(algorithm: Algorithm = "ES256", nth = 0): Pair {
  const name = `${algorithm} ${nth}`;
  const known = made.get(name);
  if (known) return known;
  const material = materialOf(privateKeyFor(algorithm));
  const pair = { kid: thumbprint(material.publicJwk), algorithm, material };
  made.set(name, pair);
  return pair;
}

function privateKeyFor(algorithm: Algorithm): KeyObject {
  if (isEd25519(algorithm)) return generateKeyPairSync("ed25519").privateKey;
  const curves: Partial<Record<Algorithm, string>> = { ES256: "P-256", ES384: "P-384", ES512: "P-521" };
  const namedCurve = curves[algorithm];
  return namedCurve === undefined
    ? generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey
    : generateKeyPairSync("ec", { namedCurve }).privateKey;
}

/** What a key's facts say because of its pair. */
export function factsOf({ algorithm, material }: Pair): { profile: Ring["signer"]["profile"]; modulusBits?: number } {
  const profile = { ...policy.profile, algorithm };
  return material.publicJwk.kty === "RSA" ? { profile, modulusBits: 2048 } : { profile };
}

/**
 * `ringOf` with real keys: signer and standby of the algorithm, then one verify-only RS256 key that can sign and one
 * verify-only EdDSA key that can't any more.
 */
export function realRing(algorithm: Algorithm = "ES256", change: Partial<Ring> = {}): KeyRing {
  const [signer, standby] = [pairOf(algorithm, 0), pairOf(algorithm, 1)];
  const [older, oldest] = [pairOf("RS256", 7), pairOf("EdDSA", 7)];
  const ring = ringOf({
    signer: active(signer.kid, factsOf(signer)),
    standby: prepared(standby.kid, factsOf(standby)),
    retiring: [
      verifyOnly(older.kid, factsOf(older)),
      verifyOnly(oldest.kid, { ...factsOf(oldest), canSign: false, demotedInGeneration: 97 }),
    ],
    ...change,
  });
  return { ring, materials: materialsOf([signer, standby, older], [oldest]) };
}

/** Pairs with both halves, then pairs with the public half alone. */
export function materialsOf(whole: readonly Pair[], publicOnly: readonly Pair[] = []): ReadonlyMap<Kid, KeyMaterial> {
  return new Map<Kid, KeyMaterial>([
    ...whole.map(({ kid, material }) => [kid, material] as const),
    ...publicOnly.map(({ kid, material }) => [kid, { publicJwk: material.publicJwk }] as const),
  ]);
}

/** Every text that must not leave: all private members of these materials. */
export function secretsOf(materials: Iterable<KeyMaterial>): readonly string[] {
  return [...materials].flatMap(({ publicJwk, privateJwk }) =>
    Object.entries(privateJwk ?? {})
      .filter(([name]) => !(name in publicJwk))
      .map(([, value]) => value),
  );
}
