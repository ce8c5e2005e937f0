import * as jose from "jose";
import { describe, expect, test } from "vitest";
import { generateKey } from "../../src/crypto/keypair.ts";
import { thumbprint } from "../../src/crypto/thumbprint.ts";
import { modulusBitsOf } from "../../src/ring/codec/read-jwk.ts";
import { algorithms, isRsa } from "../../src/ring/key.ts";

/** RSA in tests: the least that is allowed. */
const bits = 2048;

/** Primes are found by luck, and the machine may be busy. */
const timeout = 60_000;

describe("generateKey", { timeout }, () => {
  test.each(algorithms)("makes a pair with which jose signs and verifies %s", async (algorithm) => {
    const { material } = await generateKey(algorithm, bits);
    const payload = new TextEncoder().encode("hello");
    const signed = await new jose.CompactSign(payload)
      .setProtectedHeader({ alg: algorithm })
      .sign(await jose.importJWK(material.privateJwk, algorithm));
    const verified = await jose.compactVerify(signed, await jose.importJWK({ ...material.publicJwk }, algorithm), {
      algorithms: [algorithm],
    });
    expect(verified.payload).toStrictEqual(payload);
  });

  test("names the pair by its thumbprint, and never makes one twice", async () => {
    const [first, second] = await Promise.all([generateKey("ES256"), generateKey("ES256")]);
    expect(first.kid).toBe(thumbprint(first.material.publicJwk));
    expect(second.kid).not.toBe(first.kid);
  });

  test("gives a kid that can stand on a command line: one in 64 would begin with a dash", async () => {
    const kids = await Promise.all(Array.from({ length: 800 }, async () => (await generateKey("EdDSA")).kid));
    expect(kids.filter((kid) => kid.startsWith("-"))).toStrictEqual([]);
  });

  test.each([
    { algorithm: "ES256", length: 43, count: 300 },
    { algorithm: "ES384", length: 64, count: 100 },
    // Every second coordinate of P-521 begins with a byte 0
    { algorithm: "ES512", length: 88, count: 20 },
  ] as const)(
    "writes coordinates and d of $algorithm with their leading zeros",
    async ({ algorithm, length, count }) => {
      const full = expect.stringMatching(new RegExp(`^.{${length}}$`)) as string;
      const made = await Promise.all(Array.from({ length: count }, () => generateKey(algorithm)));
      for (const { material } of made) expect(material.privateJwk).toMatchObject({ x: full, y: full, d: full });
    },
  );

  test.each([2048, 2056, 4096])("makes an RSA modulus of exactly %i bits", async (modulusBits) => {
    const { material } = await generateKey("RS256", modulusBits);
    expect(modulusBitsOf(material.publicJwk)).toBe(modulusBits);
  });

  test("makes RSA keys of 3072 bits when nobody says", async () => {
    expect(modulusBitsOf((await generateKey("PS256")).material.publicJwk)).toBe(3072);
  });

  test.each([2040, 2047, 2049, 8200, Number.NaN])("refuses an RSA modulus of %f bits", async (modulusBits) => {
    const message = `Cannot generate key: modulusBits must be a multiple of 8 from 2048 to 8192, is ${modulusBits}`;
    await expect(generateKey("PS256", modulusBits)).rejects.toThrow(new RangeError(message));
  });

  test("ignores the length for keys without a modulus", async () => {
    expect((await generateKey("EdDSA", 1)).material.publicJwk.kty).toBe("OKP");
  });

  test("does not block the event loop while it looks for primes", async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await Promise.all([generateKey("RS256", 3072), generateKey("RS256", 3072)]);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
  });

  test.each(algorithms.filter((algorithm) => !isRsa(algorithm)))(
    "puts nothing but key members into %s",
    async (algorithm) => {
      const { material } = await generateKey(algorithm);
      const members = material.publicJwk.kty === "EC" ? ["crv", "kty", "x", "y"] : ["crv", "kty", "x"];
      expect(Object.keys(material.publicJwk).sort()).toStrictEqual(members);
      expect(Object.keys(material.privateJwk).sort()).toStrictEqual([...members, "d"].sort());
    },
  );
});
