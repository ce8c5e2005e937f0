import type { Sign, Verify } from "../../../src/jwt/signatures.ts";

/** A payload's text, whether it was looked at or not; or what is said in its place. */
export function textOf(answer: ReturnType<Verify>): string | false | undefined {
  return typeof answer === "object" ? answer.text : answer;
}

/** What is said of a token: of its first dot and its last one. */
export const verified = (verify: Verify, token: string): ReturnType<typeof textOf> =>
  textOf(verify(token, token.indexOf("."), token.lastIndexOf(".")));

/** What is said of a header, a payload and a signature. */
export const verifiedWith = (verify: Verify, input: string, signature: Buffer): ReturnType<typeof textOf> =>
  verified(verify, `${input}.${signature.toString("base64url")}`);

/** The token of a header and a payload that are base64url already. */
export function tokenBy(sign: Sign, input: string): string {
  const [header = "", payload = ""] = input.split(".");
  return sign(header, Buffer.from(payload, "base64url").toString());
}

/** The bytes of its signature. */
export function signed(sign: Sign, input: string): Buffer {
  const token = tokenBy(sign, input);
  return Buffer.from(token.slice(token.lastIndexOf(".") + 1), "base64url");
}

/** The same bytes but for one bit. */
export function changed(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
