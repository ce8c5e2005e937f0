import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatRefreshToken, lastGeneration, markOf, parseRefreshToken } from "../../src/grants/refresh-token.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const tokens = fc.record({
  grantId: bytes(16),
  generation: fc.integer({ min: 0, max: lastGeneration }),
  secret: bytes(32),
  mark: bytes(16),
});
const plain = { grantId: new Uint8Array(16), generation: 0, secret: new Uint8Array(32), mark: new Uint8Array(16) };

describe("formatRefreshToken", () => {
  it("is ktr_, 92 characters of base64url and six digits of base 62", () => {
    const text = formatRefreshToken(plain);
    expect(text).toMatch(/^ktr_AQA{90}[0-9A-Za-z]{6}$/);
    expect(digitsOf(text.slice(-6))).toBe(crcOf(text.slice(4, 96)));
  });

  it("refuses a generation that has no room", () => {
    expect(() => formatRefreshToken({ ...plain, generation: lastGeneration + 1 })).toThrow(RangeError);
  });
});

describe("parseRefreshToken", () => {
  it("gives back what was written", () => {
    fc.assert(
      fc.property(tokens, (token) => {
        const read = parseRefreshToken(formatRefreshToken(token));
        expect(read?.generation).toBe(token.generation);
        for (const part of ["grantId", "secret", "mark"] as const) {
          expect(Buffer.from(read?.[part] ?? []).equals(token[part])).toBe(true);
        }
      }),
    );
  });

  it("refuses a token with any one character changed", () => {
    const text = formatRefreshToken(plain);
    for (let at = 0; at < text.length; at++) {
      const other = text[at] === "B" ? "C" : "B";
      expect(parseRefreshToken(text.slice(0, at) + other + text.slice(at + 1))).toBeUndefined();
    }
  });

  it.each([
    ["nothing", ""],
    ["a JWT", "eyJhbGciOiJFUzI1NiJ9.e30.AAAA"],
    ["one that is too short", formatRefreshToken(plain).slice(0, -1)],
    ["one that is too long", `${formatRefreshToken(plain)}0`],
    ["white space around it", ` ${formatRefreshToken(plain)}`],
    ["a line feed at its end", `${formatRefreshToken(plain)}\n`],
    ["another prefix", formatRefreshToken(plain).replace("ktr_", "ktx_")],
  ])("refuses %s", (_, text) => {
    expect(parseRefreshToken(text)).toBeUndefined();
  });

  it("refuses another version, whose sum is right", () => {
    const body = Buffer.concat([Buffer.of(2), Buffer.alloc(68)]).toString("base64url");
    expect(parseRefreshToken(`ktr_${body}${sixDigits(crcOf(body))}`)).toBeUndefined();
  });
});

describe("markOf", () => {
  it("hangs on the key, the generation and the secret", () => {
    const [key, hash] = [new Uint8Array(32), new Uint8Array(32)];
    const marks = [
      markOf(key, 1, hash),
      markOf(key, 2, hash),
      markOf(new Uint8Array(32).fill(1), 1, hash),
      markOf(key, 1, new Uint8Array(32).fill(1)),
    ].map((mark) => Buffer.from(mark).toString("hex"));
    expect(new Set(marks).size).toBe(4);
    expect(marks.every((mark) => mark.length === 32)).toBe(true);
  });
});

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const digitsOf = (text: string): number =>
  Array.from(text).reduce((sum, digit) => sum * 62 + alphabet.indexOf(digit), 0);
const sixDigits = (sum: number): string =>
  Array.from({ length: 6 }, (_, n) => alphabet[Math.floor(sum / 62 ** (5 - n)) % 62] ?? "").join("");

/** CRC-32 as ISO 3309 defines it, one bit after the other. */
function crcOf(text: string): number {
  let crc = 0xffffffff;
  for (const byte of Buffer.from(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
