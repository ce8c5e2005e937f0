import { describe, expect, test } from "vitest";
import { ChangeNeededError } from "../../src/errors/keyturn-error.ts";
import { tokenDepthLimit, refusalReasons, tokenLimit } from "../../src/jwt/reasons.ts";
import { RevokedSet } from "../../src/jwt/revoked-set.ts";
import { compileRing } from "../../src/jwt/verifier.ts";
import { pairOf } from "../support/keys.ts";
import { epoch, policy } from "../support/story.ts";
import {
  base64url,
  goodClaims,
  keyOf,
  maxTTL,
  now,
  reasonOf,
  ringOfAll,
  skew,
  tokenOf,
  verifierOf,
  type Parts,
} from "./support/world.ts";

const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);

/** A token as near below this many characters as base64url allows: no part has 1 mod 4 of them. */
function tokenOfLength(length: number): string {
  const [first = "", payload = "", last = ""] = tokenOf({ claims: { pad: "" } }).split(".");
  const room = Math.floor(((length - first.length - last.length - 2) * 3) / 4);
  return tokenOf({ claims: { pad: "x".repeat(room - Math.floor((payload.length * 3) / 4)) } });
}

type Row = readonly [what: string, parts: Parts, expected: string];

const headerRows: readonly Row[] = [
  ["typ JWT", { header: { typ: "JWT" } }, "ok"],
  ["typ at+jwt", { header: { typ: "at+jwt" } }, "ok"],
  ["typ in another case", { header: { typ: "At+JWT" } }, "ok"],
  ["typ as a whole media type", { header: { typ: "application/at+jwt" } }, "ok"],
  ["no typ", { header: { typ: undefined } }, "ok"],
  ["a typ of another kind of token", { header: { typ: "dpop+jwt" } }, "TypeNotAllowed"],
  ["a typ that is no text", { header: { typ: ["JWT"] } }, "TypeNotAllowed"],
  ["a typ of null", { header: { typ: null } }, "TypeNotAllowed"],
  ["an unknown member", { header: { "x-trace": "1" } }, "ok"],
  ["cty", { header: { cty: "text" } }, "ok"],
  ...["crit", "b64", "jwk", "jku", "x5u", "x5c", "zip", "enc"].map((name): Row => [
    `the member ${name}`,
    { header: { [name]: "1" } },
    "HeaderNotAllowed",
  ]),
  ...["x5t", "x5t#S256", "x5", "x5new"].map((name): Row => [
    `${name}, which brings no key`,
    { header: { [name]: "1" } },
    "ok",
  ]),
  ["alg by its fully specified name", { pair: keyOf("EdDSA"), header: { alg: "Ed25519" } }, "ok"],
  ["that name for a key of another type", { header: { alg: "Ed25519" } }, "AlgorithmMismatch"],
  ["members that only begin or end so", { header: { zipcode: 1, jwks: 1, precrit: 1 } }, "ok"],
  ["no kid", { header: { kid: undefined } }, "KidMissing"],
  ["a kid that is a number", { header: { kid: 1 } }, "KidMissing"],
  ["a kid that is a list", { header: { kid: [keyOf("ES256").kid] } }, "KidMissing"],
  ["an empty kid", { header: { kid: "" } }, "KidUnknown"],
  ["another kid", { header: { kid: "stranger" } }, "KidUnknown"],
  ["the kid of another key of the ring", { header: { kid: pairOf("ES256", 1).kid } }, "SignatureInvalid"],
  ["no alg", { header: { alg: undefined } }, "AlgorithmMismatch"],
  ["an alg that is a list", { header: { alg: ["ES256"] } }, "AlgorithmMismatch"],
  ["alg in another case", { header: { alg: "es256" } }, "AlgorithmMismatch"],
  ["an algorithm of another key of the ring", { header: { alg: "RS256" } }, "AlgorithmMismatch"],
  ["a header that lies as deep as is allowed", { header: { a: deep(tokenDepthLimit - 1) } }, "ok"],
  ["a header that lies deeper", { header: { a: deep(tokenDepthLimit) } }, "TooDeep"],
];

const claimRows: readonly Row[] = [
  ["another issuer", { claims: { iss: "https://evil.example" } }, "IssuerMismatch"],
  ["an issuer with a slash more", { claims: { iss: `${policy.profile.issuer}/` } }, "IssuerMismatch"],
  ["no issuer", { claims: { iss: undefined } }, "IssuerMismatch"],
  ["a list of issuers", { claims: { iss: [policy.profile.issuer] } }, "IssuerMismatch"],
  ["the profile's second audience", { claims: { aud: "admin" } }, "ok"],
  ["a list with one of its audiences", { claims: { aud: ["shop", "api"] } }, "ok"],
  ["another audience", { claims: { aud: "shop" } }, "AudienceMismatch"],
  ["a list of others", { claims: { aud: ["shop", "bank"] } }, "AudienceMismatch"],
  ["an empty list", { claims: { aud: [] } }, "AudienceMismatch"],
  ["no audience", { claims: { aud: undefined } }, "AudienceMismatch"],
  ["an audience of null", { claims: { aud: null } }, "ClaimInvalid"],
  ["an audience that is an object", { claims: { aud: { api: true } } }, "ClaimInvalid"],
  ["a list in which not all are texts", { claims: { aud: ["api", 1] } }, "ClaimInvalid"],
  ["no exp", { claims: { exp: undefined } }, "ClaimMissing"],
  ["no iat", { claims: { iat: undefined } }, "ok"],
  ["no nbf", { claims: { nbf: undefined } }, "ok"],
  ["an exp in words", { claims: { exp: `${now + 600}` } }, "ClaimInvalid"],
  ["an iat of null", { claims: { iat: null } }, "ClaimInvalid"],
  ["an nbf of null", { claims: { nbf: null } }, "ClaimInvalid"],
  ["a nbf that is a list", { claims: { nbf: [now] } }, "ClaimInvalid"],
  ["a sub that is a number", { claims: { sub: 1 } }, "ClaimInvalid"],
  ["no sub", { claims: { sub: undefined } }, "ok"],
  ["a jti that is an object", { claims: { jti: {} } }, "ClaimInvalid"],
  ["no jti", { claims: { jti: undefined } }, "ok"],
  ["an exp with a fraction", { claims: { exp: now + 0.5 } }, "ok"],
  ["claims that lie as deep as is allowed", { claims: { a: deep(tokenDepthLimit - 1) } }, "ok"],
  ["claims that lie deeper", { claims: { a: deep(tokenDepthLimit) } }, "TooDeep"],
  ["a claim called __proto__", { claims: `{"__proto__":{"iss":1},${JSON.stringify(goodClaims).slice(1)}` }, "ok"],
  ["a claim with a replacement character", { claims: { name: "\ufffd" } }, "ok"],
  ["a name with an emoji", { claims: { name: "Zoë 🦊" } }, "ok"],
];

/** Instants in seconds; the life is kept within maxTTL, so that one thing alone is tried. */
const timeRows: readonly Row[] = [
  ["exp: skew and a second ago", { claims: { iat: now - 600, exp: now - skew - 1 } }, "Expired"],
  ["exp: skew ago", { claims: { iat: now - 600, exp: now - skew } }, "Expired"],
  ["exp: a millisecond less than skew ago", { claims: { iat: now - 600, exp: now - skew + 0.001 } }, "ok"],
  ["nbf: a second less than skew ahead", { claims: { nbf: now + skew - 1 } }, "ok"],
  ["nbf: skew ahead", { claims: { nbf: now + skew } }, "ok"],
  ["nbf: a millisecond more than skew ahead", { claims: { nbf: now + skew + 0.001 } }, "NotYetValid"],
  ["iat: a second less than skew ahead", { claims: { iat: now + skew - 1 } }, "ok"],
  ["iat: skew ahead", { claims: { iat: now + skew } }, "ok"],
  ["iat: a millisecond more than skew ahead", { claims: { iat: now + skew + 0.001 } }, "IssuedInFuture"],
  ["a life a second below maxTTL", { claims: { exp: now + maxTTL - 1 } }, "ok"],
  ["a life of maxTTL", { claims: { exp: now + maxTTL } }, "ok"],
  ["a life a second above maxTTL", { claims: { exp: now + maxTTL + 1 } }, "LifetimeTooLong"],
  ["an iat long ago", { claims: { iat: 0 } }, "LifetimeTooLong"],
  ["no iat: maxTTL and skew are left", { claims: { iat: undefined, exp: now + maxTTL + skew } }, "ok"],
  [
    "no iat: a millisecond more is left",
    { claims: { iat: undefined, exp: now + maxTTL + skew + 0.001 } },
    "LifetimeTooLong",
  ],
  ["an infinite exp", { claims: JSON.stringify(goodClaims).replace(/"exp":\d+/, '"exp":1e999') }, "ClaimInvalid"],
];

describe("verify", () => {
  const verifier = verifierOf();

  test.each(["ES256", "ES384", "ES512", "EdDSA", "RS256", "RS512", "PS256", "PS512"] as const)(
    "accepts a token of an %s key, with its claims and kid",
    (algorithm) => {
      const pair = keyOf(algorithm);
      const verdict = verifier.verify(tokenOf({ pair }), epoch);
      expect(verdict).toEqual({ ok: true, kid: pair.kid, claims: goodClaims, expiresAtMs: epoch + 600_000 });
    },
  );

  test.each(["RS384", "PS384"] as const)("accepts a token of an %s key that signs", (algorithm) => {
    const pair = pairOf(algorithm);
    const signer = { ...ringOfAll().ring.signer, kid: pair.kid, profile: { ...policy.profile, algorithm } };
    const publicJwks = new Map([[pair.kid, pair.material.publicJwk]]);
    const other = compileRing({ ring: { ...ringOfAll().ring, signer }, publicJwks });
    expect(reasonOf(tokenOf({ pair }), other)).toBe("ok");
  });

  test("accepts a token of the standby: another gateway may already sign with it", () => {
    expect(reasonOf(tokenOf({ pair: pairOf("ES256", 1) }), verifier)).toBe("ok");
  });

  test.each(headerRows)("header with %s", (_, parts, expected) => {
    expect(reasonOf(tokenOf(parts), verifier)).toBe(expected);
  });

  test.each(claimRows)("claims with %s", (_, parts, expected) => {
    expect(reasonOf(tokenOf(parts), verifier)).toBe(expected);
  });

  test.each(timeRows)("time of %s", (_, parts, expected) => {
    expect(reasonOf(tokenOf(parts), verifier)).toBe(expected);
  });

  test("takes a token as long as the limit, and none that is longer", () => {
    const around = [-2, -1, 0, 1, 2].map((more) => tokenOfLength(tokenLimit + more));
    expect(around.map(({ length }) => length)).toContain(tokenLimit);
    expect(around.at(-1)?.length).toBeGreaterThan(tokenLimit);
    for (const token of around) expect(reasonOf(token, verifier)).toBe(token.length > tokenLimit ? "TooLarge" : "ok");
  });

  test.each(["", ".", "..", "...", "a", "a.b", "a.b.c", "e30.e30.", "e30.e30.e30"])("refuses %j", (token) => {
    expect(reasonOf(token, verifier)).toMatch(/^(Malformed|KidMissing)$/);
  });

  test("looks at the signature before the claims: until then they are anybody's words", () => {
    const parts: Parts = { claims: "no JSON", signature: () => Buffer.alloc(64, 1) };
    expect(reasonOf(tokenOf(parts), verifier)).toBe("SignatureInvalid");
    expect(reasonOf(tokenOf({ claims: "no JSON" }), verifier)).toBe("Malformed");
  });

  test("refuses everything on a clock that tells no number", () => {
    expect(reasonOf(tokenOf(), verifier, Number.NaN)).toBe("Expired");
  });

  test("has one stable object for each reason, and a row for each", () => {
    const seen = [...headerRows, ...claimRows, ...timeRows].map(([, , expected]) => expected);
    const elsewhere = ["TooLarge", "Malformed", "DuplicateMember", "Revoked", "KeyRevoked", "ScopeMissing"];
    expect(refusalReasons.filter((reason) => !seen.includes(reason) && !elsewhere.includes(reason))).toEqual([]);
    expect(verifier.verify("", epoch)).toBe(verifier.verify(".", epoch));
    expect(Object.isFrozen(verifier.verify("", epoch))).toBe(true);
  });
});

describe("verify with requirements", () => {
  const verifier = verifierOf();
  const token = tokenOf({ header: { typ: "at+jwt" }, claims: { scope: "read write", tenant: "acme", empty: null } });

  test.each([
    [{}, "ok"],
    [{ claims: [] }, "ok"],
    [{ claims: ["sub", "tenant"] }, "ok"],
    [{ claims: ["email"] }, "ClaimMissing"],
    [{ claims: ["empty"] }, "ClaimMissing"],
    [{ claims: ["constructor"] }, "ClaimMissing"],
    [{ claims: ["__proto__"] }, "ClaimMissing"],
    [{ scopes: [] }, "ok"],
    [{ scopes: ["read"] }, "ok"],
    [{ scopes: ["write", "read"] }, "ok"],
    [{ scopes: ["read", "admin"] }, "ScopeMissing"],
    [{ scopes: ["rea"] }, "ScopeMissing"],
    [{ scopes: ["read write"] }, "ScopeMissing"],
    [{ type: "at+jwt" as const }, "ok"],
    [{ type: "JWT" as const }, "TypeNotAllowed"],
    [{ type: "application/AT+JWT" }, "ok"],
    [{ types: ["JWT"] }, "TypeNotAllowed"],
    [{ types: ["JWT", "At+Jwt"] }, "ok"],
    [{ types: ["JWT"], type: "at+jwt" }, "ok"],
    [{ types: [] }, "TypeNotAllowed"],
    [{ claims: ["iat"] }, "ok"],
  ])("%j: %s", (required, expected) => {
    const verdict = verifier.verify(token, epoch, required);
    expect(verdict.ok ? "ok" : verdict.reason).toBe(expected);
  });

  test.each([
    ["no scope", {}, "ScopeMissing"],
    ["an empty scope", { scope: "" }, "ScopeMissing"],
    ["a scope that is a list", { scope: ["write", "read"] }, "ok"],
    ["a list without it", { scope: ["read write"] }, "ScopeMissing"],
    ["a list in which not all are texts", { scope: ["read", 1] }, "ClaimInvalid"],
    ["a scope that is an object", { scope: { read: true } }, "ClaimInvalid"],
  ])("a required scope, of a token with %s", (_, claims, expected) => {
    const verdict = verifier.verify(tokenOf({ claims }), epoch, { scopes: ["read"] });
    expect(verdict.ok ? "ok" : verdict.reason).toBe(expected);
  });

  test("types of other kinds of token, where they are allowed; one that has none stays good", () => {
    const logout = tokenOf({ header: { typ: "application/logout+jwt" } });
    const both = { types: ["JWT", "logout+jwt"] };
    expect(verifier.verify(logout, epoch, both)).toMatchObject({ ok: true });
    expect(verifier.verify(logout, epoch)).toEqual({ ok: false, reason: "TypeNotAllowed" });
    expect(verifier.verify(tokenOf({ header: { typ: undefined } }), epoch, both)).toMatchObject({ ok: true });
    // Learned with the types of one call, judged by those of another
    expect(verifier.verify(logout, epoch)).toEqual({ ok: false, reason: "TypeNotAllowed" });
  });

  test("a required iat, of a token without one", () => {
    const verdict = verifier.verify(tokenOf({ claims: { iat: undefined } }), epoch, { claims: ["iat"] });
    expect(verdict).toEqual({ ok: false, reason: "ClaimMissing" });
  });

  test("without iat a token that is remembered is judged by what is left of it", () => {
    const remembering = verifierOf();
    const young = tokenOf({ claims: { iat: undefined, exp: now + maxTTL + skew } });
    expect(reasonOf(young, remembering)).toBe("ok");
    expect(reasonOf(young, remembering, epoch - 1)).toBe("LifetimeTooLong");
  });

  test("a required type, of a token without one", () => {
    const verdict = verifier.verify(tokenOf({ header: { typ: undefined } }), epoch, { type: "JWT" });
    expect(verdict).toEqual({ ok: false, reason: "TypeNotAllowed" });
  });
});

describe("compileRing", () => {
  test("refuses keys that the ring revoked, and those that its caller names, whether the ring has them or not", () => {
    const { kid } = keyOf("ES256");
    const named = verifierOf({}, { revokedKids: [kid] });
    const gone = verifierOf({ retiring: [], revoked: [{ kid: keyOf("RS256").kid, revokedAtMs: epoch }] });
    expect(reasonOf(tokenOf(), named)).toBe("KeyRevoked");
    expect([...named.keys.keys()]).not.toContain(kid);
    expect(reasonOf(tokenOf({ pair: keyOf("RS256") }), gone)).toBe("KeyRevoked");
    expect(reasonOf(tokenOf({ pair: keyOf("EdDSA") }), gone)).toBe("KidUnknown");
  });

  test("is frozen", () => {
    expect(Object.isFrozen(verifierOf())).toBe(true);
  });

  test("refuses a key that is none of its profile's algorithm", () => {
    const { ring, publicJwks } = ringOfAll();
    const wrong = new Map([...publicJwks, [ring.signer.kid, keyOf("ES384").material.publicJwk] as const]);
    expect(() => compileRing({ ring, publicJwks: wrong })).toThrow(
      new ChangeNeededError(
        "KeyUnusable",
        `Cannot use key "${ring.signer.kid}": must be a key of type EC with P-256 for ES256, is EC with P-384`,
      ),
    );
  });

  test("takes a ring without the public half of a key as one without that key", () => {
    const { ring, publicJwks } = ringOfAll();
    const without = new Map([...publicJwks].filter(([kid]) => kid !== ring.signer.kid));
    expect(reasonOf(tokenOf(), compileRing({ ring, publicJwks: without }))).toBe("KidUnknown");
  });

  test("takes headers of other minters again and again, each by its own words", () => {
    const verifier = verifierOf({}, { cacheEntries: 0 });
    const other = tokenOf({ header: JSON.stringify({ kid: keyOf("EdDSA").kid, alg: "EdDSA" }), pair: keyOf("EdDSA") });
    for (let time = 0; time < 3; time++) {
      expect(reasonOf(other, verifier)).toBe("ok");
      expect(verifier.verify(other, epoch, { type: "JWT" })).toEqual({ ok: false, reason: "TypeNotAllowed" });
    }
    const [head = "", , signature = ""] = other.split(".");
    expect(reasonOf(`${head}.${base64url("{}")}.${signature}`, verifier)).toBe("SignatureInvalid");
  });
});

describe("verify with revocations", () => {
  const revoked = new RevokedSet();
  revoked.add({ kind: "token", value: goodClaims.jti, atMs: epoch, endsAtMs: epoch + 1 });
  const verifier = verifierOf({}, { revoked });

  test.each<[string, Parts, string]>([
    ["a revoked token", {}, "Revoked"],
    ["another token", { claims: { jti: "other" } }, "ok"],
    ["a revoked token that has ended", { claims: { exp: now - 2 * skew } }, "Expired"],
    ["one that says the same, and that nobody signed", { signature: () => Buffer.alloc(64, 1) }, "SignatureInvalid"],
  ])("%s", (_, parts, expected) => {
    expect(reasonOf(tokenOf(parts), verifier)).toBe(expected);
  });

  test("a revoked token whose grant is revoked, too, is not said to be the token alone", () => {
    const both = new RevokedSet();
    for (const [kind, value] of [
      ["token", goodClaims.jti],
      ["grant", "g1"],
    ] as const)
      both.add({ kind, value, atMs: epoch, endsAtMs: epoch + 1 });
    const token = tokenOf({ claims: { sid: "g1" } });
    expect(verifierOf({}, { revoked: both }).verify(token, epoch)).toEqual({ ok: false, reason: "Revoked" });
    expect(verifier.verify(token, epoch)).toMatchObject({ isTokenAlone: true });
  });

  test("a revoked token is no question of its scopes", () => {
    expect(verifier.verify(tokenOf(), epoch, { scopes: ["write"] })).toEqual({
      ok: false,
      reason: "Revoked",
      isTokenAlone: true,
    });
  });
});
