import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import fc from "fast-check";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { nativeNeeds, nativeSignatures } from "../../hack/native.ts";
import { checkOf, signOf } from "../../src/jwt/scheme.ts";
import { pssPrivateKey, pssPublicKey } from "../../src/jwt/pss.ts";
import { type Check, type Hash, nodeSignatures, type Sha2, type Signatures } from "../../src/jwt/signatures.ts";
import { compileMinter } from "../../src/jwt/minter.ts";
import { compileRing } from "../../src/jwt/verifier.ts";
import { algorithms } from "../../src/ring/key.ts";
import { pairOf } from "../support/keys.ts";
import { epoch } from "../support/story.ts";
import { corpus } from "../jwt/attacks/corpus.ts";
import { withKid, withoutKid } from "../jwt/support/rfc-vectors.ts";
import { privateKeyOf, reasonOf, ringOfAll, verifierOf } from "../jwt/support/world.ts";

const missing = nativeNeeds();
let native: Signatures;

beforeAll(async () => {
  if (missing === undefined) native = await nativeSignatures();
});

beforeEach((context) => {
  if (missing !== undefined) context.skip(missing);
});

const input = Buffer.from("eyJhbGciOiJub25lIn0.e30");

describe.each(algorithms)("native signatures: %s", (algorithm) => {
  const pair = pairOf(algorithm);
  const { publicJwk } = pair.material;
  const sign = (by: Signatures) => signOf(algorithm, privateKeyOf(pair), by)(input);

  test("what one makes the other one takes", () => {
    expect(checkOf(algorithm, publicJwk, nodeSignatures)(input, sign(native))).toBe(true);
    expect(checkOf(algorithm, publicJwk, native)(input, sign(nodeSignatures))).toBe(true);
  });

  test("a check is as good after others, good and bad, as it was at first", () => {
    const check = checkOf(algorithm, publicJwk, native);
    const signature = sign(native);
    for (let nth = 0; nth < 20; nth++) {
      expect(check(input, signature)).toBe(true);
      expect(check(input, Buffer.alloc(signature.length, nth))).toBe(false);
      expect(check(Buffer.alloc(nth), signature)).toBe(false);
    }
    const other = checkOf(algorithm, pairOf(algorithm, 1).material.publicJwk, native);
    expect([other(input, signature), check(input, signature)]).toEqual([false, true]);
  });

  test("a signer signs as well the twentieth time as the first", () => {
    const signer = signOf(algorithm, privateKeyOf(pair), native);
    const check = checkOf(algorithm, publicJwk, nodeSignatures);
    for (let nth = 0; nth < 20; nth++) {
      const each = Buffer.alloc(nth, "x");
      expect(check(each, signer(each))).toBe(true);
    }
  });

  test("what is altered, cut off or made up is judged as node:crypto judges it", () => {
    const [ours, theirs] = [rawCheckOf(native), rawCheckOf(nodeSignatures)];
    const signature = rawSignature();
    expect(ours(input, signature)).toBe(true);
    const agree = (of: Buffer, by: Buffer): void => expect(ours(of, by)).toBe(theirs(of, by));
    for (const length of [0, 1, signature.length - 1]) agree(input, signature.subarray(0, length));
    for (const more of [1, 5000]) agree(input, Buffer.concat([signature, Buffer.alloc(more)]));
    const change = fc.tuple(fc.nat(signature.length - 1), fc.nat(255), fc.uint8Array({ maxLength: 600 }));
    fc.assert(
      fc.property(change, ([at, byte, bytes]) => {
        const altered = Buffer.from(signature);
        altered[at] = byte;
        agree(input, altered);
        agree(input, Buffer.from(bytes));
        agree(Buffer.from(bytes), signature);
      }),
      { numRuns: 30 },
    );
    expect(ours(input, signature)).toBe(true);
  });

  const hash = algorithm === "EdDSA" ? null : (`sha${algorithm.slice(2)}` as Hash);

  /** Without the looks at lengths and numbers that stand before it: everything gets there. */
  function rawCheckOf(by: Signatures): Check {
    const key = createPublicKey({ key: publicJwk, format: "jwk" });
    return by.verifier(algorithm.startsWith("PS") ? pssPublicKey(key, hash as Sha2) : key, hash);
  }

  function rawSignature(): Buffer {
    const key = privateKeyOf(pair);
    return nodeSignatures.signer(algorithm.startsWith("PS") ? pssPrivateKey(key, hash as Sha2) : key, hash)(input);
  }
});

/** A key whose DER is what the test says. */
const rawKey = (der: Buffer): KeyObject => ({ export: () => der }) as unknown as KeyObject;
const publicKeyOf = (algorithm: "ES256"): KeyObject =>
  createPublicKey({ key: pairOf(algorithm).material.publicJwk, format: "jwk" });
const derOf = (key: KeyObject): Buffer => key.export({ format: "der", type: "spki" });

describe("native signatures", () => {
  test.each(corpus)("the attack is refused alike: $name", ({ token, reason }) => {
    expect(reasonOf(token, verifierOf({}, { signatures: native }))).toBe(reason);
  });

  test.each([...withoutKid, ...withKid])("$source: the $algorithm signature fits, and no other one", (vector) => {
    const check = checkOf(vector.algorithm, vector.jwk, native);
    const at = vector.token.lastIndexOf(".");
    const signed = Buffer.from(vector.token.slice(0, at));
    const signature = Buffer.from(vector.token.slice(at + 1), "base64url");
    expect(check(signed, signature)).toBe(true);
    for (const index of [0, signature.length >> 1, signature.length - 1]) {
      const altered = Buffer.from(signature);
      altered[index] = (altered[index] ?? 0) ^ 1;
      expect(check(signed, altered)).toBe(false);
    }
  });

  test("a minter and a verifier of a ring take them", () => {
    const of = ringOfAll();
    const { kid } = of.ring.signer;
    const calls = { verifier: 0, signer: 0 };
    const counting: Signatures = {
      name: "native",
      verifier: (key, hash) => (calls.verifier++, native.verifier(key, hash)),
      signer: (key, hash) => (calls.signer++, native.signer(key, hash)),
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
    const rsa = pairOf("RS256");
    const check = checkOf("RS256", rsa.material.publicJwk, native);
    expect(check(input, Buffer.alloc(256, 1))).toBe(false);
    expect(() => native.verifier(rawKey(Buffer.from("no key")), "sha256")).toThrow(TypeError);
    expect(failure()).toEqual(before);
  });

  test("its copy of the private half is written over, whether OpenSSL takes it or not", () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const [good, bad] = [privateKey.export({ format: "der", type: "pkcs8" }), Buffer.from("no key")];
    const signature = native.signer(rawKey(good), null)(input);
    expect(nodeSignatures.verifier(publicKey, null)(input, signature)).toBe(true);
    expect(() => native.signer(rawKey(bad), null)).toThrow(TypeError);
    for (const copy of [good, bad]) expect(copy.every((byte) => byte === 0)).toBe(true);
  });

  test.each<readonly [string, () => unknown]>([
    ["a hash that nobody knows", () => native.verifier(publicKeyOf("ES256"), "sha0" as Hash)],
    ["a hash that is too weak", () => native.verifier(publicKeyOf("ES256"), "md5" as Hash)],
    ["a hash and something else", () => native.verifier(publicKeyOf("ES256"), "sha256\0x" as Hash)],
    ["no hash where the key is not EdDSA's", () => native.verifier(publicKeyOf("ES256"), null)],
    [
      "a DER with something behind it",
      () => native.verifier(rawKey(Buffer.concat([derOf(publicKeyOf("ES256")), input])), "sha256"),
    ],
    ["the name of a hash that is no text", () => native.verifier(publicKeyOf("ES256"), 7 as unknown as Hash)],
    ["a DER that is no Buffer", () => native.verifier(rawKey("der" as unknown as Buffer), "sha256")],
    ["an input that is no Buffer", () => native.verifier(publicKeyOf("ES256"), "sha256")("text" as never, input)],
    ["no arguments", () => (native.signer(privateKeyOf(pairOf("ES256")), "sha256") as () => unknown)()],
    ["a public half to sign", () => native.signer(rawKey(derOf(publicKeyOf("ES256"))), "sha256")],
  ])("refuses %s", (_, misuse) => {
    expect(misuse).toThrow(/^Cannot (?:use key|verify|sign)/);
  });

  test("EdDSA: the very bytes that node:crypto makes (RFC 8032 §5.1.6)", () => {
    const key = createPrivateKey({ key: pairOf("EdDSA").material.privateJwk, format: "jwk" });
    expect(native.signer(key, null)(input)).toEqual(nodeSignatures.signer(key, null)(input));
  });
});
