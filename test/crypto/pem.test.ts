import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { pkcs8Pem, readPrivatePem, readPublicPem, spkiPem } from "../../src/crypto/pem.ts";
import { ChangeNeededError } from "../../src/errors/keyturn-error.ts";
import { algorithms } from "../../src/ring/key.ts";
import { pairOf } from "../support/keys.ts";

const source = { code: "NotAdoptable", action: "Cannot adopt keys", file: "a.pem" };
const refused = (reason: string): Error => new ChangeNeededError("NotAdoptable", `Cannot adopt keys: a.pem: ${reason}`);
const pkcs8 = { type: "pkcs8", format: "pem" } as const;
const spki = { type: "spki", format: "pem" } as const;

describe("pkcs8Pem and spkiPem", () => {
  test.each(algorithms)("give back the halves of %s", (algorithm) => {
    const { material } = pairOf(algorithm);
    expect(pkcs8Pem(material.privateJwk)).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect(spkiPem(material.publicJwk)).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);
    expect(readPrivatePem(pkcs8Pem(material.privateJwk), source)).toStrictEqual(material);
    expect(readPublicPem(spkiPem(material.publicJwk), source)).toStrictEqual(material.publicJwk);
  });
});

describe("readPrivatePem", () => {
  test("reads the older form SEC 1", () => {
    const { material } = pairOf("ES256");
    const pem = createPrivateKey(pkcs8Pem(material.privateJwk)).export({ type: "sec1", format: "pem" });
    expect(readPrivatePem(String(pem), source)).toStrictEqual(material);
  });

  test("reads the older form PKCS#1", () => {
    const { material } = pairOf("RS256");
    const pem = createPrivateKey(pkcs8Pem(material.privateJwk)).export({ type: "pkcs1", format: "pem" });
    expect(readPrivatePem(String(pem), source)).toStrictEqual(material);
  });

  test("refuses an encrypted key, PKCS#8 or older", () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const locked = { format: "pem", cipher: "aes-256-cbc", passphrase: "secret" } as const;
    for (const pem of [
      privateKey.export({ type: "pkcs8", ...locked }),
      privateKey.export({ type: "sec1", ...locked }),
    ]) {
      expect(() => readPrivatePem(String(pem), source)).toThrow(refused("must not be encrypted"));
    }
  });

  const other = "must be RSA, Ed25519 or EC with P-256, P-384 or P-521, is";
  test.each([
    ["EC with secp256k1", generateKeyPairSync("ec", { namedCurve: "secp256k1" }), `${other} EC with secp256k1`],
    ["X25519", generateKeyPairSync("x25519"), `${other} x25519`],
    ["Ed448", generateKeyPairSync("ed448"), `${other} ed448`],
    ["DSA", generateKeyPairSync("dsa", { modulusLength: 2048, divisorLength: 256 }), `${other} dsa`],
    [
      "RSASSA-PSS",
      generateKeyPairSync("rsa-pss", { modulusLength: 2048 }),
      "must be marked rsaEncryption, is marked RSASSA-PSS, which no JWK can say: convert it",
    ],
  ])("and readPublicPem refuse %s", (_type, { privateKey, publicKey }, reason) => {
    expect(() => readPrivatePem(String(privateKey.export(pkcs8)), source)).toThrow(refused(reason));
    expect(() => readPublicPem(String(publicKey.export(spki)), source)).toThrow(refused(reason));
  });

  test("and readPublicPem refuse a weak RSA key", () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
    const reason = "key.n: must be a modulus of 2048 to 8192 bits, has 1024";
    expect(() => readPrivatePem(String(privateKey.export(pkcs8)), source)).toThrow(refused(reason));
    expect(() => readPublicPem(String(publicKey.export(spki)), source)).toThrow(refused(reason));
  });

  test.each([
    ["nothing", ""],
    ["something else", "hello"],
    ["a damaged key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"],
    ["a public key", spkiPem(pairOf("ES256").material.publicJwk)],
  ])("refuses %s", (_what, text) => {
    expect(() => readPrivatePem(text, source)).toThrow(refused("must be a private key in PEM, such as PKCS#8"));
  });
});

describe("readPublicPem", () => {
  test("reads the older form PKCS#1", () => {
    const { material } = pairOf("RS256");
    const pem = createPublicKey(spkiPem(material.publicJwk)).export({ type: "pkcs1", format: "pem" });
    expect(readPublicPem(String(pem), source)).toStrictEqual(material.publicJwk);
  });

  test("refuses a private key, although its public half could be read off it", () => {
    const reason = "must be a public key, holds a private one";
    expect(() => readPublicPem(pkcs8Pem(pairOf("ES256").material.privateJwk), source)).toThrow(refused(reason));
  });

  test.each([
    ["nothing", ""],
    ["a damaged key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"],
  ])("refuses %s", (_what, text) => {
    expect(() => readPublicPem(text, source)).toThrow(refused("must be a public key in PEM, such as SPKI"));
  });
});
