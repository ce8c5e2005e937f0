const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * The bytes that the text stands for; undefined when it is not canonical base64url, as {@link base64urlByteCount} says it.
 */
export function fromBase64url(text: string): Buffer | undefined {
  // Node decodes whatever it finds; only the canonical text comes back
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}

/**
 * Number of bytes that the text stands for, without a copy of them, since it may be private; undefined when it is not canonical base64url: no padding (RFC 7515 §2),
 * no other characters, and unused bits zero, so that one value has one text (RFC 4648 §3.5).
 */
export function base64urlByteCount(text: string): number | undefined {
  if (!/^[\w-]*$/.test(text) || text.length % 4 === 1) return undefined;
  const unused = unusedBits(text);
  if (unused > 0 && sextet(text, -1) % 2 ** unused !== 0) return undefined;
  return Math.floor((text.length * 3) / 4);
}

/** Length in bits of the number, or undefined when it is not a positive Base64urlUInt of the least length (RFC 7518 §2). */
export function base64urlUIntBits(text: string): number | undefined {
  const bytes = base64urlByteCount(text);
  if (bytes === undefined || bytes === 0) return undefined;
  const first = sextet(text, 0) * 4 + Math.floor(sextet(text, 1) / 16);
  return first === 0 ? undefined : (bytes - 1) * 8 + (32 - Math.clz32(first));
}

/** True when the number that the canonical text stands for is odd. */
export function base64urlUIntIsOdd(text: string): boolean {
  return Math.floor(sextet(text, -1) / 2 ** unusedBits(text)) % 2 === 1;
}

/** Bits of the last character that belong to no byte: 0, 2 or 4. */
const unusedBits = (text: string): number => (text.length * 6) % 8;

const sextet = (text: string, index: number): number => alphabet.indexOf(text.at(index) ?? "");
