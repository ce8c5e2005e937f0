import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import type { Kid } from "../../ring/key.ts";

/** A key of a JWK Set; nothing of it is trusted but that it is an object. */
export type Jwk = Readonly<JsonWebKey> & { readonly kid?: unknown };

/** The keys of a JWK Set (RFC 7517 §5); undefined when the text is none. */
export function keysOfJwks(text: string): readonly Jwk[] | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== "object" || parsed === null || !("keys" in parsed) || !Array.isArray(parsed.keys)) {
      return undefined;
    }
    return parsed.keys.filter((key): key is Jwk => typeof key === "object" && key !== null && !Array.isArray(key));
  } catch {
    return undefined;
  }
}

/** The public half of the key with the kid; undefined when it is not there, or is no key. */
export const publicKeyIn = (keys: readonly Jwk[], kid: Kid): KeyObject | undefined =>
  keyIn(keys, kid, (key) => createPublicKey({ key, format: "jwk" }));

/** The private half of the key with the kid; undefined when it is not there, or is no key. */
export const privateKeyIn = (keys: readonly Jwk[], kid: Kid): KeyObject | undefined =>
  keyIn(keys, kid, (key) => createPrivateKey({ key, format: "jwk" }));

/** Errors of OpenSSL may quote the key: they go no further. */
function keyIn(keys: readonly Jwk[], kid: Kid, make: (key: JsonWebKey) => KeyObject): KeyObject | undefined {
  const jwk = keys.find((k) => k.kid === kid);
  try {
    return jwk && make({ ...jwk });
  } catch {
    return undefined;
  }
}
