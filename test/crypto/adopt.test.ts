import { createPrivateKey } from "node:crypto";
import { describe, expect, test } from "vitest";
import { isAdoptable, readAdoptable } from "../../src/crypto/adopt.ts";
import { pkcs8Pem, spkiPem } from "../../src/crypto/pem.ts";
import { signerObject, type Files } from "../../src/crypto/objects.ts";
import { ChangeNeededError } from "../../src/errors/keyturn-error.ts";
import { algorithms, type Algorithm } from "../../src/ring/key.ts";
import { at, changed, gone, type Json, type JsonPath } from "../support/documents.ts";
import { pairOf, realRing, secretsOf, type Pair } from "../support/keys.ts";
import { epoch } from "../support/story.ts";

const context = { createdAtMs: epoch };

const threeFiles = ({ material }: Pair, kid = "old-key\n"): Files => ({
  "signing.pem": pkcs8Pem(material.privateJwk),
  "public.pem": spkiPem(material.publicJwk),
  kid,
});

async function refusal(files: Files, secrets: readonly string[] = []): Promise<string> {
  const failure: unknown = await readAdoptable(files, context).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ChangeNeededError);
  const { code, message, cause } = failure as ChangeNeededError;
  expect(code).toBe("NotAdoptable");
  expect(cause).toBeUndefined();
  for (const secret of secrets) expect(message).not.toContain(secret.slice(0, 8));
  return message.replace(/^Cannot adopt keys: /, "");
}

/** RSA pairs are made on first use, on a machine that may be busy. */
const timeout = 60_000;

describe("isAdoptable", () => {
  test.each([
    [["signing.pem", "public.pem", "kid"], true],
    [["kid", "signing.pem", "public.pem"], true],
    [["private-jwks.json"], true],
    [[], false],
    [["signing.pem", "kid"], false],
    [["signing.pem", "public.pem", "kid", "tls.crt"], false],
    [["private-jwks.json", "kid"], false],
    [["jwks.json"], false],
  ])("goes by the names alone: %j is %j", (names, expected) => {
    expect(isAdoptable(Object.fromEntries(names.map((name) => [name, ""])))).toBe(expected);
  });

  test("never takes our own signer object for somebody else's key", () => {
    const { ring, materials } = realRing();
    expect(isAdoptable(signerObject(ring, materials))).toBe(false);
  });
});

describe("readAdoptable of the three files", { timeout }, () => {
  test.each<readonly [Algorithm, Algorithm]>([
    ["ES256", "ES256"],
    ["ES384", "ES384"],
    ["ES512", "ES512"],
    ["EdDSA", "EdDSA"],
  ])("takes over a key of %s under its old kid", async (algorithm, expected) => {
    const pair = pairOf(algorithm);
    expect(await readAdoptable(threeFiles(pair), { ...context, algorithm: "PS384" })).toStrictEqual({
      signer: { kid: "old-key", thumbprint: pair.kid, algorithm: expected, createdAtMs: epoch },
      verifyOnly: [],
      materials: new Map([["old-key", pair.material]]),
    });
  });

  test.each<readonly [Algorithm | undefined, Algorithm]>([
    [undefined, "RS256"],
    ["ES256", "RS256"],
    ["RS512", "RS512"],
    ["PS256", "PS256"],
  ])("takes over an RSA key where the rotation says %s as %s", async (algorithm, expected) => {
    const { signer } = await readAdoptable(threeFiles(pairOf("RS256")), {
      ...context,
      ...(algorithm && { algorithm }),
    });
    const { kid: thumbprint } = pairOf("RS256");
    const facts = { algorithm: expected, modulusBits: 2048, createdAtMs: epoch, isPresumed: true };
    expect(signer).toStrictEqual({ kid: "old-key", thumbprint, ...facts });
  });

  test("reads the older PEM forms", async () => {
    const pair = pairOf("ES256");
    const sec1 = createPrivateKey(pkcs8Pem(pair.material.privateJwk)).export({ type: "sec1", format: "pem" });
    const { materials } = await readAdoptable({ ...threeFiles(pair), "signing.pem": String(sec1) }, context);
    expect(materials.get("old-key")).toStrictEqual(pair.material);
  });

  const pair = pairOf("ES256");
  const kid = "kid: must be a text of 1 to 256 characters without control characters";
  const clean = "kid: must be UTF-8 without a byte order mark, invisible characters, or white space around it";
  test.each<readonly [string, Partial<Record<"signing.pem" | "public.pem" | "kid", string>>, string]>([
    ["an empty kid", { kid: "\n" }, `${kid}, is ""`],
    ["a kid of two lines", { kid: "a\nb\n" }, `${kid}, is "a\\nb"`],
    ["a kid that is too long", { kid: "k".repeat(257) }, `${kid}, is a text of 257 characters`],
    [
      "a private key in place of the kid",
      { kid: pkcs8Pem(pair.material.privateJwk) },
      `${kid}, is what looks like a private key`,
    ],
    ...["\uFEFFold-key", "old-key\uFEFF", "old\u200Bkey", "old\uFFFDkey", " old-key", "old-key\u00A0"].map(
      (text) => [`the kid ${JSON.stringify(text)}`, { kid: text }, clean] as const,
    ),
    ["no key", { "signing.pem": "" }, "signing.pem: must be a private key in PEM, such as PKCS#8"],
    ["no public key", { "public.pem": "x" }, "public.pem: must be a public key in PEM, such as SPKI"],
    [
      "the private key as public.pem",
      { "public.pem": pkcs8Pem(pair.material.privateJwk) },
      "public.pem: must be a public key, holds a private one",
    ],
    [
      "halves of two keys",
      { "public.pem": spkiPem(pairOf("ES256", 1).material.publicJwk) },
      "public.pem: must be the public half of signing.pem",
    ],
  ])("refuses %s", async (_what, change, message) => {
    expect(await refusal({ ...threeFiles(pair), ...change }, secretsOf([pair.material]))).toBe(message);
  });

  test("refuses other files", async () => {
    const rule = "files: must be exactly signing.pem, public.pem and kid, or exactly private-jwks.json";
    expect(await refusal({ ...threeFiles(pair), more: "" })).toBe(rule);
    expect(await refusal({})).toBe(rule);
  });
});

describe("readAdoptable of private-jwks.json", { timeout }, () => {
  const pairs = [pairOf("ES256", 0), pairOf("PS512", 0), pairOf("EdDSA", 0)] as const;
  const document: Json = {
    keys: pairs.map(({ algorithm, material: { publicJwk, privateJwk } }, i) => ({
      kid: `k${i}`,
      alg: algorithm,
      ...(i === 0 ? privateJwk : publicJwk),
    })),
  };
  const filesOf = (set: Json): Files => ({ "private-jwks.json": JSON.stringify(set) });

  test("takes over the first key as the signer, the others to be verified", async () => {
    expect(await readAdoptable(filesOf(document), context)).toStrictEqual({
      signer: { kid: "k0", thumbprint: pairs[0].kid, algorithm: "ES256", createdAtMs: epoch },
      verifyOnly: [
        { kid: "k1", thumbprint: pairs[1].kid, algorithm: "PS512", modulusBits: 2048, createdAtMs: epoch },
        { kid: "k2", thumbprint: pairs[2].kid, algorithm: "EdDSA", createdAtMs: epoch },
      ],
      materials: new Map<string, unknown>([
        ["k0", pairs[0].material],
        ["k1", { publicJwk: pairs[1].material.publicJwk }],
        ["k2", { publicJwk: pairs[2].material.publicJwk }],
      ]),
    });
  });

  test.each(algorithms)("takes over what our own signer object says: %s", async (algorithm) => {
    const { ring, materials } = realRing(algorithm);
    const set = signerObject(ring, materials)["private-jwks.json"] ?? "";
    const { signer, verifyOnly } = await readAdoptable({ "private-jwks.json": set }, context);
    expect(signer).toMatchObject({ kid: ring.signer.kid, algorithm });
    expect(verifyOnly.map((key) => key.kid)).toStrictEqual([ring.standby?.kid, ...ring.retiring.map((key) => key.kid)]);
  });

  test("ignores members that it does not need", async () => {
    const more = changed(changed(document, ["keys", 0, "x5t"], "a"), ["issuer"], "b");
    await expect(readAdoptable(filesOf(more), context)).resolves.toMatchObject({ signer: { kid: "k0" } });
  });

  const known = algorithms.join(", ");
  test.each<readonly [JsonPath, Json | typeof gone, string]>([
    [["keys"], gone, "$.keys: is missing"],
    [["keys"], [], "$.keys: must have at least one item"],
    [["keys"], Array.from({ length: 15 }, () => 0), "$.keys: must have at most 14 items, has 15"],
    [["keys", 1, "kid"], gone, "$.keys[1].kid: is missing"],
    [["keys", 1, "alg"], gone, "$.keys[1].alg: is missing"],
    [["keys", 1, "alg"], "HS256", `$.keys[1].alg: must be one of ${known}, is "HS256"`],
    [["keys", 1, "alg"], "ES256", "$.keys[1]: must be a key of type EC with P-256 for ES256, is RSA"],
    [["keys", 1, "use"], "enc", '$.keys[1].use: must be sig, is "enc"'],
    [["keys", 1, "kid"], "k0", '$.keys[1].kid: must be unique, "k0" stands in $.keys[0] too'],
    [["keys", 0, "d"], gone, "$.keys[0]: must have its private half: the first key signs"],
    [["keys", 0, "d"], "AAAA", "$.keys[0].d: must be 32 bytes as base64url without padding"],
    [
      ["keys", 0, "d"],
      pairOf("ES256", 1).material.privateJwk.d,
      "$.keys[0]: must sign what the public half verifies: the halves do not fit",
    ],
    [["keys", 0, "y"], at(pairOf("ES256", 1).material.publicJwk, ["y"]), "$.keys[0]: must be a point of its curve"],
    [
      ["keys", 2, "d"],
      pairOf("EdDSA", 0).material.privateJwk.d,
      "$.keys[2]: must have no private half: only the first key signs",
    ],
    [["keys", 1, "qi"], "AQ", "$.keys[1]: must have no private half: only the first key signs"],
    [["keys", 1, "oth"], [], "$.keys[1]: must have no private half: only the first key signs"],
  ])("refuses %j = %j", async (path, value, message) => {
    const secrets = secretsOf(pairs.map(({ material }) => material));
    expect(await refusal(filesOf(changed(document, path, value)), secrets)).toBe(`private-jwks.json: ${message}`);
  });

  test.each([
    ["n, e and d alone", ["p", "q", "dp", "dq", "qi"], "p"],
    ["no CRT exponents", ["dp", "dq", "qi"], "dp"],
  ])("refuses an RSA key with %s, and says what is missing", async (_what, names, missing) => {
    const { algorithm, material } = pairOf("RS256");
    const left = Object.entries(material.privateJwk).filter(([name]) => !names.includes(name));
    const set: Json = { keys: [{ kid: "k0", alg: algorithm, ...Object.fromEntries(left) }] };
    expect(await refusal(filesOf(set), secretsOf([material]))).toBe(
      `private-jwks.json: $.keys[0].${missing}: is missing`,
    );
  });

  test("refuses one RSA key for two algorithms, under one kid and under two", async () => {
    const { publicJwk } = pairs[1].material;
    const again = (kid: string): Json => changed(document, ["keys", 2], { kid, alg: "RS256", ...publicJwk });
    expect(await refusal(filesOf(again("k1")))).toBe(
      'private-jwks.json: $.keys[2].kid: must be unique, "k1" stands in $.keys[1] too',
    );
    expect(await refusal(filesOf(again("k2")))).toBe(
      "private-jwks.json: $.keys[2]: must be unique, the same key stands in $.keys[1] too",
    );
  });

  test("refuses one key under two kids", async () => {
    const { publicJwk } = pairs[0].material;
    const set = changed(document, ["keys", 1], { kid: "twin", alg: "ES256", ...publicJwk });
    expect(await refusal(filesOf(set))).toBe(
      "private-jwks.json: $.keys[1]: must be unique, the same key stands in $.keys[0] too",
    );
  });

  test("refuses what is no JSON without quoting it", async () => {
    const text = JSON.stringify(document);
    const secrets = secretsOf([pairs[0].material]);
    expect(await refusal({ "private-jwks.json": text.slice(0, -3) }, secrets)).toBe(
      "private-jwks.json: $: must be JSON",
    );
  });
});
