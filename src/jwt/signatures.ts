import { sign, verify, type KeyObject } from "node:crypto";
import { derOfRaw, rawOfDer } from "./ecdsa.ts";
import { utf8Text } from "../parse/utf8.ts";
import { fromBase64url } from "../parse/base64url.ts";

/**
 * The payload of a compact JWS (RFC 7515 §7.1); false when the signature does not fit header and payload; undefined when payload
 * or signature is not canonical base64url, or the payload no UTF-8. By one key and one algorithm. The numbers are where the
 * first and the second dot stand; the header must have been read before.
 */
export type Verify = (token: string, headerEnd: number, inputEnd: number) => string | false | undefined;
/** The signature of this ASCII text, as base64url. */
export type Sign = (input: string) => string;

/** As OpenSSL calls it. */
export type Sha2 = "sha256" | "sha384" | "sha512";
/** Null for EdDSA, which hashes by itself. */
export type Hash = Sha2 | null;

/** A signature as JWS has it. */
export interface SignatureForm {
  readonly hash: Hash;
  /** The only length that it may have, in bytes. */
  readonly bytes: number;
  /** R and S, one half each (RFC 7518 §3.4). */
  readonly isPair: boolean;
}

/** Who computes signatures. Whoever it is, the bytes are OpenSSL's; RSA keys are PKCS #1 v1.5 unless they are bound to PSS. */
export interface Signatures {
  readonly name: "native" | "node:crypto";
  /** The key must be one for the form. */
  verifier(key: KeyObject, form: SignatureForm): Verify;
  /** The key must be one for the form. */
  signer(key: KeyObject, form: SignatureForm): Sign;
}

/** There wherever Node.js is. */
export const nodeSignatures: Signatures = {
  name: "node:crypto",
  verifier: (key, form) => (token, headerEnd, inputEnd) => {
    const payload = fromBase64url(token.slice(headerEnd + 1, inputEnd));
    const signature = fromBase64url(token.slice(inputEnd + 1));
    if (payload === undefined || signature === undefined) return undefined;
    const fitting = form.isPair ? derOfRaw(signature, form.bytes / 2) : signature;
    if (signature.length !== form.bytes || fitting === undefined) return false;
    return verify(form.hash, Buffer.from(token.slice(0, inputEnd)), key, fitting) && utf8Text(payload);
  },
  signer: (key, form) => (input) => {
    const signature = sign(form.hash, Buffer.from(input), key);
    return (form.isPair ? rawOfDer(signature, form.bytes / 2) : signature).toString("base64url");
  },
};
