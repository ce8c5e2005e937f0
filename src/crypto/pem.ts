import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { ChangeNeededError } from "../errors/keyturn-error.ts";
import type { KeyMaterial, PrivateJwk, PublicJwk } from "../ring/jwk.ts";
import { materialOf, publicJwkOf } from "./material.ts";
import { onceEach } from "./once-each.ts";
import { asVersion1 } from "./pkcs8.ts";
import { privateKeyObject, publicKeyObject } from "./key-objects.ts";
import { type Subject } from "../parse/cursor.ts";

/** PKCS#8 (RFC 5208 §5): `-----BEGIN PRIVATE KEY-----`. */
export const pkcs8Pem = onceEach((jwk: PrivateJwk) => pem(privateKeyObject(jwk), "pkcs8"));

/** SubjectPublicKeyInfo (RFC 5280 §4.1.2.7): `-----BEGIN PUBLIC KEY-----`. */
export const spkiPem = onceEach((jwk: PublicJwk) => pem(publicKeyObject(jwk), "spki"));

function pem(key: KeyObject, type: "pkcs8" | "spki"): string {
  const text = key.export({ type, format: "pem" });
  return typeof text === "string" ? text : text.toString("utf8");
}

/** Where a PEM text comes from, for errors: `Cannot adopt key: signing.pem: …`. */
export interface PemSource extends Subject {
  readonly file: string;
}

/**
 * Returns both halves of an unencrypted private key: PKCS#8, or the older forms that OpenSSL reads (SEC 1, PKCS#1).
 *
 * @throws ChangeNeededError with one reason; never with key material or an error of OpenSSL
 */
export function readPrivatePem(text: string, source: PemSource): Required<KeyMaterial> {
  if (/ENCRYPTED/.test(text)) throw refused(source, "must not be encrypted");
  const key = attempt(() => createPrivateKey(text)) ?? attempt(() => privateKeyOfVersion2(text));
  if (!key) throw refused(source, "must be a private key in PEM, such as PKCS#8");
  mustServe(key, source);
  return materialOf(key, inFile(source));
}

/**
 * Returns the public key of an SPKI, PKCS#1 or certificate PEM.
 *
 * @throws ChangeNeededError with one reason; a private key is refused although its public half could be read off it
 */
export function readPublicPem(text: string, source: PemSource): PublicJwk {
  if (/PRIVATE/.test(text)) throw refused(source, "must be a public key, holds a private one");
  const key = attempt(() => createPublicKey(text));
  if (!key) throw refused(source, "must be a public key in PEM, such as SPKI");
  mustServe(key, source);
  return publicJwkOf(key, inFile(source));
}

/** @throws Error where there is none */
function privateKeyOfVersion2(text: string): KeyObject {
  const [, base64 = ""] = /-----BEGIN PRIVATE KEY-----([^-]*)-----END PRIVATE KEY-----/.exec(text) ?? [];
  const der = Buffer.from(base64, "base64");
  const key = asVersion1(der);
  der.fill(0);
  if (key === undefined) throw new TypeError("There is no key of version 2");
  try {
    return createPrivateKey({ key, format: "der", type: "pkcs8" });
  } finally {
    key.fill(0);
  }
}

const curves = ["prime256v1", "secp384r1", "secp521r1"];

function mustServe(key: KeyObject, source: PemSource): void {
  const type = key.asymmetricKeyType ?? "unknown";
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (type === "rsa" || type === "ed25519" || (type === "ec" && curve !== undefined && curves.includes(curve))) return;
  if (type === "rsa-pss") {
    throw refused(source, "must be marked rsaEncryption, is marked RSASSA-PSS, which no JWK can say: convert it");
  }
  const actual = type === "ec" ? `EC with ${curve ?? "a curve of its own"}` : type;
  throw refused(source, `must be RSA, Ed25519 or EC with P-256, P-384 or P-521, is ${actual}`);
}

function attempt(read: () => KeyObject): KeyObject | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

const inFile = ({ code, action, file }: PemSource): Subject => ({ code, action: `${action}: ${file}` });

const refused = ({ code, action, file }: PemSource, reason: string): ChangeNeededError =>
  new ChangeNeededError(code, `${action}: ${file}: ${reason}`);
