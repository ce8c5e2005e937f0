import { generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { leastModulusBits, mostModulusBits } from "../ring/codec/read-jwk.ts";
import type { KeyMaterial } from "../ring/jwk.ts";
import { isRsa, type Algorithm, type Kid } from "../ring/key.ts";
import { materialOf } from "./material.ts";
import { probe } from "./signature.ts";
import { thumbprint } from "./thumbprint.ts";

const generate = promisify(generateKeyPair);

/** A new key's name and halves; `privateJwk` is always there. */
export interface GeneratedKey {
  readonly kid: Kid;
  readonly material: Required<KeyMaterial>;
}

/**
 * Returns a new key pair that has made and verified a signature, and whose kid does not begin with a dash, so that it can
 * stand on a command line (a thumbprint in 64 does, and its key is made anew). Runs in libuv's thread pool: RSA takes 50 ms to seconds,
 * and a blocked event loop would cost a leader its lease.
 *
 * @param modulusBits RSA only, a multiple of 8 from 2048 to 8192; ignored for other algorithms. OpenSSL rounds odd
 *   lengths down, and a key that is never as long as asked for would be rotated for ever. @default 3072
 * @throws RangeError when `modulusBits` is anything else
 */
export async function generateKey(algorithm: Algorithm, modulusBits = 3072): Promise<GeneratedKey> {
  const inRange = modulusBits >= leastModulusBits && modulusBits <= mostModulusBits && modulusBits % 8 === 0;
  if (isRsa(algorithm) && !inRange) {
    const range = `a multiple of 8 from ${leastModulusBits} to ${mostModulusBits}`;
    throw new RangeError(`Cannot generate key: modulusBits must be ${range}, is ${modulusBits}`);
  }
  for (;;) {
    const material = materialOf(await privateKeyFor(algorithm, modulusBits));
    const kid = thumbprint(material.publicJwk);
    if (kid.startsWith("-")) continue;
    await probe(material, algorithm);
    return { kid, material };
  }
}

async function privateKeyFor(algorithm: Algorithm, modulusBits: number): Promise<KeyObject> {
  switch (algorithm) {
    case "ES256":
      return (await generate("ec", { namedCurve: "P-256" })).privateKey;
    case "ES384":
      return (await generate("ec", { namedCurve: "P-384" })).privateKey;
    case "ES512":
      return (await generate("ec", { namedCurve: "P-521" })).privateKey;
    case "EdDSA":
    case "Ed25519":
      return (await generate("ed25519")).privateKey;
    case "RS256":
    case "RS384":
    case "RS512":
    case "PS256":
    case "PS384":
    case "PS512":
      // PS* too: a key of type rsa-pss can't be written as a JWK
      return (await generate("rsa", { modulusLength: modulusBits })).privateKey;
    default:
      return algorithm satisfies never;
  }
}
