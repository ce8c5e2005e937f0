import type { PrivateJwk, PublicJwk } from "../jwk.ts";
import type { Algorithm } from "../key.ts";
import { base64urlUIntBits, base64urlUIntIsOdd } from "../../parse/base64url.ts";
import { base64urlByteCount } from "../../parse/base64url.ts";
import { type Cursor, type ObjectCursor } from "../../parse/cursor.ts";

/** RSA moduli that a ring takes, in bits. Keyturn makes 2048 to 4096 (RFC 7518 §3.3 demands 2048); adopted keys may be longer. */
export const leastModulusBits = 2048;
export const mostModulusBits = 8192;

const curves = ["P-256", "P-384", "P-521"] as const;
/** Length of a coordinate and of `d`, in bytes (RFC 7518 §6.2.1.2, §6.2.2.1). */
const coordinateBytes = { "P-256": 32, "P-384": 48, "P-521": 66 } as const;
const ed25519Bytes = 32;

/** The members that only a private JWK of the type has. */
const privateMembers = { EC: ["d"], OKP: ["d"], RSA: ["d", "p", "q", "dp", "dq", "qi"] } as const;
const publicMembers = { EC: ["kty", "crv", "x", "y"], OKP: ["kty", "crv", "x"], RSA: ["kty", "n", "e"] } as const;

/** The key type that an algorithm needs (RFC 7518 §3.3 to §3.5, RFC 8037 §3.1), in words. */
const keyTypeOf: Readonly<Record<Algorithm, string>> = {
  ES256: "EC with P-256",
  ES384: "EC with P-384",
  ES512: "EC with P-521",
  EdDSA: "OKP with Ed25519",
  Ed25519: "OKP with Ed25519",
  RS256: "RSA",
  RS384: "RSA",
  RS512: "RSA",
  PS256: "RSA",
  PS384: "RSA",
  PS512: "RSA",
};

/** Members that a JWK of this type consists of; anything beside them is a name, a use or a private half. */
export const jwkMembers = (kty: PublicJwk["kty"], half: "public" | "private"): readonly string[] =>
  half === "public" ? publicMembers[kty] : [...publicMembers[kty], ...privateMembers[kty]];

/** The public members of a JWK, checked; ignores all others. Does not check that a point lies on its curve. */
export function readPublicJwk(fields: ObjectCursor): PublicJwk {
  const kty = fields.at("kty").oneOf(["EC", "OKP", "RSA"]);
  switch (kty) {
    case "EC": {
      const crv = fields.at("crv").oneOf(curves);
      const length = coordinateBytes[crv];
      return { kty, crv, x: octets(fields.at("x"), length), y: octets(fields.at("y"), length) };
    }
    case "OKP":
      return { kty, crv: fields.at("crv").oneOf(["Ed25519"]), x: octets(fields.at("x"), ed25519Bytes) };
    case "RSA":
      return { kty, n: modulus(fields.at("n")), e: exponent(fields.at("e")) };
    default:
      return kty satisfies never;
  }
}

/** Public and private members of a JWK, checked; ignores all others. Does not check that the halves fit. */
export function readPrivateJwk(fields: ObjectCursor): PrivateJwk {
  const jwk = readPublicJwk(fields);
  switch (jwk.kty) {
    case "EC":
      return { ...jwk, d: octets(fields.at("d"), coordinateBytes[jwk.crv]) };
    case "OKP":
      return { ...jwk, d: octets(fields.at("d"), ed25519Bytes) };
    case "RSA":
      return {
        ...jwk,
        d: unsigned(fields.at("d")),
        p: unsigned(fields.at("p")),
        q: unsigned(fields.at("q")),
        dp: unsigned(fields.at("dp")),
        dq: unsigned(fields.at("dq")),
        qi: unsigned(fields.at("qi")),
      };
    default:
      return jwk satisfies never;
  }
}

/** The public members alone, copied one by one. */
export function publicHalf(jwk: PublicJwk): PublicJwk {
  switch (jwk.kty) {
    case "EC":
      return { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y };
    case "OKP":
      return { kty: jwk.kty, crv: jwk.crv, x: jwk.x };
    case "RSA":
      return { kty: jwk.kty, n: jwk.n, e: jwk.e };
    default:
      return jwk satisfies never;
  }
}

/** All members of a private JWK, copied one by one. */
export function bothHalves(jwk: PrivateJwk): PrivateJwk {
  switch (jwk.kty) {
    case "EC":
      return { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y, d: jwk.d };
    case "OKP":
      return { kty: jwk.kty, crv: jwk.crv, x: jwk.x, d: jwk.d };
    case "RSA": {
      const { kty, n, e, d, p, q, dp, dq, qi } = jwk;
      return { kty, n, e, d, p, q, dp, dq, qi };
    }
    default:
      return jwk satisfies never;
  }
}

/** One text for one public key, whatever the order of its members: equal when and only when the keys are. */
export const identity = (jwk: PublicJwk): string => JSON.stringify(publicHalf(jwk));

/** Why the key can't serve the algorithm, or undefined when it can. */
export function misfit(algorithm: Algorithm, jwk: PublicJwk): string | undefined {
  const needed = keyTypeOf[algorithm];
  const actual = jwk.kty === "RSA" ? "RSA" : `${jwk.kty} with ${jwk.crv}`;
  return needed === actual ? undefined : `must be a key of type ${needed} for ${algorithm}, is ${actual}`;
}

/** Length of an RSA key's modulus, undefined for other types. */
export const modulusBitsOf = (jwk: PublicJwk): number | undefined =>
  jwk.kty === "RSA" ? base64urlUIntBits(jwk.n) : undefined;

/** The algorithm that a key of this type has when nobody says; an RSA key serves six, RS256 is the one that all verifiers know. */
export function defaultAlgorithm(jwk: PublicJwk): Algorithm {
  if (jwk.kty === "RSA") return "RS256";
  if (jwk.kty === "OKP") return "EdDSA";
  return ({ "P-256": "ES256", "P-384": "ES384", "P-521": "ES512" } as const)[jwk.crv];
}

function octets(at: Cursor, length: number): string {
  const { value } = at;
  if (typeof value !== "string" || base64urlByteCount(value) !== length) {
    throw at.error(`must be ${length} bytes as base64url without padding`);
  }
  return value;
}

function unsigned(at: Cursor): string {
  const { value } = at;
  const bits = typeof value === "string" ? base64urlUIntBits(value) : undefined;
  if (typeof value !== "string" || bits === undefined || bits > mostModulusBits) {
    throw at.error("must be a positive number as base64url without padding or leading zeros");
  }
  return value;
}

function modulus(at: Cursor): string {
  const { value } = at;
  const bits = typeof value === "string" ? base64urlUIntBits(value) : undefined;
  if (typeof value !== "string" || bits === undefined) {
    throw at.error("must be a positive number as base64url without padding or leading zeros");
  }
  if (bits < leastModulusBits || bits > mostModulusBits) {
    throw at.error(`must be a modulus of ${leastModulusBits} to ${mostModulusBits} bits, has ${bits}`);
  }
  if (!base64urlUIntIsOdd(value)) throw at.error("must be odd: the product of two odd primes");
  return value;
}

/** An odd number from 3 up (RFC 8017 §3.1) of at most 64 bits, which is what OpenSSL takes beside a long modulus. */
function exponent(at: Cursor): string {
  const value = unsigned(at);
  const bits = base64urlUIntBits(value) ?? 0;
  if (bits < 2 || bits > 64 || !base64urlUIntIsOdd(value)) {
    throw at.error("must be an odd number from 3 up of at most 64 bits");
  }
  return value;
}
