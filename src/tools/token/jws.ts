import { constants, sign, verify, type KeyObject } from "node:crypto";
import { base64urlBytes } from "../../ring/codec/base64url.ts";
import { parseJson } from "../../ring/codec/json-text.ts";
import type { Algorithm } from "../../ring/key.ts";

interface Scheme {
  /** Undefined for EdDSA, which hashes by itself (RFC 8037 §3.1). */
  readonly hash: string | undefined;
  readonly padding?: number;
  readonly saltLength?: number;
}

const pkcs1 = { padding: constants.RSA_PKCS1_PADDING };
/** RFC 7518 §3.5: the salt is as long as the hash. */
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };

const schemes: Readonly<Record<Algorithm, Scheme>> = {
  ES256: { hash: "sha256" },
  ES384: { hash: "sha384" },
  ES512: { hash: "sha512" },
  EdDSA: { hash: undefined },
  RS256: { hash: "sha256", ...pkcs1 },
  RS384: { hash: "sha384", ...pkcs1 },
  RS512: { hash: "sha512", ...pkcs1 },
  PS256: { hash: "sha256", ...pss },
  PS384: { hash: "sha384", ...pss },
  PS512: { hash: "sha512", ...pss },
};

interface KeyInput {
  readonly key: KeyObject;
  readonly dsaEncoding: "ieee-p1363";
  readonly padding?: number;
  readonly saltLength?: number;
}

/** How node:crypto takes a key for the algorithm; RFC 7518 §3.4: an ECDSA signature is R and S, not DER. */
function keyFor(algorithm: Algorithm, key: KeyObject): KeyInput {
  const { padding, saltLength } = schemes[algorithm];
  return {
    key,
    dsaEncoding: "ieee-p1363",
    ...(padding !== undefined && { padding }),
    ...(saltLength !== undefined && { saltLength }),
  };
}

/** A JWS in compact form (RFC 7515 §7.1). The algorithm is the key's, and must stand in the header as `alg`. */
export function compactJws(
  header: { readonly alg: Algorithm; readonly typ: string; readonly kid: string },
  payload: object,
  key: KeyObject,
): string {
  const input = `${encoded(header)}.${encoded(payload)}`;
  const signature = sign(schemes[header.alg].hash, Buffer.from(input), keyFor(header.alg, key));
  return `${input}.${signature.toString("base64url")}`;
}

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

type Members = Readonly<Record<string, unknown>>;

/** A JWS taken apart; nothing of it is trusted. */
export interface OpenedJws {
  readonly header: Members;
  readonly payload: Members;
  readonly input: string;
  readonly signature: Buffer;
}

/** No sensible token is longer. */
const mostCharacters = 16_384;

/** Undefined for what is no JWS of two JSON objects: not canonical base64url, no UTF-8, a name that stands twice. */
export function openJws(token: string): OpenedJws | undefined {
  if (token.length > mostCharacters) return undefined;
  const [header, payload, signature, ...more] = token.split(".").map(bytesOf);
  if (!header || !payload || !signature || more.length > 0) return undefined;
  const [head, body] = [objectIn(header), objectIn(payload)];
  if (!head || !body) return undefined;
  return { header: head, payload: body, input: token.slice(0, token.lastIndexOf(".")), signature };
}

const bytesOf = (part: string): Buffer | undefined =>
  base64urlBytes(part) === undefined ? undefined : Buffer.from(part, "base64url");

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What is wrong is not told: it would be the token's own words. */
function objectIn(bytes: Buffer): Members | undefined {
  try {
    const root = parseJson(utf8.decode(bytes), {
      subject: { code: "Token", action: "Cannot read" },
      publicOnly: false,
    });
    return isObject(root.value) ? root.value : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Did the private half of this key sign it, by this algorithm? */
export function signatureFits({ input, signature }: OpenedJws, algorithm: Algorithm, key: KeyObject): boolean {
  return verify(schemes[algorithm].hash, Buffer.from(input), keyFor(algorithm, key), signature);
}
