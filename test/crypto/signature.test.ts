import { describe, expect, test } from "vitest";
import { isProved, probe, prove } from "../../src/crypto/signature.ts";
import { ChangeNeededError } from "../../src/errors/keyturn-error.ts";
import type { KeyMaterial, PrivateJwk } from "../../src/ring/jwk.ts";
import { algorithms } from "../../src/ring/key.ts";
import { pairOf } from "../support/keys.ts";

const unfit = new ChangeNeededError("KeyUnusable", "Cannot use key: the halves do not fit");
const noPublic = new ChangeNeededError("KeyUnusable", "Cannot use key: the public half is no key");

/** RSA pairs are made on first use, on a machine that may be busy. */
const timeout = 60_000;

describe.each([
  ["probe", probe],
  ["prove", prove],
] as const)("%s", { timeout }, (_name, check) => {
  test.each(algorithms)("resolves for a pair of %s, and for its public half alone", async (algorithm) => {
    const { material } = pairOf(algorithm);
    await expect(check(material, algorithm)).resolves.toBeUndefined();
    await expect(check({ publicJwk: material.publicJwk }, algorithm)).resolves.toBeUndefined();
  });

  test.each(algorithms)("remembers the sound pair of %s, for its algorithm alone", async (algorithm) => {
    const [mine, theirs] = [{ ...pairOf(algorithm).material }, pairOf(algorithm, 1).material];
    const mixed = { publicJwk: mine.publicJwk, privateJwk: theirs.privateJwk };
    await check(mine, algorithm);
    await expect(check(mixed, algorithm)).rejects.toThrow(unfit);
    const other = algorithm === "ES256" ? "ES384" : "ES256";
    expect([isProved(mine, algorithm), isProved(mine, other), isProved(mixed, algorithm)]).toStrictEqual([
      true,
      false,
      false,
    ]);
  });

  test.each(algorithms)("refuses the halves of two keys of %s", async (algorithm) => {
    const [mine, theirs] = [pairOf(algorithm, 0).material, pairOf(algorithm, 1).material];
    const mixed = { publicJwk: mine.publicJwk, privateJwk: { ...theirs.privateJwk, ...mine.publicJwk } as PrivateJwk };
    await expect(check(mixed, algorithm)).rejects.toThrow(unfit);
    await expect(check({ ...theirs, publicJwk: mine.publicJwk }, algorithm)).rejects.toThrow(unfit);
  });

  test.each(["d", "p", "q", "dp", "dq", "qi"] as const)(
    "refuses an RSA key whose %s is another key's, also where no signature would tell",
    async (member) => {
      const [mine, theirs] = [pairOf("RS256", 0).material, pairOf("RS256", 1).material];
      const wrong = { ...mine.privateJwk, [member]: (theirs.privateJwk as unknown as Record<string, string>)[member] };
      await expect(check({ ...mine, privateJwk: wrong }, "RS256")).rejects.toThrow(unfit);
    },
  );

  test.each([
    ["p", { p: "AQ", q: "n", dp: "dp", dq: "d" }],
    ["q", { p: "n", q: "AQ", dp: "d", dq: "dq" }],
  ] as const)("refuses an RSA key whose prime %s is 1", async (_prime, { p, q, dp, dq }) => {
    const { publicJwk, privateJwk } = rsa(0);
    const taken = (name: string): string => (name in privateJwk ? privateJwk[name as keyof Rsa] : name);
    const wrong = { ...privateJwk, p: taken(p), q: taken(q), dp: taken(dp), dq: taken(dq) };
    await expect(check({ publicJwk, privateJwk: wrong }, "RS256")).rejects.toThrow(unfit);
  });

  test("refuses an RSA key with a foreign prime to which all else was made to fit but the modulus", async () => {
    const { publicJwk, privateJwk } = rsa(0);
    const prime = numberOf(rsa(1).privateJwk.p);
    const dp = base64urlOf(numberOf(privateJwk.d) % (prime - 1n));
    // Fermat: the inverse of q
    const qi = base64urlOf(power(numberOf(privateJwk.q), prime - 2n, prime));
    const wrong = { ...privateJwk, p: base64urlOf(prime), dp, qi };
    await expect(check({ publicJwk, privateJwk: wrong }, "RS256")).rejects.toThrow(unfit);
  });

  test("refuses a point that is not on its curve", async () => {
    const [mine, theirs] = [pairOf("ES256", 0).material.publicJwk, pairOf("ES256", 1).material.publicJwk];
    const off = { ...mine, y: (theirs as { y: string }).y } as KeyMaterial["publicJwk"];
    await expect(check({ publicJwk: off }, "ES256")).rejects.toThrow(noPublic);
  });

  test("refuses a point of Ed25519 for which anybody can sign, whoever brings a private half", async () => {
    const { privateJwk } = pairOf("EdDSA").material;
    const publicJwk: KeyMaterial["publicJwk"] = { kty: "OKP", crv: "Ed25519", x: `AQ${"A".repeat(41)}` };
    const small = new ChangeNeededError(
      "KeyUnusable",
      "Cannot use key: the public half is a point of small order: anybody can sign for it",
    );
    await expect(check({ publicJwk, privateJwk }, "EdDSA")).rejects.toThrow(small);
  });

  test.each(["ES256", "ES384", "ES512"] as const)(
    "refuses a private half of %s that is the order of its curve",
    async (algorithm) => {
      const { publicJwk, privateJwk } = pairOf(algorithm).material;
      const d = Buffer.from(orders[algorithm], "hex").toString("base64url");
      const wrong = { ...privateJwk, d } as PrivateJwk;
      await expect(check({ publicJwk, privateJwk: wrong }, algorithm)).rejects.toThrow(ChangeNeededError);
    },
  );

  test("refuses a private half that is no key", async () => {
    const { publicJwk, privateJwk } = pairOf("ES256").material;
    const zero = { ...privateJwk, d: "A".repeat(43) } as PrivateJwk;
    await expect(check({ publicJwk, privateJwk: zero }, "ES256")).rejects.toThrow(
      /^Cannot use key: the (private half is no key|halves do not fit)$/,
    );
  });
});

/** SP 800-186 §3.2.1 */
const orders = {
  ES256: "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
  ES384: "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
  ES512: `01${"ff".repeat(32)}fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`,
} as const;

type Rsa = Extract<PrivateJwk, { kty: "RSA" }>;

function rsa(nth: number): { readonly publicJwk: KeyMaterial["publicJwk"]; readonly privateJwk: Rsa } {
  const { publicJwk, privateJwk } = pairOf("RS256", nth).material;
  if (privateJwk.kty !== "RSA") throw new Error("no RSA key");
  return { publicJwk, privateJwk };
}

function numberOf(text: string): bigint {
  return BigInt(`0x${Buffer.from(text, "base64url").toString("hex")}`);
}

function base64urlOf(value: bigint): string {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex").toString("base64url");
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  if (exponent === 0n) return 1n;
  const half = power((base * base) % modulus, exponent / 2n, modulus);
  return exponent % 2n === 0n ? half : (half * base) % modulus;
}
