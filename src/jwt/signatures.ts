import { sign, verify, type KeyObject } from "node:crypto";

/** Does the signature fit these bytes? By one key and one algorithm; never throws for any bytes. ECDSA signatures are DER. */
export type Check = (input: Buffer, signature: Buffer) => boolean;
/** The signature of these bytes; of ECDSA as DER. */
export type Sign = (input: Buffer) => Buffer;

/** As OpenSSL calls it. */
export type Sha2 = "sha256" | "sha384" | "sha512";
/** Null for EdDSA, which hashes by itself. */
export type Hash = Sha2 | null;

/** Who computes signatures. Whoever it is, the bytes are OpenSSL's; RSA keys are PKCS #1 v1.5 unless they are bound to PSS. */
export interface Signatures {
  readonly name: "native" | "node:crypto";
  /** The key must be one for the hash. */
  verifier(key: KeyObject, hash: Hash): Check;
  /** The key must be one for the hash. */
  signer(key: KeyObject, hash: Hash): Sign;
}

/** There wherever Node.js is. */
export const nodeSignatures: Signatures = {
  name: "node:crypto",
  verifier: (key, hash) => (input, signature) => verify(hash, input, key, signature),
  signer: (key, hash) => (input) => sign(hash, input, key),
};
