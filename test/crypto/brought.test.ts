import { describe, expect, test } from "vitest";
import { readPublicJwks } from "../../src/crypto/brought.ts";
import { publicObject } from "../../src/crypto/objects.ts";
import { ChangeNeededError } from "../../src/errors/keyturn-error.ts";
import { keysOf } from "../../src/ring/ring.ts";
import type { Json } from "../support/documents.ts";
import { pairOf, realRing } from "../support/keys.ts";
import { epoch } from "../support/story.ts";

const context = { createdAtMs: epoch };
const jwk = (kid: string, nth = 0, more: Readonly<Record<string, Json>> = {}): Json => ({
  kid,
  ...pairOf("ES256", nth).material.publicJwk,
  ...more,
});
const rsa: Json = { kid: "r", ...pairOf("RS256", 0).material.publicJwk };
const read = (keys: Json): ReturnType<typeof readPublicJwks> => readPublicJwks(JSON.stringify({ keys }), context);
const refused = (reason: string): Error => new ChangeNeededError("InvalidJwks", `Cannot read JWKS: ${reason}`);

describe("readPublicJwks", () => {
  test("gives the keys of a public object's jwks.json", () => {
    const { ring, materials } = realRing();
    const {
      keys,
      materials: brought,
      ignored,
    } = readPublicJwks(publicObject(ring, materials)["jwks.json"] ?? "", context);
    expect(keys.map(({ kid, algorithm }) => [kid, algorithm])).toStrictEqual(
      keysOf(ring).map(({ kid, profile }) => [kid, profile.algorithm]),
    );
    expect([...brought.values()]).toStrictEqual([...materials.values()].map(({ publicJwk }) => ({ publicJwk })));
    expect(ignored).toStrictEqual([]);
  });

  test("takes the algorithm from the type when alg is absent", () => {
    expect(read([jwk("e"), rsa]).keys).toStrictEqual([
      { kid: "e", thumbprint: pairOf("ES256").kid, algorithm: "ES256", createdAtMs: epoch },
      {
        kid: "r",
        thumbprint: pairOf("RS256").kid,
        algorithm: "RS256",
        modulusBits: 2048,
        createdAtMs: epoch,
        isPresumed: true,
      },
    ]);
  });

  test("takes an RSA key without alg for what the rotation says", () => {
    const { keys } = readPublicJwks(JSON.stringify({ keys: [rsa] }), { ...context, algorithm: "PS256" });
    expect(keys[0]?.algorithm).toBe("PS256");
  });

  test("leaves out what is for another use or of another type, and says so", () => {
    const { keys, ignored } = read([jwk("a", 0, { use: "enc" }), { kty: "AKP", kid: "d" }, jwk("f", 4)]);
    expect(keys.map(({ kid }) => kid)).toStrictEqual(["f"]);
    expect(ignored).toStrictEqual([
      "$.keys[0] signs no tokens of this kind: left out",
      "$.keys[1] signs no tokens of this kind: left out",
    ]);
  });

  test("refuses a set with keys that sign and can't be used, and names each", () => {
    const bad = [jwk("b", 1, { crv: "secp256k1" }), jwk("c", 2, { alg: "ES384" }), jwk("e", 3, { kid: "" })];
    const attempt = (): unknown => read([...bad, jwk("f", 4)]);
    for (const path of ["$.keys[0].crv", "$.keys[1]", "$.keys[2].kid"]) expect(attempt).toThrow(path);
    expect(attempt).toThrow("Take out of the set what is not to be verified");
  });

  test.each<readonly [string, Json, string]>([
    ["no set", {}, "$.keys: must be a list, is an object"],
    ["an empty set", [], "$.keys: must have at least one item"],
    ["a private key", [jwk("a", 0, { d: "AAAA" })], "$.keys[0]: must be public, holds a private or secret member"],
    [
      "a secret key",
      [jwk("a"), { kty: "oct", k: "AA" }],
      "$.keys[1]: must be public, holds a private or secret member",
    ],
    ["one kid twice", [jwk("a"), jwk("a", 1)], '$.keys[1].kid: must be unique, "a" stands in $.keys[0] too'],
    ["one key twice", [jwk("a"), jwk("b")], "$.keys[1]: must be unique, the same key stands in $.keys[0] too"],
    ["no usable key", [jwk("a", 0, { use: "enc" })], "$.keys: must have 1 to 14 keys that verify signatures, has 0"],
    [
      "too many keys",
      Array.from({ length: 15 }, (_, i) => jwk(`k${i}`, i)),
      "$.keys: must have 1 to 14 keys that verify signatures, has 15",
    ],
    ["far too many keys", Array.from({ length: 65 }, () => 0), "$.keys: must have at most 64 items, has 65"],
  ])("refuses %s", (_what, keys, message) => {
    expect(() => read(keys)).toThrow(refused(message));
  });

  test("takes as many keys as there is room for beside signer and standby", () => {
    expect(read(Array.from({ length: 14 }, (_, i) => jwk(`k${i}`, i))).keys).toHaveLength(14);
  });

  test.each(["", "[", "keys"])("refuses %j, which is no JSON", (text) => {
    expect(() => readPublicJwks(text, context)).toThrow(refused("$: must be JSON"));
  });
});
