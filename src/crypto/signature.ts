import { constants, sign, verify, type KeyObject } from "node:crypto";
import type { KeyMaterial, PrivateJwk } from "../ring/jwk.ts";
import type { Algorithm } from "../ring/key.ts";
import { isEcPair, isEd25519Pair } from "./derive.ts";
import { privateKeyObject, publicKeyObject, keyUnusable } from "./key-objects.ts";

interface SignatureOptions {
  /** Undefined for Ed25519, which hashes by itself. */
  readonly hash: string | undefined;
  /** Of RSA. */
  readonly options?: { readonly padding: number; readonly saltLength?: number };
}

const pkcs1 = { padding: constants.RSA_PKCS1_PADDING };
/** RFC 7518 §3.5: the salt is as long as the hash. */
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };

/** How node:crypto signs by each algorithm (RFC 7518 §3.3 to §3.5, RFC 8037 §3.1, RFC 9864 §2.2); ECDSA signatures are DER here. */
const signing: Readonly<Record<Algorithm, SignatureOptions>> = {
  ES256: { hash: "sha256" },
  ES384: { hash: "sha384" },
  ES512: { hash: "sha512" },
  EdDSA: { hash: undefined },
  Ed25519: { hash: undefined },
  RS256: { hash: "sha256", options: pkcs1 },
  RS384: { hash: "sha384", options: pkcs1 },
  RS512: { hash: "sha512", options: pkcs1 },
  PS256: { hash: "sha256", options: pss },
  PS384: { hash: "sha384", options: pss },
  PS512: { hash: "sha512", options: pss },
};

/** Keys of which {@link probe} or {@link prove} said that they are sound, and for which algorithm. */
const proved = new WeakMap<KeyMaterial, Algorithm>();

/** Whether {@link probe} or {@link prove} was asked about this very object, and found it sound. */
export const isProved = (material: KeyMaterial, algorithm: Algorithm): boolean => proved.get(material) === algorithm;

/**
 * Resolves when the halves are one key pair: a signature made with the private half verifies with the public one, and
 * the numbers of an RSA key belong together. Without a private half: when the public one is a key at all.
 * The signature runs in libuv's thread pool (an RSA key of 4096 bits takes some milliseconds).
 *
 * @throws ChangeNeededError `KeyUnusable`, never with key material
 */
export async function probe(material: KeyMaterial, algorithm: Algorithm): Promise<void> {
  const publicKey = publicKeyObject(material.publicJwk);
  const { privateJwk } = material;
  if (!privateJwk) return void proved.set(material, algorithm);
  if (!numbersFit(privateJwk)) throw keyUnusable("the halves do not fit");
  const privateKey = privateKeyObject(privateJwk);
  const { hash, options } = signing[algorithm];
  const data = Buffer.from(`keyturn probe ${algorithm}`);
  // Only where there are any: to find out that an object is no key, node:crypto takes a stack trace
  const withOptions = (key: KeyObject) => (options ? { key, ...options } : key);
  const fits = await new Promise<boolean>((resolve) => {
    sign(hash, data, withOptions(privateKey), (failure, signature) => {
      resolve(failure === null && verify(hash, data, withOptions(publicKey), signature));
    });
  });
  if (!fits) throw keyUnusable("the halves do not fit");
  proved.set(material, algorithm);
}

/**
 * Resolves when the halves are one key pair, as {@link probe} does; an elliptic curve's by deriving the public half from the
 * private one, which says the same for a tenth of the time. For keys that worked when they were made.
 *
 * @throws as {@link probe}
 */
export async function prove(material: KeyMaterial, algorithm: Algorithm): Promise<void> {
  const { publicJwk, privateJwk } = material;
  if (publicJwk.kty === "EC" && privateJwk?.kty === "EC") {
    if (!isEcPair(publicJwk, privateJwk)) throw keyUnusable("the halves do not fit");
  } else if (publicJwk.kty === "OKP" && privateJwk?.kty === "OKP") {
    publicKeyObject(publicJwk);
    if (!isEd25519Pair(publicJwk, privateJwk)) throw keyUnusable("the halves do not fit");
  } else {
    return probe(material, algorithm);
  }
  proved.set(material, algorithm);
}

/**
 * True unless an RSA key's numbers contradict each other (RFC 8017 §3.2). A signature does not tell: OpenSSL signs with p, q,
 * dp, dq and qi, and when that comes out wrong with d alone; other readers of our JWKS may have only the one or the other.
 */
function numbersFit(jwk: PrivateJwk): boolean {
  if (jwk.kty !== "RSA") return true;
  const [p, q, d] = [numberOf(jwk.p), numberOf(jwk.q), numberOf(jwk.d)];
  return (
    p > 1n &&
    q > 1n &&
    p * q === numberOf(jwk.n) &&
    numberOf(jwk.dp) === d % (p - 1n) &&
    numberOf(jwk.dq) === d % (q - 1n) &&
    (numberOf(jwk.qi) * q) % p === 1n
  );
}

const numberOf = (base64url: string): bigint => BigInt(`0x${Buffer.from(base64url, "base64url").toString("hex")}`);
