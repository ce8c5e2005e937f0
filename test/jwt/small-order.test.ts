import { createHash } from "node:crypto";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { nativeBuildMs, nativeNeeds, nativeSignatures } from "../../hack/native.ts";
import { nodeSignatures } from "../../src/jwt/node-signatures.ts";
import type { Signatures, Verify } from "../../src/jwt/signatures.ts";
import { verifyOf } from "../../src/jwt/verify-of.ts";
import { pairOf } from "../support/keys.ts";
import { smallOrderPoints } from "../crypto/support/small-order.ts";
import { verifiedWith } from "./support/signed.ts";

const { publicJwk, privateJwk } = pairOf("EdDSA").material;
const { x, d } = privateJwk as { x: string; d: string };
/** The group's order (RFC 8032 §5.1). */
const order = 2n ** 252n + 27742317777372353535851937790883648493n;

const numberOf = (bytes: Buffer): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
const bytesOf = (number: bigint): Buffer => Buffer.from(number.toString(16).padStart(64, "0"), "hex").reverse();
const sha512 = (...parts: readonly Buffer[]): Buffer => createHash("sha512").update(Buffer.concat(parts)).digest();

/** With S = ka, the equation of RFC 8032 §5.1.7 holds for R = nothing, and eightfold for every R of small order. */
function signatureWith(r: Buffer, input: string): Buffer {
  const secret = sha512(Buffer.from(d, "base64url")).subarray(0, 32);
  secret[0] = (secret[0] ?? 0) & 248;
  secret[31] = ((secret[31] ?? 0) & 127) | 64;
  const k = numberOf(sha512(r, Buffer.from(x, "base64url"), Buffer.from(input)));
  return Buffer.concat([r, bytesOf((k * numberOf(secret)) % order)]);
}

const input = "eyJhbGciOiJFZERTQSJ9.e30";
const missing = nativeNeeds();
let native: Signatures;

beforeAll(async () => {
  if (missing === undefined) native = await nativeSignatures();
}, nativeBuildMs);

describe.each(["native", "node:crypto"] as const)("EdDSA by %s: an R of small order", (name) => {
  beforeEach((context) => {
    if (name === "native" && missing !== undefined) context.skip(missing);
  });

  const verify = (): Verify => verifyOf("EdDSA", publicJwk, name === "native" ? native : nodeSignatures);

  test.each(smallOrderPoints.map((point) => [point.toString("hex"), point] as const))("%s: refused", (_, point) => {
    expect(verifiedWith(verify(), input, signatureWith(point, input))).toBe(false);
  });

  test("is malformed where payload or signature is", () => {
    const signature = Buffer.concat([smallOrderPoints[0] ?? Buffer.of(), Buffer.alloc(32)]).toString("base64url");
    for (const token of [`h.e30=.${signature}`, `h.e3.${signature}`, `h.e30.${signature}=`, `h.e30.${signature}A.`]) {
      expect([token, verify()(token, 1, token.indexOf(".", 2))]).toEqual([token, undefined]);
    }
  });
});

describe("EdDSA, whoever verifies", () => {
  const takesAll: Signatures = { ...nodeSignatures, verifier: () => () => "taken" };
  const verify = verifyOf("EdDSA", publicJwk, takesAll);

  test.each([0x00, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xff])("an R of small order is refused before S = %i…", (s) => {
    const ends = Buffer.alloc(32, s);
    for (const point of smallOrderPoints) {
      expect(verifiedWith(verify, input, Buffer.concat([point, ends]))).toBe(false);
      const [last, first] = [Buffer.from(point), Buffer.from(point)];
      last[31] = (last[31] ?? 0) ^ 0x40;
      first[0] = (first[0] ?? 0) ^ 0x80;
      for (const other of [last, first]) {
        expect(verifiedWith(verify, input, Buffer.concat([other, ends]))).toBe("taken");
      }
    }
  });
});
