import { constants, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import type { KeyMaterial, PrivateJwk, PublicJwk } from "../ring/jwk.ts";
import type { Algorithm } from "../ring/key.ts";
import { isSmallOrder } from "./ed25519.ts";
import { onceEach } from "./once-each.ts";

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

/** The private half as node:crypto has it. @throws ChangeNeededError `KeyUnusable`, without the error of OpenSSL */
export const privateKeyObject = onceEach((jwk: PrivateJwk): KeyObject => {
  try {
    return createPrivateKey({ key: jwk, format: "jwk" });
  } catch {
    throw unusable("the private half is no key");
  }
});

/**
 * The public half as node:crypto has it.
 *
 * @throws ChangeNeededError `KeyUnusable`: a point that is not on its curve, or one of Ed25519 for which anybody can sign
 */
export const publicKeyObject = onceEach((jwk: PublicJwk): KeyObject => {
  if (jwk.kty === "OKP" && isSmallOrder(Buffer.from(jwk.x, "base64url"))) {
    throw unusable("the public half is a point of small order: anybody can sign for it");
  }
  try {
    return createPublicKey({ key: jwk, format: "jwk" });
  } catch {
    throw unusable("the public half is no key");
  }
});

/** Keys of which {@link probe} said that they are sound, and for which algorithm. */
const proved = new WeakMap<KeyMaterial, Algorithm>();

/** Whether {@link probe} has proved this very object. */
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
  if (!numbersFit(privateJwk)) throw unusable("the halves do not fit");
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
  if (!fits) throw unusable("the halves do not fit");
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

const unusable = (reason: string): ChangeNeededError =>
  new ChangeNeededError("KeyUnusable", `Cannot use key: ${reason}`);
