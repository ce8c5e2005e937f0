import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decoded } from "../../src/jwt/base64url.ts";
import { base64urlBytes } from "../../src/parse/base64url.ts";

describe("decoded", () => {
  test.each([
    ["", ""],
    ["_-8", "ff ef"],
    ["AA", "00"],
  ])("takes %j", (text, bytes) => {
    expect(decoded(text)).toEqual(Buffer.from(bytes.replaceAll(" ", ""), "hex"));
  });

  test.each(["/+8", "AA==", "AB", "A", "AA A", "AA\n", "A.A", "ÄAAA", "AAA\u0141", "AA\0A"])("refuses %j", (text) => {
    expect(decoded(text)).toBeUndefined();
  });

  test("takes what the ring's own reader takes, by its alphabet, and nothing else", () => {
    const units = fc.constantFrom(
      "A",
      "Q",
      "g",
      "w",
      "0",
      "9",
      "-",
      "_",
      "z",
      "+",
      "/",
      "=",
      " ",
      "\n",
      ".",
      "\u0141",
      "ÿ",
    );
    fc.assert(
      fc.property(fc.string({ unit: units, maxLength: 9 }), (text) => {
        expect(decoded(text)?.length).toBe(base64urlBytes(text));
      }),
    );
  });
});
