import type { Sign, Verify } from "../../../src/jwt/signatures.ts";

/** What is said of a token: of its first dot and its last one. */
export const verified = (verify: Verify, token: string): ReturnType<Verify> =>
  verify(token, token.indexOf("."), token.lastIndexOf("."));

/** What is said of a header, a payload and a signature. */
export const verifiedWith = (verify: Verify, input: string, signature: Buffer): ReturnType<Verify> =>
  verified(verify, `${input}.${signature.toString("base64url")}`);

/** The bytes that the text of a signature stands for. */
export const signed = (sign: Sign, input: string): Buffer => Buffer.from(sign(input), "base64url");

/** The same bytes but for one bit. */
export function changed(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
