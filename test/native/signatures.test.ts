import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { isUtf8 } from "node:buffer";
import fc from "fast-check";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { nativeNeeds, nativeSignatures } from "../../hack/native.ts";
import { verifyOf, signOf } from "../../src/jwt/scheme.ts";
import { type SignatureForm, nodeSignatures, type Signatures } from "../../src/jwt/signatures.ts";
import { compileMinter } from "../../src/jwt/minter.ts";
import { tokenLimit } from "../../src/jwt/reasons.ts";
import { compileRing } from "../../src/jwt/verifier.ts";
import { algorithms } from "../../src/ring/key.ts";
import { pairOf } from "../support/keys.ts";
import { epoch } from "../support/story.ts";
import { corpus } from "../jwt/attacks/corpus.ts";
import { withKid, withoutKid } from "../jwt/support/rfc-vectors.ts";
import { changed, signed, verified, verifiedWith } from "../jwt/support/signed.ts";
import { privateKeyOf, reasonOf, ringOfAll, verifierOf } from "../jwt/support/world.ts";

const missing = nativeNeeds();
let native: Signatures;

beforeAll(async () => {
  if (missing === undefined) native = await nativeSignatures();
});

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
  const signerOf = (by: Signatures) => signOf(algorithm, privateKeyOf(pair), by);
  const verifyBy = (by: Signatures) => verifyOf(algorithm, publicJwk, by);

  test("what one makes the other one takes", () => {
    const [ours, theirs] = [signerOf(native)(input), signerOf(nodeSignatures)(input)];
    expect(ours).toMatch(base64url);
    expect(ours).toHaveLength(theirs.length);
    expect(verified(verifyBy(nodeSignatures), `${input}.${ours}`)).toBe(payload);
    expect(verified(verifyBy(native), `${input}.${theirs}`)).toBe(payload);
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

  test("the payload is the very text that node:crypto's way gives, or none", () => {
    const [sign, ours, theirs] = [signerOf(nodeSignatures), verifyBy(native), verifyBy(nodeSignatures)];
    const agree = (bytes: Buffer): void => {
      const of = `h.${bytes.toString("base64url")}`;
      const token = `${of}.${sign(of)}`;
      expect(verified(ours, token)).toBe(isUtf8(bytes) ? bytes.toString() : undefined);
      expect(verified(theirs, token)).toBe(verified(ours, token));
    };
    const texts = ["", "é", "€", "\ufffd", "\ufeff{}", "\0", "𝄞"].map((text) => Buffer.from(text));
    for (const each of [...texts, Buffer.of(0xff), Buffer.of(0xc0, 0x80), Buffer.of(0xed, 0xa0, 0x80)]) agree(each);
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.string({ unit: "binary" }).map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(bytes, (each) => agree(Buffer.from(each))),
      { numRuns: 30 },
    );
  });

  test("payload and signature are judged as node:crypto's way judges them, character by character", () => {
    const [ours, theirs] = [verifyBy(native), verifyBy(nodeSignatures)];
    const token = `${input}.${signerOf(nodeSignatures)(input)}`;
    const inputEnd = token.lastIndexOf(".");
    const agree = (text: string): void => {
      const dots = [text.indexOf("."), text.indexOf(".", text.indexOf(".") + 1)] as const;
      expect([text, ours(text, ...dots)]).toEqual([text, theirs(text, ...dots)]);
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
    const sign = signOf(algorithm, privateKeyOf(pair), native);
    const [ours, theirs] = [native, nodeSignatures].map((by) => verifyOf(algorithm, pair.material.publicJwk, by));
    if (!ours || !theirs) throw new TypeError("There are two");
    for (let time = 0; time < times; time++) {
      const token = `${time}.e30.${sign(`${time}.e30`)}`;
      expect([token, verified(ours, token), verified(theirs, token)]).toEqual([token, payload, payload]);
    }
  });
});

/** A key whose DER is what the test says. */
const rawKey = (der: Buffer): KeyObject => ({ export: () => der }) as unknown as KeyObject;
const es256: SignatureForm = { hash: "sha256", bytes: 64, isPair: true };
const eddsa: SignatureForm = { hash: null, bytes: 64, isPair: false };
const publicKey = (): KeyObject => createPublicKey({ key: pairOf("ES256").material.publicJwk, format: "jwk" });
const publicDer = (): Buffer => publicKey().export({ format: "der", type: "spki" });

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
      verifier: (key, form) => (calls.verifier++, native.verifier(key, form)),
      signer: (key, form) => (calls.signer++, native.signer(key, form)),
    };
    const half = { kid, key: privateKeyOf(pairOf("ES256")) };
    const minter = compileMinter({ ring: of.ring, half }, { newId: () => "id", signatures: counting });
    const { token = "" } = minter?.mint({ subject: "alice" }, { nowMs: epoch, notAfterMs: Infinity }) ?? {};
    expect(compileRing(of, { signatures: counting }).verify(token, epoch)).toMatchObject({ ok: true, kid });
    expect(calls).toEqual({ verifier: of.publicJwks.size, signer: 1 });
  });

  test("an error of OpenSSL does not stay for the next one who asks", () => {
    const failure = (): unknown => {
      try {
        return createPublicKey("no key");
      } catch (error) {
        return error;
      }
    };
    const before = failure();
    const verify = verifyOf("RS256", pairOf("RS256").material.publicJwk, native);
    expect(verifiedWith(verify, input, Buffer.alloc(256, 1))).toBe(false);
    expect(() => native.verifier(rawKey(Buffer.from("no key")), es256)).toThrow(TypeError);
    expect(failure()).toEqual(before);
  });

  test("its copy of the private half is written over, whether OpenSSL takes it or not", () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const [good, bad] = [privateKey.export({ format: "der", type: "pkcs8" }), Buffer.from("no key")];
    const signature = signed(native.signer(rawKey(good), eddsa), input);
    expect(verifiedWith(nodeSignatures.verifier(publicKey, eddsa), input, signature)).toBe(payload);
    expect(() => native.signer(rawKey(bad), eddsa)).toThrow(TypeError);
    for (const copy of [good, bad]) expect(copy.every((byte) => byte === 0)).toBe(true);
  });

  const verifierWith = (form: Partial<Record<keyof SignatureForm, unknown>>, key = publicKey()) =>
    native.verifier(key, { ...es256, ...form } as SignatureForm);
  const verify = (token: unknown, ...dots: readonly unknown[]) =>
    native.verifier(publicKey(), es256)(token as string, ...(dots as [number, number]));
  const signer = () => native.signer(privateKeyOf(pairOf("ES256")), es256) as (...args: readonly unknown[]) => unknown;

  test.each<readonly [string, () => unknown]>([
    ["a hash that nobody knows", () => verifierWith({ hash: "sha0" })],
    ["a hash that is too weak", () => verifierWith({ hash: "md5" })],
    ["a hash and something else", () => verifierWith({ hash: "sha256\0x" })],
    ["the name of a hash that is no text", () => verifierWith({ hash: 7 })],
    ["no hash where the key is not EdDSA's", () => verifierWith({ hash: null })],
    ["signatures without bytes", () => verifierWith({ bytes: 0 })],
    ["signatures of more bytes than any has", () => verifierWith({ bytes: 2049, isPair: false })],
    ["a pair of more bytes than any curve has", () => verifierWith({ bytes: 134 })],
    ["a pair without halves", () => verifierWith({ bytes: 63 })],
    ["a length that is no number", () => verifierWith({ bytes: "64" })],
    ["neither a pair nor none", () => verifierWith({ isPair: undefined })],
    ["a DER with something behind it", () => verifierWith({}, rawKey(Buffer.concat([publicDer(), Buffer.from("x")])))],
    ["a DER that is no Buffer", () => verifierWith({}, rawKey("der" as unknown as Buffer))],
    ["a token that is no string", () => verify(Buffer.from("a.b.c"), 1, 3)],
    ["a dot that is no number", () => verify("a.b.c", "1", 3)],
    ["another dot that is no number", () => verify("a.b.c", 1, "3")],
    ["no dot where the header ends", () => verify("a.b.c", 0, 3)],
    ["no dot where the input ends", () => verify("a.b.c", 1, 2)],
    ["one dot for both", () => verify("a.b.c", 1, 1)],
    ["the dots in another order", () => verify("a.b.c", 3, 1)],
    ["a dot behind the token", () => verify("a.b.c", 1, 5)],
    ["a dot before the token", () => verify("a.b.c", -1, 3)],
    ["a dot that stood there in another token", () => (verify("a.b.cc.d", 1, 6), verify("a.b.c", 1, 6))],
    ["one dot", () => verify("a.b.c", 1)],
    ["nothing to verify", () => (native.verifier(publicKey(), es256) as () => unknown)()],
    ["an input that is no string", () => signer()(Buffer.from("a.b"))],
    ["an input that is not ASCII", () => signer()("é")],
    ["one that UTF-8, cut off, is as long as", () => signer()("é€")],
    ["another one", () => signer()("éé𝄞")],
    ["to sign nothing", () => signer()()],
    ["a public half to sign", () => native.signer(rawKey(publicDer()), es256)],
    [
      "to sign in fewer bytes than the key does",
      () => native.signer(privateKeyOf(pairOf("RS256")), { ...es256, bytes: 64, isPair: false })(input),
    ],
    [
      "to sign in fewer bytes than EdDSA does",
      () => native.signer(privateKeyOf(pairOf("EdDSA")), { ...eddsa, bytes: 32 })(input),
    ],
    [
      "to sign in a smaller pair than the key does",
      () => native.signer(privateKeyOf(pairOf("ES256")), { ...es256, bytes: 32 })(input),
    ],
  ])("refuses %s", (_, misuse) => {
    expect(misuse).toThrow(/^Cannot (?:use key|verify|sign)/);
  });

  test("EdDSA: the very signature that node:crypto makes (RFC 8032 §5.1.6)", () => {
    const key = createPrivateKey({ key: pairOf("EdDSA").material.privateJwk, format: "jwk" });
    expect(native.signer(key, eddsa)(input)).toBe(nodeSignatures.signer(key, eddsa)(input));
  });
});
