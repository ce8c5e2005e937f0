import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";

/** As OpenSSL calls it. */
export type Sha2 = "sha256" | "sha384" | "sha512";

/** Hashes of RFC 7518 §3.5, with their object identifiers' last byte (RFC 8017 §B.1) and their length in bytes. */
const hashes = {
  sha256: { last: 1, bytes: 32 },
  sha384: { last: 2, bytes: 48 },
  sha512: { last: 3, bytes: 64 },
} as const satisfies Readonly<Record<Sha2, object>>;

const sequence = 0x30;
const pssIdentifier = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
const mgf1Identifier = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8];
const hashIdentifier = (last: number): readonly number[] => [0x06, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, last];

/**
 * The RSA key, bound to RSASSA-PSS with this hash, MGF1 with the same, and a salt as long as the hash (RFC 8017 §A.2.3, RFC
 * 7518 §3.5). Such a key can do nothing else, and needs no options: with options node:crypto takes twice as long to verify.
 */
export function pssPublicKey(key: KeyObject, hash: Sha2): KeyObject {
  const numbers = key.export({ type: "pkcs1", format: "der" });
  const spki = der(sequence, algorithmIdentifier(hash), der(0x03, zero, numbers));
  return createPublicKey({ key: spki, format: "der", type: "spki" });
}

/** The private half of {@link pssPublicKey}. Every copy of it that is made here is written over. */
export function pssPrivateKey(key: KeyObject, hash: Sha2): KeyObject {
  const numbers = key.export({ type: "pkcs1", format: "der" });
  const text = der(0x04, numbers);
  const pkcs8 = der(sequence, der(0x02, zero), algorithmIdentifier(hash), text);
  try {
    return createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  } finally {
    for (const copy of [numbers, text, pkcs8]) copy.fill(0);
  }
}

const zero = Buffer.from([0]);

function algorithmIdentifier(hash: Sha2): Buffer {
  const { last, bytes } = hashes[hash];
  const hashAlgorithm = der(sequence, Buffer.from([...hashIdentifier(last), 0x05, 0]));
  const parameters = der(
    sequence,
    der(0xa0, hashAlgorithm),
    der(0xa1, der(sequence, Buffer.from(mgf1Identifier), hashAlgorithm)),
    der(0xa2, der(0x02, Buffer.from([bytes]))),
  );
  return der(sequence, Buffer.from(pssIdentifier), parameters);
}

/** One value with its tag and length (X.690 §8.1.3). */
function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const length = contents.reduce((sum, one) => sum + one.length, 0);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(length)]), ...contents]);
}

function lengthOf(length: number): readonly number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, Math.floor(length / 0x100), length % 0x100];
}
