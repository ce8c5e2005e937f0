import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { isUtf8 } from "node:buffer";
import fc from "fast-check";
import { CompactSign } from "jose";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { nativeBuildMs, nativeNeeds, nativeSignatures } from "../../hack/native.ts";
import { nodeSignatures } from "../../src/jwt/node-signatures.ts";
import type { Signatures, Verify } from "../../src/jwt/signatures.ts";
import { compileMinter } from "../../src/jwt/minter.ts";
import { tokenLimit } from "../../src/jwt/reasons.ts";
import { compileRing } from "../../src/jwt/verifier.ts";
import { verifyOf } from "../../src/jwt/verify-of.ts";
import { type Algorithm, algorithms } from "../../src/ring/key.ts";
import { pairOf } from "../support/keys.ts";
import { epoch } from "../support/story.ts";
import { corpus } from "../jwt/attacks/corpus.ts";
import { withKid, withoutKid } from "../jwt/support/rfc-vectors.ts";
import { changed, signed, textOf, tokenBy, verified, verifiedWith } from "../jwt/support/signed.ts";
import { rsaKey } from "./support/rsa.ts";
import { privateKeyOf, reasonOf, ringOfAll, verifierOf } from "../jwt/support/world.ts";

const missing = nativeNeeds();
/** Keys that are ours are taken: none of these tests is one of node:crypto. */
const nobody: Signatures = {
  name: "node:crypto",
  verifier: () => expect.unreachable("AWS-LC takes the key"),
  signer: () => expect.unreachable("AWS-LC takes the key"),
};
let native: Signatures;

beforeAll(async () => {
  if (missing === undefined) native = await nativeSignatures(nobody);
}, nativeBuildMs);

beforeEach((context) => {
  if (missing !== undefined) context.skip(missing);
});

const input = "eyJhbGciOiJub25lIn0.e30";
const payload = "{}";
/** A header and a payload of so many characters, which stand for zeros. */
const inputOf = (characters: number): string => `h.${"A".repeat(characters)}`;
const base64url = /^[\w-]+$/;

describe.each(algorithms)("native signatures: %s", (algorithm) => {
  const pair = pairOf(algorithm);
  const { publicJwk } = pair.material;
  const signerOf = (by: Signatures) => by.signer(privateKeyOf(pair), algorithm);
  const verifyBy = (by: Signatures) => verifyOf(algorithm, publicJwk, by);

  test("what one makes the other one takes", () => {
    const [ours, theirs] = [tokenBy(signerOf(native), input), tokenBy(signerOf(nodeSignatures), input)];
    for (const token of [ours, theirs]) expect(token.slice(0, input.length + 1)).toBe(`${input}.`);
    expect(ours.slice(input.length + 1)).toMatch(base64url);
    expect(ours).toHaveLength(theirs.length);
    expect(verified(verifyBy(nodeSignatures), ours)).toBe(payload);
    expect(verified(verifyBy(native), theirs)).toBe(payload);
  });

  test.each(["", "ä€😀", "\ud83d", "x".repeat(10_000)])("a payload of any text: %.20s", (text) => {
    const token = signerOf(native)("h", text);
    expect(verified(verifyBy(native), token)).toBe(Buffer.from(text).toString());
    expect(token.slice(0, token.lastIndexOf("."))).toBe(`h.${Buffer.from(text).toString("base64url")}`);
  });

  test("a token is judged as well after others, good and bad, as it was at first", () => {
    const verify = verifyBy(native);
    const signature = signed(signerOf(native), input);
    for (let nth = 0; nth < 20; nth++) {
      expect(verifiedWith(verify, input, signature)).toBe(payload);
      expect(verifiedWith(verify, input, Buffer.alloc(signature.length, nth))).toBe(false);
      expect(verifiedWith(verify, inputOf(4 * nth), signature)).toBe(false);
      expect(verified(verify, `${input}.no base64url`)).toBeUndefined();
    }
    const other = verifyOf(algorithm, pairOf(algorithm, 1).material.publicJwk, native);
    expect([verifiedWith(other, input, signature), verifiedWith(verify, input, signature)]).toEqual([false, payload]);
  });

  test("a signer signs as well the twentieth time as the first", () => {
    const [sign, verify] = [signerOf(native), verifyBy(nodeSignatures)];
    for (let nth = 0; nth < 20; nth++) {
      const each = inputOf(4 * nth);
      expect(verifiedWith(verify, each, signed(sign, each))).toBe("\0".repeat(3 * nth));
    }
  });

  test.each([tokenLimit - 400, tokenLimit, tokenLimit + 4, tokenLimit + 8, tokenLimit + 12, 100_000])(
    "takes inputs of any length: %d characters",
    (length) => {
      const long = inputOf(length);
      const signature = signed(signerOf(native), long);
      for (const by of [native, nodeSignatures]) {
        expect(verifiedWith(verifyBy(by), long, signature)).toBe("\0".repeat((length / 4) * 3));
        expect(verifiedWith(verifyBy(by), `x${long}`, signature)).toBe(false);
      }
    },
  );

  test("what is altered, cut off or made up is judged as node:crypto judges it", () => {
    const [ours, theirs] = [verifyBy(native), verifyBy(nodeSignatures)];
    const signature = signed(signerOf(nodeSignatures), input);
    const agree = (by: Buffer, of = input): void =>
      expect(verifiedWith(ours, of, by)).toBe(verifiedWith(theirs, of, by));
    for (const length of [0, 1, signature.length - 1]) agree(signature.subarray(0, length));
    for (const more of [1, 5000]) agree(Buffer.concat([signature, Buffer.alloc(more)]));
    const change = fc.tuple(fc.nat(signature.length - 1), fc.nat(255), fc.uint8Array({ maxLength: 600 }));
    fc.assert(
      fc.property(change, ([at, byte, bytes]) => {
        const altered = Buffer.from(signature);
        altered[at] = byte;
        agree(altered);
        agree(Buffer.from(bytes));
        agree(signature, `h.${Buffer.from(bytes).toString("base64url")}`);
      }),
      { numRuns: 30 },
    );
  });

  test("the payload is the very text that node:crypto's way gives, or none", async () => {
    const [ours, theirs] = [verifyBy(native), verifyBy(nodeSignatures)];
    const agree = async (bytes: Buffer): Promise<void> => {
      // Of bytes that are no text ours makes no token
      const token = await new CompactSign(bytes).setProtectedHeader({ alg: algorithm }).sign(privateKeyOf(pair));
      expect(verified(ours, token)).toBe(isUtf8(bytes) ? bytes.toString() : undefined);
      expect(verified(theirs, token)).toBe(verified(ours, token));
    };
    const texts = ["", "é", "€", "\ufffd", "\ufeff{}", "\0", "𝄞"].map((text) => Buffer.from(text));
    for (const each of [...texts, Buffer.of(0xff), Buffer.of(0xc0, 0x80), Buffer.of(0xed, 0xa0, 0x80)])
      await agree(each);
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.string({ unit: "binary" }).map((text) => Buffer.from(text)),
    );
    await fc.assert(
      fc.asyncProperty(bytes, (each) => agree(Buffer.from(each))),
      { numRuns: 30 },
    );
  });

  test("payload and signature are judged as node:crypto's way judges them, character by character", () => {
    const [ours, theirs] = [verifyBy(native), verifyBy(nodeSignatures)];
    const token = tokenBy(signerOf(nodeSignatures), input);
    const inputEnd = token.lastIndexOf(".");
    const agree = (text: string): void => {
      const dots = [text.indexOf("."), text.indexOf(".", text.indexOf(".") + 1)] as const;
      expect([text, textOf(ours(text, ...dots))]).toEqual([text, textOf(theirs(text, ...dots))]);
    };
    for (let code = 0; code < 0x180; code++) {
      const put = String.fromCharCode(code);
      for (const at of [inputEnd - 1, inputEnd + 1, token.length - 1]) {
        agree(`${token.slice(0, at)}${put}${token.slice(at + 1)}`);
        agree(`${token.slice(0, at + 1)}${put}${token.slice(at + 1)}`);
      }
    }
    const part = fc.oneof(
      fc.string({ unit: "binary", maxLength: 4 }),
      fc.constantFrom("=", "+", "/", ".", "\0", "\ud800", "AA"),
    );
    const change = fc.tuple(fc.integer({ min: input.indexOf(".") + 1, max: token.length }), fc.nat(4), part);
    fc.assert(
      fc.property(change, ([at, cut, put]) => {
        const text = `${token.slice(0, at)}${put}${token.slice(at + cut)}`;
        if (text.split(".").length > 2) agree(text);
      }),
      { numRuns: 100 },
    );
  });
});

describe("native signatures: ECDSA", () => {
  test.each([
    ["ES256", 1000],
    ["ES384", 300],
    ["ES512", 300],
  ] as const)("%s: %d signatures fit, whatever zeros R and S begin with", (algorithm, times) => {
    const pair = pairOf(algorithm);
    const sign = native.signer(privateKeyOf(pair), algorithm);
    const [ours, theirs] = [native, nodeSignatures].map((by) => verifyOf(algorithm, pair.material.publicJwk, by));
    if (!ours || !theirs) throw new TypeError("There are two");
    for (let time = 0; time < times; time++) {
      const token = sign(`${time}`, payload);
      expect([token, verified(ours, token), verified(theirs, token)]).toEqual([token, payload, payload]);
    }
  });
});

describe("native signatures", () => {
  test.each(corpus)("the attack is refused alike: $name", ({ token, reason }) => {
    expect(reasonOf(token, verifierOf({}, { signatures: native }))).toBe(reason);
  });

  test.each([...withoutKid, ...withKid])("$source: the $algorithm signature fits, and no other one", (vector) => {
    const verify = verifyOf(vector.algorithm, vector.jwk, native);
    const at = vector.token.lastIndexOf(".");
    const signature = Buffer.from(vector.token.slice(at + 1), "base64url");
    expect(verified(verify, vector.token)).toBe(verified(verifyOf(vector.algorithm, vector.jwk), vector.token));
    expect(verified(verify, vector.token)).toBeTypeOf("string");
    for (const index of [0, signature.length >> 1, signature.length - 1]) {
      expect(verifiedWith(verify, vector.token.slice(0, at), changed(signature, index))).toBe(false);
    }
  });

  test("a minter and a verifier of a ring take them", () => {
    const of = ringOfAll();
    const { kid } = of.ring.signer;
    const calls = { verifier: 0, signer: 0 };
    const counting: Signatures = {
      name: "native",
      verifier: (key, algorithm) => (calls.verifier++, native.verifier(key, algorithm)),
      signer: (key, algorithm) => (calls.signer++, native.signer(key, algorithm)),
    };
    const half = { kid, key: privateKeyOf(pairOf("ES256")) };
    const minter = compileMinter({ ring: of.ring, half }, { newId: () => "id", signatures: counting });
    const { token = "" } = minter?.mint({ subject: "alice" }, { nowMs: epoch, notAfterMs: Infinity }) ?? {};
    expect(compileRing(of, { signatures: counting }).verify(token, epoch)).toMatchObject({ ok: true, kid });
    expect(calls).toEqual({ verifier: of.publicJwks.size, signer: 1 });
  });

  test("its copy of the private half is written over, whether AWS-LC takes it or not", () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const [good, bad] = [privateKey.export({ format: "der", type: "pkcs8" }), Buffer.from("no key")];
    const rawKey = (der: Buffer): KeyObject => ({ export: () => der }) as unknown as KeyObject;
    const signature = signed(native.signer(rawKey(good), "EdDSA"), input);
    expect(verifiedWith(nodeSignatures.verifier(publicKey, "EdDSA"), input, signature)).toBe(payload);
    expect(() => native.signer(rawKey(bad), "EdDSA")).toThrow("AWS-LC takes the key");
    for (const copy of [good, bad]) expect(copy.every((byte) => byte === 0)).toBe(true);
  });

  const es256 = (): Verify => verifyOf("ES256", pairOf("ES256").material.publicJwk, native);

  test.each(["", ".", "a.b", "a.b.c.d", "..", "\ud800.b.c"])(
    "finds the dots by itself: %j is malformed, or fits not",
    (token) => {
      expect(es256()(token, 1, 3)).toBe(token === ".." ? false : undefined);
    },
  );

  test("refuses what is no string, and goes on", () => {
    const verify = es256() as (...args: readonly unknown[]) => unknown;
    const sign = native.signer(privateKeyOf(pairOf("ES256")), "ES256") as (...args: readonly unknown[]) => unknown;
    for (const misuse of [
      () => verify(Buffer.from("a.b.c"), 1, 3),
      () => verify(),
      () => sign("h", 7),
      () => sign("h"),
    ])
      expect(misuse).toThrow(/./);
    expect(verify(sign("h", payload))).toBe(payload);
  });

  test("EdDSA: the very signature that node:crypto makes (RFC 8032 §5.1.6)", () => {
    const key = privateKeyOf(pairOf("EdDSA"));
    expect(native.signer(key, "EdDSA")("h", payload)).toBe(nodeSignatures.signer(key, "EdDSA")("h", payload));
  });

  test.each(["RS256", "RS384", "RS512"] as const)("%s: the very signature that node:crypto makes", (algorithm) => {
    const key = privateKeyOf(pairOf("RS256"));
    expect(native.signer(key, algorithm)("h", payload)).toBe(nodeSignatures.signer(key, algorithm)("h", payload));
  });

  const others: readonly (readonly [Algorithm, Algorithm])[] = [
    ["RS256", "PS256"],
    ["PS256", "RS256"],
    ["RS256", "RS512"],
    ["PS256", "PS384"],
  ];
  test.each(others)("what a key signs by %s, it does not verify by %s", (algorithm, other) => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    for (const by of [native, nodeSignatures]) {
      const signature = signed(by.signer(privateKey, algorithm), input);
      expect(verifiedWith(native.verifier(publicKey, algorithm), input, signature)).toBe(payload);
      expect(verifiedWith(native.verifier(publicKey, other), input, signature)).toBe(false);
    }
  });
});

describe("native signatures: RSA keys that AWS-LC does not take are verified, and sign, by node:crypto", () => {
  test.each([
    { exponentBits: 17, isNative: true },
    { exponentBits: 32, isNative: true },
    { exponentBits: 33, isNative: true },
    { exponentBits: 34, isNative: false },
    { exponentBits: 64, isNative: false },
    { modulusBits: 2056, isNative: true },
  ])("$modulusBits $exponentBits: native is $isNative", async ({ isNative, ...bits }) => {
    const { privateKey, publicKey } = rsaKey(bits);
    const taken: string[] = [];
    const counting: Signatures = {
      name: "node:crypto",
      verifier: (key, algorithm) => (taken.push("verifier"), nodeSignatures.verifier(key, algorithm)),
      signer: (key, algorithm) => (taken.push("signer"), nodeSignatures.signer(key, algorithm)),
    };
    const ours = await nativeSignatures(counting);
    for (const algorithm of ["RS256", "PS256"] as const) {
      const theirs = nodeSignatures.verifier(publicKey, algorithm);
      const signature = signed(ours.signer(privateKey, algorithm), input);
      expect(verifiedWith(theirs, input, signature)).toBe(payload);
      const verify = ours.verifier(publicKey, algorithm);
      expect(verifiedWith(verify, input, signed(nodeSignatures.signer(privateKey, algorithm), input))).toBe(payload);
      expect(verifiedWith(verify, input, changed(signature, 7))).toBe(false);
    }
    expect(taken).toEqual(isNative ? [] : ["signer", "verifier", "signer", "verifier"]);
  });
});
