import { describe, expect, test } from "vitest";
import { readKeySet, type TrustedSet } from "../../src/jwt/key-set.ts";
import { algorithms, type Algorithm } from "../../src/ring/key.ts";
import { pairOf } from "../support/keys.ts";
import { policy } from "../support/story.ts";

const { issuer, audiences } = policy.profile;
const read = (keys: unknown, only: readonly Algorithm[] = algorithms): TrustedSet =>
  readKeySet(JSON.stringify({ keys }), {
    ...{ issuer, audiences, algorithms: only },
    ...{ maxTTLMs: Infinity, clockSkewMs: 60_000 },
  });

const [ec, rsa, ed] = [pairOf("ES256"), pairOf("RS256"), pairOf("EdDSA")];
const jwk = ({ kid, material }: typeof ec, more: object = {}): object => ({ ...material.publicJwk, kid, ...more });
const good = jwk(ec, { alg: "ES256" });
const algorithmsOf = ({ keys }: TrustedSet): readonly Algorithm[] => keys.map(({ profile }) => profile.algorithm);

describe("readKeySet", () => {
  test("gives each key the issuer's profile, and twice the clock skew", () => {
    const { kid, material } = ec;
    expect(read([good])).toEqual({
      keys: [
        {
          ...{ kid, publicJwk: material.publicJwk, leewayMs: 120_000 },
          profile: { algorithm: "ES256", issuer, audiences, maxTTLMs: Infinity },
        },
      ],
      problems: [],
    });
  });

  test.each<{
    readonly what: string;
    readonly key: object;
    readonly only?: readonly Algorithm[];
    readonly is: Algorithm;
  }>([
    { what: "what it says", key: jwk(rsa, { alg: "PS512" }), is: "PS512" },
    { what: "that of its curve", key: jwk(ec), is: "ES256" },
    { what: "EdDSA for Ed25519", key: jwk(ed), is: "EdDSA" },
    { what: "RS256 for RSA", key: jwk(rsa), is: "RS256" },
    { what: "the one RSA algorithm that is trusted", key: jwk(rsa), only: ["ES256", "PS256"], is: "PS256" },
    { what: "RS256 where two are trusted", key: jwk(rsa), only: ["PS256", "RS256"], is: "RS256" },
  ])("a key serves one algorithm: $what", ({ key, only, is }) => {
    expect(algorithmsOf(read([key], only))).toEqual([is]);
  });

  test.each<[what: string, key: object]>([
    ["for encryption", jwk(rsa, { use: "enc" })],
    ["for other operations", jwk(rsa, { key_ops: ["encrypt"] })],
    ["of an algorithm that is not trusted", jwk(rsa, { alg: "RS512" })],
  ])("passes over a key without a word: %s", (_, key) => {
    expect(read([key, good], ["ES256", "RS256"])).toMatchObject({ keys: [{ kid: ec.kid }], problems: [] });
  });

  test.each<[what: string, key: unknown, problem: string]>([
    ["no object", "key", "must be an object"],
    ["a type that nobody knows", { kty: "AKP", kid: "a" }, "$.keys[0].kty: must be one of"],
    ["a curve that nobody knows", { kty: "EC", crv: "secp256k1", kid: "a" }, "$.keys[0].crv: must be one of"],
    ["no kid", { ...jwk(rsa), kid: undefined }, "$.keys[0].kid: is missing"],
    ["a kid that is a number", { ...jwk(rsa), kid: 1 }, "$.keys[0].kid: must be a text"],
    ["another use", jwk(rsa, { use: "tls" }), "$.keys[0].use: must be sig"],
    ["an algorithm of another type", jwk(rsa, { alg: "ES256" }), "must be a key of type EC with P-256 for ES256"],
    ["an algorithm that nobody knows", jwk(rsa, { alg: "RSA-OAEP" }), "$.keys[0].alg: must be one of"],
    ["an RSA key that is too short", { kty: "RSA", kid: "a", e: "AQAB", n: "AQAB" }, "must be a modulus of 2048"],
    ["no point of its curve", { ...jwk(ec), kid: "a", y: jwkX(ec) }, "must be a point of its curve"],
    ["a shared secret", { kty: "oct", kid: "a", k: "c2VjcmV0" }, "must be public"],
  ])("passes over a key that can't be used, and says why: %s", (_, key, problem) => {
    const { keys, problems } = read([key, good]);
    expect(keys.map(({ kid }) => kid)).toEqual([ec.kid]);
    expect(problems).toEqual([expect.stringContaining(problem)]);
  });

  test("never takes a key whose private half was published, and never shows it", () => {
    const { keys, problems } = read([{ ...rsa.material.privateJwk, kid: rsa.kid }, good]);
    expect(keys.map(({ kid }) => kid)).toEqual([ec.kid]);
    expect(problems).toEqual([expect.stringContaining("a key whose private half is known is nobody's")]);
    const { d } = rsa.material.privateJwk;
    expect(problems.join()).not.toContain(d);
  });

  test("no key is an answer, too; keys of which none is any good are not", () => {
    expect(read([])).toEqual({ keys: [], problems: [] });
    expect(() => read([jwk(rsa, { use: "enc" })])).toThrow(
      "Cannot read key set: $.keys: must have a key that can verify",
    );
  });

  test("refuses a set in which one kid names two keys: it would be the order that decides", () => {
    expect(() => read([good, jwk({ ...rsa, kid: ec.kid })])).toThrow("$.keys[1].kid: must be unique");
  });

  test("one key may have two names", () => {
    expect(read([good, { ...good, kid: "again" }]).keys).toHaveLength(2);
  });

  test.each<[what: string, text: string]>([
    ["no JSON", "keys"],
    ["no object", "[]"],
    ["no list", '{"keys":{}}'],
    ["101 keys", JSON.stringify({ keys: Array(101).fill(good) })],
    ["a name twice", '{"keys":[],"keys":[]}'],
  ])("refuses what is no set: %s", (_, text) => {
    const trusted = { issuer, audiences, algorithms, maxTTLMs: Infinity, clockSkewMs: 0 };
    expect(() => readKeySet(text, trusted)).toThrow("Cannot read key set: $");
  });
});

function jwkX({ material }: typeof ec): string {
  return material.publicJwk.kty === "EC" ? material.publicJwk.x : "";
}
