import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";

interface Halves {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const numberOf = (text = ""): bigint => BigInt(`0x${Buffer.from(text, "base64url").toString("hex")}`);

function textOf(number: bigint): string {
  const hex = number.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex").toString("base64url");
}

/** By the extended algorithm of Euclid; undefined where there is none. */
function inverse(of: bigint, modulus: bigint): bigint | undefined {
  let [a, b, x, y] = [of % modulus, modulus, 1n, 0n];
  while (a !== 0n) [a, b, x, y] = [b % a, a, y - (b / a) * x, x];
  return b === 1n ? ((y % modulus) + modulus) % modulus : undefined;
}

/** An RSA key whose public exponent has so many bits: node:crypto makes none above 32 itself. */
export function rsaKey({ modulusBits = 2048, exponentBits = 17 } = {}): Halves {
  const made = generateKeyPairSync("rsa", { modulusLength: modulusBits });
  const jwk = made.privateKey.export({ format: "jwk" });
  const [p, q] = [numberOf(jwk.p), numberOf(jwk.q)];
  const all = (p - 1n) * (q - 1n);
  let e = 2n ** BigInt(exponentBits - 1) + 1n;
  let d = inverse(e, all);
  for (; d === undefined; d = inverse(e, all)) e += 2n;
  const numbers = { e: textOf(e), d: textOf(d), dp: textOf(d % (p - 1n)), dq: textOf(d % (q - 1n)) };
  const privateKey = createPrivateKey({ key: { ...jwk, ...numbers }, format: "jwk" });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}
