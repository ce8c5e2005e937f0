import { createHmac, generateKeyPairSync, type JsonWebKey, type KeyObject, randomUUID, sign } from "node:crypto";

/** A key of an issuer of the tests' own. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicJwk: JsonWebKey & { readonly kid: string };
}

export function newKey(kid: string = randomUUID()): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { kid, privateKey, publicJwk: { ...publicKey.export({ format: "jwk" }), kid } };
}

const part = (value: unknown): string =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** A token with any header and claims, right or wrong; a text in their place goes in as it is. */
export function tokenOf(claims: unknown, { privateKey, kid }: SigningKey, header: object | string = {}): string {
  const head = typeof header === "string" ? header : { alg: "ES256", kid, ...header };
  const signed = `${part(head)}.${part(claims)}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

/** Signed with a secret, as an attacker would who knows the public key. */
export function macOf(claims: unknown, secret: string, header: object = {}): string {
  const signed = `${part({ alg: "HS256", ...header })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/** Good claims of `https://partner.example` at this time. */
export const claimsAt = (nowMs: number, more: object = {}): Record<string, unknown> => ({
  iss: "https://partner.example",
  sub: "anna",
  aud: "keyturn-issuer",
  iat: Math.floor(nowMs / 1000),
  exp: Math.floor(nowMs / 1000) + 600,
  jti: randomUUID(),
  ...more,
});
