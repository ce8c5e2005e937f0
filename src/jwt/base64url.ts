/**
 * The bytes that the text stands for; undefined when it is not canonical base64url: no padding (RFC 7515 §2), no other
 * characters, unused bits zero, so that one value has one text (RFC 4648 §3.5).
 */
export function decoded(text: string): Buffer | undefined {
  // Node decodes whatever it finds; only the canonical text comes back
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}
