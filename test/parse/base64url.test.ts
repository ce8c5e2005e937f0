import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { base64urlByteCount, fromBase64url } from "../../src/parse/base64url.ts";

describe("fromBase64url", () => {
  test.each([
    ["", ""],
    ["_-8", "ff ef"],
    ["AA", "00"],
  ])("takes %j", (text, bytes) => {
    expect(fromBase64url(text)).toEqual(Buffer.from(bytes.replaceAll(" ", ""), "hex"));
  });

  test.each(["/+8", "AA==", "AB", "A", "AA A", "AA\n", "A.A", "ÄAAA", "AAA\u0141", "AA\0A"])("refuses %j", (text) => {
    expect(fromBase64url(text)).toBeUndefined();
  });

  test("takes what base64urlByteCount takes, by its alphabet, and nothing else", () => {
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
        expect(fromBase64url(text)?.length).toBe(base64urlByteCount(text));
      }),
    );
  });
});
