import { createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { derOfRaw, rawOfDer } from "../../src/jwt/ecdsa.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

describe("derOfRaw", () => {
  test.each([
    ["01 02", 1, "30 06 02 01 01 02 01 02"],
    ["7f 80", 1, "30 07 02 01 7f 02 02 00 80"],
    ["0001 0080", 2, "30 07 02 01 01 02 02 00 80"],
    ["00ff ff00", 2, "30 09 02 02 00 ff 02 03 00 ff 00"],
  ])("R and S %s of %d bytes each", (raw, size, der) => {
    expect(derOfRaw(hex(raw), size)).toEqual(hex(der));
  });

  test.each([
    [61, "30 7f 02 3e"],
    [62, "30 81 80 02 3e"],
    [66, "30 81 84 02 3e"],
  ])("writes a length of 128 bytes and more in two: R of 62 bytes, S of %d", (sBytes, start) => {
    const [r, s] = [62, sBytes].map((bytes) => Buffer.concat([Buffer.alloc(66 - bytes), Buffer.alloc(bytes, 0x7f)]));
    const der = derOfRaw(Buffer.concat([r ?? Buffer.alloc(0), s ?? Buffer.alloc(0)]), 66);
    expect(der?.subarray(0, hex(start).length)).toEqual(hex(start));
    expect(der?.length).toBe(62 + sBytes + hex(start).length + 2);
  });

  test.each([
    ["R is zero", "0000 0001"],
    ["S is zero", "0001 0000"],
    ["both are zero", "0000 0000"],
    ["a byte too few", "0001 00"],
    ["a byte too many", "0001 0001 00"],
    ["nothing", ""],
  ])("undefined when %s", (_, raw) => {
    expect(derOfRaw(hex(raw), 2)).toBeUndefined();
  });
});

describe("rawOfDer", () => {
  test.each([1, 2, 32, 48, 66])("gives back what derOfRaw took, of %d bytes each", (size) => {
    const raw = fc.uint8Array({ minLength: 2 * size, maxLength: 2 * size }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(raw, (bytes) => {
        const der = derOfRaw(bytes, size);
        const isZero = [bytes.subarray(0, size), bytes.subarray(size)].some((half) => half.every((byte) => byte === 0));
        expect(der === undefined).toBe(isZero);
        if (der) expect(rawOfDer(der, size)).toEqual(bytes);
      }),
    );
  });

  test.each([
    ["P-256", 32, "sha256", 300],
    ["P-384", 48, "sha384", 60],
    ["P-521", 66, "sha512", 60],
  ] as const)("agrees with node:crypto over signatures of %s", (...[namedCurve, size, hash, times]) => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve });
    const publicKey = createPublicKey(privateKey);
    for (let time = 0; time < times; time++) {
      const data = Buffer.from(`${time}`);
      const raw = rawOfDer(sign(hash, data, privateKey), size);
      expect(verify(hash, data, { key: publicKey, dsaEncoding: "ieee-p1363" }, raw)).toBe(true);
      expect(verify(hash, data, publicKey, derOfRaw(raw, size) ?? Buffer.alloc(0))).toBe(true);
    }
  });
});
