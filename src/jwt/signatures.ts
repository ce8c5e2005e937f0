import type { KeyObject } from "node:crypto";
import type { Algorithm } from "../ring/key.ts";

/** The text of a payload at whose names and depth nobody has looked. */
interface UnseenText {
  readonly text: string;
}

/**
 * The payload of a compact JWS (RFC 7515 §7.1); false when the signature does not fit header and payload; undefined when payload
 * or signature is not canonical base64url, or the payload no UTF-8. By one key and one algorithm. The numbers are where the
 * first and the second dot stand; the header must have been read before.
 *
 * A payload that comes as a bare text was looked at: if it is JSON, nothing lies deeper in it than `tokenDepthLimit`, and no name stands twice in one object.
 */
export type Verify = (token: string, headerEnd: number, inputEnd: number) => string | UnseenText | false | undefined;
/** The compact JWS (RFC 7515 §7.1) of a header, in base64url already, and the text of a payload. By one key and one algorithm. */
export type Sign = (header: string, payload: string) => string;

/** Who computes signatures. The verdict on a token is the same, whoever it is. */
export interface Signatures {
  readonly name: "native" | "node:crypto";
  /** The key must be one of the algorithm's type. */
  verifier(key: KeyObject, algorithm: Algorithm): Verify;
  /** The key must be one of the algorithm's type. */
  signer(key: KeyObject, algorithm: Algorithm): Sign;
}
