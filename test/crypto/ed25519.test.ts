import { createPublicKey } from "node:crypto";
import { describe, expect, test } from "vitest";
import { isSmallOrder } from "../../src/crypto/ed25519.ts";
import { publicKeyObject } from "../../src/crypto/key-objects.ts";
import { ChangeNeededError } from "../../src/errors/keyturn-error.ts";
import { pairOf } from "../support/keys.ts";
import { smallOrderPoints } from "./support/small-order.ts";

/** The curve's prime and its d (RFC 8032 §5.1). */
const p = 2n ** 255n - 19n;
const mod = (value: bigint): bigint => ((value % p) + p) % p;

function power(base: bigint, exponent: bigint): bigint {
  let [result, square] = [1n, mod(base)];
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = mod(result * square);
    square = mod(square * square);
  }
  return result;
}

const over = (top: bigint, bottom: bigint): bigint => mod(top * power(bottom, p - 2n));
const d = over(-121665n, 121666n);

/** The y of twice the point with this y: -x² + y² = 1 + dx²y². */
function doubled(y: bigint): bigint {
  const yy = mod(y * y);
  const xx = over(yy - 1n, d * yy + 1n);
  return over(yy + xx, 1n - d * xx * yy);
}

/** The y of an encoded point, without the sign of x. */
const yOf = (point: Buffer): bigint => BigInt(`0x${Buffer.from(point).reverse().toString("hex")}`) & (2n ** 255n - 1n);

describe("isSmallOrder", () => {
  test.each(smallOrderPoints.map((point) => [point.toString("hex"), point] as const))(
    "%s, whose eightfold is nothing",
    (_, point) => {
      expect(doubled(doubled(doubled(mod(yOf(point)))))).toBe(1n);
      expect(isSmallOrder(point)).toBe(true);
    },
  );

  test("knows every one: five y, two of which fit in twice, with two signs", () => {
    expect(new Set(smallOrderPoints.map((point) => mod(yOf(point)))).size).toBe(5);
    expect(new Set(smallOrderPoints.map((point) => point.toString("hex"))).size).toBe(2 * (5 + 2));
  });

  test("is false for keys, and for what is no point", () => {
    const { x } = pairOf("EdDSA").material.publicJwk as { x: string };
    expect(isSmallOrder(Buffer.from(x, "base64url"))).toBe(false);
    for (const length of [0, 31, 33]) expect(isSmallOrder(Buffer.alloc(length))).toBe(false);
  });
});

test.each(smallOrderPoints.map((point) => point.toString("base64url")))("no key has the public half %s", (x) => {
  const jwk = { kty: "OKP", crv: "Ed25519", x } as const;
  // What OpenSSL says of it
  expect(createPublicKey({ key: jwk, format: "jwk" }).asymmetricKeyType).toBe("ed25519");
  const reason = "Cannot use key: the public half is a point of small order: anybody can sign for it";
  expect(() => publicKeyObject(jwk)).toThrow(new ChangeNeededError("KeyUnusable", reason));
});
