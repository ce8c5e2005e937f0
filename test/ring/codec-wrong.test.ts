import { describe, expect, test } from "vitest";
import { decodeKeyRing, encodeKeyRing, type RingObject } from "../../src/ring/codec.ts";
import { sizeLimit } from "../../src/parse/document.ts";
import { ChangeNeededError } from "../../src/errors/keyturn-error.ts";
import { at, changed, gone, type Json, type JsonPath } from "../support/documents.ts";
import { pairOf, realRing } from "../support/keys.ts";
import { epoch, hour, minute } from "../support/story.ts";

/** Keys: 0 active ES256, 1 prepared ES256, 2 verify-only RS256 with its private half, 3 verify-only EdDSA without. */
const { ring, materials } = realRing("ES256", {
  revoked: [
    { kid: "stolen", revokedAtMs: epoch, reason: "laptop stolen" },
    { kid: "lost", revokedAtMs: epoch },
  ],
  revokedBefore: { requestedMs: epoch + hour, effectiveMs: epoch },
  longerMaxAge: { maxAgeMs: 15 * minute, loweredAtMs: epoch },
  handledRequests: ["spec:1"],
});
const documents = {
  ring: JSON.parse(encodeKeyRing(ring, materials, "ring")) as Json,
  signer: JSON.parse(encodeKeyRing(ring, materials, "signer")) as Json,
  public: JSON.parse(encodeKeyRing(ring, materials, "public")) as Json,
};
const { publicJwk, privateJwk } = pairOf("ES256", 0).material;
const other = pairOf("ES256", 5).material;
const rsa = pairOf("RS256", 7).material.publicJwk as { n: string; e: string };
const ed = pairOf("EdDSA", 7).material.publicJwk;
const p384 = pairOf("ES384", 0).material.publicJwk;

const base64url = (...bytes: readonly number[]): string => Buffer.from(bytes).toString("base64url");
const bytesOf = (text: string): readonly number[] => [...Buffer.from(text, "base64url")];
/** A modulus of so many bits, odd unless told. */
const modulus = (bits: number, last = 1): string => {
  const bytes = Math.ceil(bits / 8);
  return base64url(2 ** ((bits - 1) % 8), ...Array.from({ length: bytes - 2 }, () => 0), last);
};
const many = <T>(count: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, i) => make(i));

function messageOf(text: string, object: RingObject): string {
  try {
    decodeKeyRing(text, object);
  } catch (error) {
    expect(error).toBeInstanceOf(ChangeNeededError);
    const { code, message, cause } = error as ChangeNeededError;
    expect(code).toBe("RingUnreadable");
    expect(cause).toBeUndefined();
    return message.replace(/^Cannot read key ring: /, "");
  }
  return "it was read";
}

type Row = readonly [path: string, value: Json | typeof gone, message: string];

/** `keys[2].publicJwk.n` as steps. */
const steps = (path: string): JsonPath =>
  path === ""
    ? []
    : path
        .split(/[.[\]]+/)
        .filter((s) => s !== "")
        .map((s) => (/^\d+$/.test(s) ? Number(s) : s));

const check = (object: RingObject, [path, value, message]: Row): void => {
  expect(messageOf(JSON.stringify(changed(documents[object], steps(path), value)), object)).toBe(message);
};

const whole = (least: number): string => `must be a whole number from ${least} to`;
const instantMust = "must be an instant such as 2026-11-21T03:00:00.000Z";
const curveMust = "must be one of P-256, P-384, P-521";
const stateMust = "must be one of prepared, active, verify-only";
const bytes32 = "must be 32 bytes as base64url without padding";
const positive = "must be a positive number as base64url without padding or leading zeros";
const name = (most: number): string => `must be a text of 1 to ${most} characters without control characters`;
const known = ["ES256", "ES384", "ES512", "EdDSA", "Ed25519", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
const algorithmMust = `must be one of ${known.join(", ")}`;

describe("decodeKeyRing refuses a document", () => {
  test.each<Row>([
    ["", null, "$: must be an object, is null"],
    ["", [], "$: must be an object, is a list"],
    ["", "text", '$: must be an object, is "text"'],
    ["format", gone, "$.format: is missing"],
    ["format", "keyturn.dev/keyring/v2", '$.format: must be keyturn.dev/keyring/v1, is "keyturn.dev/keyring/v2"'],
    ["format", 1, "$.format: must be keyturn.dev/keyring/v1, is 1"],
    ["colour", "red", "$.colour: is not known"],
    ["a b", 1, '$["a b"]: is not known'],
    ["x".repeat(32), 1, `$.${"x".repeat(32)}: is not known`],
    ["x".repeat(33), 1, "$[a name of 33 characters]: is not known"],
    ["rotation", gone, "$.rotation: is missing"],
    ["rotation.namespace", "", `$.rotation.namespace: ${name(253)}, is ""`],
    ["rotation.name", 7, `$.rotation.name: ${name(253)}, is 7`],
    ["rotation.uid", "1", "$.rotation.uid: is not known"],
    ["generation", 0, `$.generation: ${whole(1)} 9007199254740991, is 0`],
    ["generation", -1, `$.generation: ${whole(1)} 9007199254740991, is -1`],
    ["generation", 1.5, `$.generation: ${whole(1)} 9007199254740991, is 1.5`],
    ["generation", 2 ** 53, `$.generation: ${whole(1)} 9007199254740991, is 9007199254740992`],
    ["generation", "100", `$.generation: ${whole(1)} 9007199254740991, is "100"`],
    ["generation", null, `$.generation: ${whole(1)} 9007199254740991, is null`],
    ["settings.clockSkewSeconds", -1, `$.settings.clockSkewSeconds: ${whole(0)} 9007199254740, is -1`],
    ["settings.clockSkewSeconds", "60", `$.settings.clockSkewSeconds: ${whole(0)} 9007199254740, is "60"`],
    ["settings.jwksMaxAgeSeconds", gone, "$.settings.jwksMaxAgeSeconds: is missing"],
    ["settings.mintMaxTTLSeconds", 0, `$.settings.mintMaxTTLSeconds: ${whole(1)} 9007199254740, is 0`],
    [
      "settings.rotationWindowSeconds",
      9007199254741,
      `$.settings.rotationWindowSeconds: ${whole(0)} 9007199254740, is 9007199254741`,
    ],
    ["settings.mode", "fast", "$.settings.mode: is not known"],
    ["handledRequests", "spec:1", '$.handledRequests: must be a list, is "spec:1"'],
    ["handledRequests[0]", "", '$.handledRequests[0]: must be a text of 1 to 1024 characters, is ""'],
    ["handledRequests", many(17, String), "$.handledRequests: must have at most 16 items, has 17"],
  ])("with a wrong member at the top: %s = %j", (...row) => {
    check("ring", row);
  });

  test.each<Row>([
    ["keys", {}, "$.keys: must be a list, is an object"],
    ["keys", [], "$.keys: must have exactly one active key, has none"],
    ["keys", many(17, () => null), "$.keys: must have at most 16 items, has 17"],
    ["keys[0]", null, "$.keys[0]: must be an object, is null"],
    ["keys[0].state", "retired", '$.keys[0].state: must be one of prepared, active, verify-only, is "retired"'],
    ["keys[0].state", gone, "$.keys[0].state: is missing"],
    ["keys[0].keyId", "a", "$.keys[0].keyId: is not known"],
    ["keys[0].kid", gone, "$.keys[0].kid: is missing"],
    ["keys[0].kid", "", `$.keys[0].kid: ${name(256)}, is ""`],
    ["keys[0].kid", "k".repeat(257), `$.keys[0].kid: ${name(256)}, is a text of 257 characters`],
    ["keys[0].kid", "a\nb", `$.keys[0].kid: ${name(256)}, is "a\\nb"`],
    ["keys[2].kid", ring.signer.kid, "$.keys[2].kid: must be unique, a text of 43 characters stands in $.keys[0] too"],
    ["keys[0].createdAt", gone, "$.keys[0].createdAt: is missing"],
    ["keys[0].createdAt", "2026-11-21T03:00:00Z", `$.keys[0].createdAt: ${instantMust}, is "2026-11-21T03:00:00Z"`],
    [
      "keys[0].createdAt",
      "2026-11-21T03:00:00.000+00:00",
      `$.keys[0].createdAt: ${instantMust}, is "2026-11-21T03:00:00.000+00:00"`,
    ],
    [
      "keys[0].createdAt",
      "2026-02-30T03:00:00.000Z",
      `$.keys[0].createdAt: ${instantMust}, is "2026-02-30T03:00:00.000Z"`,
    ],
    [
      "keys[0].createdAt",
      "2026-11-21T24:00:00.000Z",
      `$.keys[0].createdAt: ${instantMust}, is "2026-11-21T24:00:00.000Z"`,
    ],
    [
      "keys[0].createdAt",
      "+010000-01-01T00:00:00.000Z",
      `$.keys[0].createdAt: ${instantMust}, is "+010000-01-01T00:00:00.000Z"`,
    ],
    ["keys[0].state", "x".repeat(32), `$.keys[0].state: ${stateMust}, is "${"x".repeat(32)}"`],
    ["keys[0].state", "x".repeat(33), `$.keys[0].state: ${stateMust}, is a text of 33 characters`],
    ["keys[0].createdAt", 1795230000000, `$.keys[0].createdAt: ${instantMust}, is 1795230000000`],
    ["keys[0].publishedAt", null, `$.keys[0].publishedAt: ${instantMust}, is null`],
    ["keys[0].adoptedAt", true, `$.keys[0].adoptedAt: ${instantMust}, is true`],
    ["keys[0].waitSeconds", -1, `$.keys[0].waitSeconds: ${whole(0)} 9007199254740, is -1`],
    ["keys[0].activatedAt", gone, "$.keys[0].activatedAt: is missing"],
    ["keys[0].windowSeconds", gone, "$.keys[0].windowSeconds: is missing"],
    ["keys[0].quiescedAt", "2026-11-21T03:00:00.000Z", "$.keys[0].quiescedAt: must be absent while the key is active"],
    ["keys[0].demotedInGeneration", 1, "$.keys[0].demotedInGeneration: must be absent while the key is active"],
    ["keys[1].windowSeconds", 1, "$.keys[1].windowSeconds: must be absent while the key is prepared"],
    ["keys[1].activatedAt", null, "$.keys[1].activatedAt: must be absent while the key is prepared"],
    ["keys[2].demotedAt", gone, "$.keys[2].demotedAt: is missing"],
    ["keys[2].demotedInGeneration", 0, `$.keys[2].demotedInGeneration: ${whole(1)} 9007199254740991, is 0`],
    ["keys[2].demotedInGeneration", 101, "$.keys[2].demotedInGeneration: must be at most the ring's generation, 100"],
    ["keys[0].profile.algorithm", "HS256", `$.keys[0].profile.algorithm: ${algorithmMust}, is "HS256"`],
    ["keys[0].profile.algorithm", "none", `$.keys[0].profile.algorithm: ${algorithmMust}, is "none"`],
    ["keys[0].profile.issuer", "", `$.keys[0].profile.issuer: ${name(2048)}, is ""`],
    ["keys[0].profile.audiences", [], "$.keys[0].profile.audiences: must have at least one item"],
    ["keys[0].profile.audiences[1]", 1, `$.keys[0].profile.audiences[1]: ${name(2048)}, is 1`],
    ["keys[0].profile.maxTTLSeconds", 0, `$.keys[0].profile.maxTTLSeconds: ${whole(1)} 9007199254740, is 0`],
    ["keys[0].profile.scope", "a", "$.keys[0].profile.scope: is not known"],
  ])("with a wrong fact about a key: %s = %j", (...row) => {
    check("ring", row);
  });

  test("without an active key", () => {
    const keys = [as("prepared", keyAt("ring", 0))];
    check("ring", ["keys", keys, "$.keys: must have exactly one active key, has none"]);
  });

  test("with two active keys", () => {
    const second = { ...keyAt("ring", 1), state: "active", activatedAt: "2026-11-21T03:00:00.000Z", windowSeconds: 1 };
    check("ring", ["keys[1]", second, "$.keys[1].state: must be unique, $.keys[0] is active too"]);
  });

  test("with two prepared keys", () => {
    const second = as("prepared", keyAt("ring", 2));
    check("ring", ["keys[2]", second, "$.keys[2].state: must be unique, $.keys[1] is prepared too"]);
  });

  test.each<Row>([
    ["revoked[0]", "k", '$.revoked[0]: must be an object, is "k"'],
    ["revoked[0].kid", gone, "$.revoked[0].kid: is missing"],
    ["revoked[0].kid", ring.signer.kid, "$.revoked[0].kid: must not be among the keys, $.keys[0] has it"],
    ["revoked[1].kid", "stolen", '$.revoked[1].kid: must be unique, "stolen" stands in $.revoked[0] too'],
    ["revoked[0].revokedAt", gone, "$.revoked[0].revokedAt: is missing"],
    [
      "revoked[0].reason",
      "x".repeat(1025),
      "$.revoked[0].reason: must be a text of 0 to 1024 characters, is a text of 1025 characters",
    ],
    ["revoked[0].reason", 1, "$.revoked[0].reason: must be a text of 0 to 1024 characters, is 1"],
    [
      "revoked[0].thumbprint",
      "",
      '$.revoked[0].thumbprint: must be a text of 1 to 256 characters without control characters, is ""',
    ],
    ["revoked[0].by", "me", "$.revoked[0].by: is not known"],
    ["revoked", many(257, String), "$.revoked: must have at most 256 items, has 257"],
    ["revokedBefore", "now", '$.revokedBefore: must be an object, is "now"'],
    ["revokedBefore.requested", gone, "$.revokedBefore.requested: is missing"],
    [
      "revokedBefore.effective",
      "2026-11-21T01:00:00.001Z",
      "$.revokedBefore.effective: must not be later than requested",
    ],
    ["revokedBefore.by", 1, "$.revokedBefore.by: is not known"],
    ["longerMaxAge.maxAgeSeconds", 0, `$.longerMaxAge.maxAgeSeconds: ${whole(1)} 9007199254740, is 0`],
    ["longerMaxAge.loweredAt", gone, "$.longerMaxAge.loweredAt: is missing"],
    ["longerMaxAge.raisedAt", 1, "$.longerMaxAge.raisedAt: is not known"],
  ])("with a wrong revocation or a wrong memory: %s = %j", (...row) => {
    check("ring", row);
  });

  test.each<Row>([
    ["keys[0].publicJwk", gone, "$.keys[0].publicJwk: is missing"],
    ["keys[0].publicJwk.kty", "oct", '$.keys[0].publicJwk.kty: must be one of EC, OKP, RSA, is "oct"'],
    ["keys[0].publicJwk.crv", "secp256k1", `$.keys[0].publicJwk.crv: ${curveMust}, is "secp256k1"`],
    ["keys[3].publicJwk.crv", "Ed448", '$.keys[3].publicJwk.crv: must be Ed25519, is "Ed448"'],
    ["keys[0].publicJwk.alg", "ES256", "$.keys[0].publicJwk.alg: is not known"],
    ["keys[0].publicJwk.kid", "a", "$.keys[0].publicJwk.kid: is not known"],
    ["keys[0].publicJwk.d", "AAAA", "$.keys[0].publicJwk.d: is not known"],
    ["keys[0].publicJwk.y", gone, "$.keys[0].publicJwk.y: is missing"],
    ["keys[0].publicJwk.x", base64url(...many(31, () => 1)), `$.keys[0].publicJwk.x: ${bytes32}`],
    ["keys[0].publicJwk.x", base64url(...many(33, () => 1)), `$.keys[0].publicJwk.x: ${bytes32}`],
    ["keys[0].publicJwk.x", `${base64url(...many(32, () => 1))}=`, `$.keys[0].publicJwk.x: ${bytes32}`],
    ["keys[0].publicJwk.x", `${"A".repeat(42)}B`, `$.keys[0].publicJwk.x: ${bytes32}`],
    ["keys[0].publicJwk.x", `${"A".repeat(42)}+`, `$.keys[0].publicJwk.x: ${bytes32}`],
    ["keys[0].publicJwk.x", 1, `$.keys[0].publicJwk.x: ${bytes32}`],
    ["keys[3].publicJwk.x", "AAAA", `$.keys[3].publicJwk.x: ${bytes32}`],
    ["keys[0].publicJwk", p384, "$.keys[0].publicJwk: must be a key of type EC with P-256 for ES256, is EC with P-384"],
    [
      "keys[0].profile.algorithm",
      "ES512",
      "$.keys[0].publicJwk: must be a key of type EC with P-521 for ES512, is EC with P-256",
    ],
    [
      "keys[0].profile.algorithm",
      "EdDSA",
      "$.keys[0].publicJwk: must be a key of type OKP with Ed25519 for EdDSA, is EC with P-256",
    ],
    [
      "keys[0].profile.algorithm",
      "PS256",
      "$.keys[0].publicJwk: must be a key of type RSA for PS256, is EC with P-256",
    ],
    [
      "keys[2].profile.algorithm",
      "ES384",
      "$.keys[2].publicJwk: must be a key of type EC with P-384 for ES384, is RSA",
    ],
    ["keys[1].publicJwk", publicJwk, "$.keys[1].privateJwk: must have the public members of publicJwk"],
    ["keys[2].publicJwk.n", modulus(1024), "$.keys[2].publicJwk.n: must be a modulus of 2048 to 8192 bits, has 1024"],
    ["keys[2].publicJwk.n", modulus(2047), "$.keys[2].publicJwk.n: must be a modulus of 2048 to 8192 bits, has 2047"],
    ["keys[2].publicJwk.n", modulus(8193), "$.keys[2].publicJwk.n: must be a modulus of 2048 to 8192 bits, has 8193"],
    ["keys[2].publicJwk.n", modulus(2048, 2), "$.keys[2].publicJwk.n: must be odd: the product of two odd primes"],
    ["keys[2].publicJwk.n", base64url(0, ...bytesOf(rsa.n)), `$.keys[2].publicJwk.n: ${positive}`],
    ["keys[2].publicJwk.n", "", `$.keys[2].publicJwk.n: ${positive}`],
    ["keys[2].publicJwk.e", "AQ", "$.keys[2].publicJwk.e: must be an odd number from 3 up of at most 64 bits"],
    ["keys[2].publicJwk.e", "AQAC", "$.keys[2].publicJwk.e: must be an odd number from 3 up of at most 64 bits"],
    [
      "keys[2].publicJwk.e",
      base64url(1, 0, 0, 0, 0, 0, 0, 0, 1),
      "$.keys[2].publicJwk.e: must be an odd number from 3 up of at most 64 bits",
    ],
    ["keys[2].publicJwk.e", "AAEAAQ", `$.keys[2].publicJwk.e: ${positive}`],
    ["keys[2].publicJwk.e", "AQABA", `$.keys[2].publicJwk.e: ${positive}`],
    ["keys[2].publicJwk.e", "AA", `$.keys[2].publicJwk.e: ${positive}`],
  ])("with a wrong public half: %s = %j", (...row) => {
    check("ring", row);
  });

  test("with one key under two kids", () => {
    const twin = { ...as("prepared", keyAt("public", 0)), kid: "twin" };
    check("public", ["keys[1]", twin, "$.keys[1].publicJwk: must be unique, the same key stands in $.keys[0] too"]);
  });

  test.each<Row>([
    ["keys[1].privateJwk", gone, "$.keys[1]: must have a privateJwk: it is prepared to sign"],
    ["keys[0].privateJwk", null, "$.keys[0].privateJwk: must be an object, is null"],
    ["keys[0].privateJwk.d", gone, "$.keys[0].privateJwk.d: is missing"],
    ["keys[0].privateJwk.d", "AAAA", `$.keys[0].privateJwk.d: ${bytes32}`],
    ["keys[0].privateJwk.ext", true, "$.keys[0].privateJwk.ext: is not known"],
    ["keys[0].privateJwk", other.privateJwk, "$.keys[0].privateJwk: must have the public members of publicJwk"],
    ["keys[0].privateJwk", { ...privateJwk, kty: "OKP", crv: "Ed25519" }, "$.keys[0].privateJwk.y: is not known"],
    ["keys[2].privateJwk.qi", gone, "$.keys[2].privateJwk.qi: is missing"],
    ["keys[2].privateJwk.oth", [], "$.keys[2].privateJwk.oth: is not known"],
    ["keys[2].privateJwk.dp", "AA", `$.keys[2].privateJwk.dp: ${positive}`],
    ["keys[2].privateJwk.dp", "", `$.keys[2].privateJwk.dp: ${positive}`],
  ])("with a wrong private half: %s = %j", (...row) => {
    check("ring", row);
  });

  test("but takes a kid of 256 characters and a reason of 1024", () => {
    const called = { ...keyAt("public", 3), kid: "k".repeat(256) };
    check("public", ["keys[3]", called, "it was read"]);
    check("ring", ["revoked[0].reason", "x".repeat(1024), "it was read"]);
  });

  test("of the signer object with another private half than the signer's", () => {
    const message = "must be absent: only the active key has its private half here";
    check("signer", ["keys[1].privateJwk", keyAt("ring", 1)["privateJwk"] ?? null, `$.keys[1].privateJwk: ${message}`]);
    check("signer", ["keys[2].privateJwk", keyAt("ring", 2)["privateJwk"] ?? null, `$.keys[2].privateJwk: ${message}`]);
  });

  test.each<Row>([
    ["keys[0].privateJwk", privateJwk, "$.keys[0].privateJwk: is private and must not be public"],
    ["keys[0].publicJwk.d", "AAAA", "$.keys[0].publicJwk.d: is private and must not be public"],
    ["keys[3].publicJwk", { ...ed, q: 1 }, "$.keys[3].publicJwk.q: is private and must not be public"],
    ["revoked[0].oth", [], "$.revoked[0].oth: is private and must not be public"],
    ["settings.k", 1, "$.settings.k: is private and must not be public"],
    ["rotation.deep", [{}, [{ qi: 1 }]], "$.rotation.deep[1][0].qi: is private and must not be public"],
    ["format", { dp: 1 }, "$.format.dp: is private and must not be public"],
    ["revoked[0].reason", "laptop", "$.revoked[0].reason: is not known"],
  ])("of the public object with something private: %s", (...row) => {
    check("public", row);
  });
});

describe("decodeKeyRing refuses a text", () => {
  const text = JSON.stringify(documents.ring);

  test.each([
    ["that is empty", "", "$: must be JSON"],
    ["that is cut short", text.slice(0, -1), "$: must be JSON"],
    ["with something behind it", `${text}x`, "$: must be JSON"],
    ["with a byte order mark", `\ufeff${text}`, "$: must be JSON"],
    ["with NaN", text.replace('"generation":100', '"generation":NaN'), "$: must be JSON"],
    [
      "with a number that overflows",
      text.replace('"generation":100', '"generation":1e999'),
      `$.generation: ${whole(1)} 9007199254740991, is Infinity`,
    ],
    [
      "with minus zero",
      text.replace('"clockSkewSeconds":60', '"clockSkewSeconds":-0'),
      `$.settings.clockSkewSeconds: must be a whole number from 0 to ${Math.floor(Number.MAX_SAFE_INTEGER / 1000)}, is -0`,
    ],
    [
      "with a member that stands twice",
      text.replace("{", '{"generation":1,'),
      "$.generation: must stand once, stands twice",
    ],
    [
      "with a member that stands twice in other writing",
      text.replace('"kid":', '"\\u006bid":"a","kid":'),
      "$.keys[0].kid: must stand once, stands twice",
    ],
    [
      "with a member that stands twice behind a text with quotes and brackets",
      text.replace('"issuer":', '"issuer":"\\\\\\"}{][,:","issuer":'),
      "$.keys[0].profile.issuer: must stand once, stands twice",
    ],
    ["with __proto__", text.replace("{", '{"__proto__":{"generation":1},'), "$.__proto__: is not known"],
    ["with __proto__ in place of a member", text.replace('"settings":', '"__proto__":'), "$.__proto__: is not known"],
    ["with constructor", text.replace('"generation":100', '"constructor":100'), "$.constructor: is not known"],
    ["that is nested deeply", "[".repeat(500_000) + "]".repeat(500_000), "$: must not be deeper than 64"],
  ])("%s", (_name, wrong, message) => {
    expect(messageOf(wrong, "ring")).toBe(message);
  });

  test("over 1 MiB of UTF-8, counted before it is parsed", () => {
    const room = sizeLimit - Buffer.byteLength(text);
    expect(messageOf(text + " ".repeat(room), "ring")).toBe("it was read");
    expect(messageOf(text + " ".repeat(room + 1), "ring")).toBe(
      "$: must measure at most 1048576 bytes, measures 1048577",
    );
  });

  test.each([
    ["é", 2],
    ["€", 3],
    ["\ud7ff", 3],
    ["\ue000", 3],
    ["\uffff", 3],
    ["🔑", 4],
    ["\u{10000}", 4],
    ["\u{10ffff}", 4],
  ])("whose characters take more than one byte: %s takes %i", (character, bytes) => {
    const count = sizeLimit / 4;
    expect(Buffer.byteLength(character)).toBe(bytes);
    const size = bytes * count + (sizeLimit - count);
    expect(messageOf(character.repeat(count) + " ".repeat(sizeLimit - count), "ring")).toBe(
      `$: must measure at most 1048576 bytes, measures ${size}`,
    );
  });
});

function keyAt(object: RingObject, index: number): Readonly<Record<string, Json>> {
  return at(documents[object], ["keys", index]) as Readonly<Record<string, Json>>;
}

/** The key without what only another state has. */
function as(state: "prepared", key: Readonly<Record<string, Json>>): Readonly<Record<string, Json>> {
  const others = ["activatedAt", "windowSeconds", "demotedAt", "demotedInGeneration", "quiescedAt"];
  return { ...Object.fromEntries(Object.entries(key).filter(([name]) => !others.includes(name))), state };
}
