import { describe, expect, test } from "vitest";
import { examine } from "../../../src/issuer/callers/examine.ts";
import { longestToken } from "../../../src/issuer/callers/read-foreign.ts";
import { claimsAt, macOf, newKey, tokenOf } from "../support/tokens.ts";
import { issuerWith, ruleWith, trustWith } from "../support/token-issuers.ts";

const key = newKey("k1");
const nowMs = Date.parse("2026-11-30T07:00:00Z");
const nowS = nowMs / 1000;
const source = { jwksURL: "https://partner.example/jwks" };

const { trust } = issuerWith({
  trust: [
    trustWith({ ...source, algorithms: ["ES256", "RS256"], audiences: ["keyturn-issuer", "second"], maxAge: "1h" }),
    trustWith({
      ...source,
      name: "picky",
      issuer: "picky",
      rules: [
        ruleWith({
          name: "main",
          match: { sub: "repo:acme/*:ref:refs/heads/main", owner: ["1", "2"] },
          subject: "main:{repo}",
        }),
        ruleWith({ name: "admins", match: { sub: "**", groups: "admins", verified: "true" }, subject: "{/user/name}" }),
      ],
    }),
  ],
});

const look = (token: string) => examine(token, trust, nowMs);
const lookAt = (more: object = {}, header: object | string = {}) => look(tokenOf(claimsAt(nowMs, more), key, header));
const without = (name: string) =>
  Object.fromEntries(Object.entries(claimsAt(nowMs)).filter(([member]) => member !== name));

describe("examine", () => {
  test("a good token", () => {
    expect(lookAt()).toMatchObject({
      trust: { name: "partner" },
      rule: { name: "everybody" },
      foreignSubject: "anna",
      subject: "ext:anna",
      expiresAtMs: nowMs + 600_000,
    });
  });

  test.each<[string, ReturnType<typeof lookAt>]>([
    ["with the type JWT", lookAt({}, { typ: "JWT" })],
    ["with the type of an access token", lookAt({}, { typ: "application/at+JWT" })],
    ["without a kid", lookAt({}, { kid: undefined })],
    ["with the thumbprint of a certificate, as Entra ID has it", lookAt({}, { x5t: "abc" })],
    ["for one of several audiences", lookAt({ aud: ["other", "second"] })],
    ["that has just expired, within the clocks' difference", lookAt({ exp: nowS - 59.9 })],
    ["that is valid from soon on, within the clocks' difference", lookAt({ nbf: nowS + 60, iat: nowS + 60 })],
    ["as old as is allowed", lookAt({ iat: nowS - 3660 })],
    ["with fractions of seconds", lookAt({ exp: nowS + 0.5, iat: nowS - 0.5 })],
  ])("a token %s is good", (_what, answer) => expect(answer).toMatchObject({ rule: { name: "everybody" } }));

  test.each<[what: string, check: string, answer: ReturnType<typeof lookAt>]>([
    ["nothing", "form", look("")],
    ["a text", "form", look("token")],
    ["four parts", "form", look(`${tokenOf(claimsAt(nowMs), key)}.x`)],
    ["no signature", "form", look(`${tokenOf(claimsAt(nowMs), key).split(".").slice(0, 2).join(".")}.`)],
    ["an encrypted one", "form", look("a.b.c.d.e")],
    ["one byte too much", "form", look("x".repeat(longestToken + 1))],
    ["claims that are a list", "form", look(tokenOf([], key))],
    ["claims that are no JSON", "form", look(tokenOf("{", key))],
    ["a claim twice", "form", look(tokenOf(JSON.stringify(claimsAt(nowMs)).replace("{", '{"sub":"root",'), key))],
    [
      "a claim twice, by an escape",
      "form",
      look(tokenOf(JSON.stringify(claimsAt(nowMs)).replace("{", '{"s\\u0075b":"root",'), key)),
    ],
    ["alg twice", "form", lookAt({}, '{"alg":"none","alg":"ES256"}')],
    ["padding", "form", look(tokenOf(claimsAt(nowMs), key).replace(".", "=."))],
    ["alg none", "header", lookAt({}, { alg: "none" })],
    ["alg None", "header", lookAt({}, { alg: "None" })],
    ["no alg", "header", lookAt({}, { alg: undefined })],
    ["alg as a list", "header", lookAt({}, { alg: ["ES256"] })],
    [
      "HS256 with the public key as the secret",
      "header",
      look(macOf(claimsAt(nowMs), JSON.stringify(key.publicJwk), { kid: "k1" })),
    ],
    ["an algorithm that this issuer may not use", "header", lookAt({}, { alg: "PS256" })],
    ["jku", "header", lookAt({}, { jku: "https://evil.example/jwks" })],
    ["x5u", "header", lookAt({}, { x5u: "https://evil.example/cert" })],
    ["x5c", "header", lookAt({}, { x5c: [] })],
    ["an embedded jwk", "header", lookAt({}, { jwk: key.publicJwk })],
    ["crit", "header", lookAt({}, { crit: ["exp"], exp: 1 })],
    ["b64", "header", lookAt({}, { b64: false })],
    ["a nested JWT", "header", lookAt({}, { cty: "JWT" })],
    ["a compressed one", "header", lookAt({}, { zip: "DEF" })],
    ["a logout token", "header", lookAt({}, { typ: "logout+jwt" })],
    ["a DPoP proof", "header", lookAt({}, { typ: "dpop+jwt" })],
    ["kid as a number", "header", lookAt({}, { kid: 1 })],
    ["another issuer", "issuer", lookAt({ iss: "https://evil.example" })],
    ["the issuer with a slash", "issuer", lookAt({ iss: "https://partner.example/" })],
    ["the issuer in another case", "issuer", lookAt({ iss: "https://PARTNER.example" })],
    ["the issuer in a list", "issuer", lookAt({ iss: ["https://partner.example"] })],
    ["no issuer", "issuer", look(tokenOf(without("iss"), key))],
    ["another audience", "audience", lookAt({ aud: "keyturn-issuer-2" })],
    ["a part of the audience", "audience", lookAt({ aud: "keyturn" })],
    ["no audience", "audience", look(tokenOf(without("aud"), key))],
    ["an empty list of audiences", "audience", lookAt({ aud: [] })],
    ["an audience beside an object", "audience", lookAt({ aud: ["keyturn-issuer", {}] })],
    ["an audience within a list in a list", "audience", lookAt({ aud: [["keyturn-issuer"]] })],
    ["the audience as a member", "audience", lookAt({ aud: { "keyturn-issuer": true } })],
    ["no subject", "subject", look(tokenOf(without("sub"), key))],
    ["an empty subject", "subject", lookAt({ sub: "" })],
    ["a subject with a line break", "subject", lookAt({ sub: "a\nb" })],
    ["a subject that is a number", "subject", lookAt({ sub: 1 })],
    ["a subject of 256 characters", "subject", lookAt({ sub: "a".repeat(256) })],
    ["no exp", "expiry", look(tokenOf(without("exp"), key))],
    ["exp as a text", "expiry", lookAt({ exp: String(nowS + 600) })],
    [
      "exp without end",
      "expiry",
      look(tokenOf(JSON.stringify(claimsAt(nowMs)).replace(/"exp":\d+/, '"exp":1e999'), key)),
    ],
    ["an expired one, beyond the clocks' difference", "expiry", lookAt({ exp: nowS - 60 })],
    ["nbf in the future", "not-before", lookAt({ nbf: nowS + 61 })],
    ["nbf as a text", "not-before", lookAt({ nbf: "0" })],
    ["iat in the future", "not-before", lookAt({ iat: nowS + 61 })],
    ["no iat", "age", look(tokenOf(without("iat"), key))],
    ["one that is too old", "age", lookAt({ iat: nowS - 3661 })],
  ])("%s fails at %s", (_what, check, answer) => expect(answer).toMatchObject({ failed: check }));
});

describe("examine: rules", () => {
  const picky = (more: object) => lookAt({ iss: "picky", ...more });

  test.each([
    ["the first that fits", { sub: "repo:acme/shop:ref:refs/heads/main", owner: 2, repo: "shop" }, "main", "main:shop"],
    [
      "the next one, by one of several groups",
      { sub: "x", groups: ["users", "admins"], verified: true, user: { name: "b" } },
      "admins",
      "b",
    ],
  ])("%s", (_what, claims, ...[rule, subject]) =>
    expect(picky(claims)).toMatchObject({ rule: { name: rule }, subject }),
  );

  test.each<[what: string, check: string, claims: object]>([
    ["another owner", "rule", { sub: "repo:acme/shop:ref:refs/heads/main", owner: "3" }],
    ["no owner", "rule", { sub: "repo:acme/shop:ref:refs/heads/main" }],
    ["an owner in an object", "rule", { sub: "repo:acme/shop:ref:refs/heads/main", owner: { id: "1" } }],
    ["an owner that is null", "rule", { sub: "repo:acme/shop:ref:refs/heads/main", owner: null }],
    [
      "a branch that is named like the ref",
      "rule",
      { sub: "repo:acme/shop:environment:a:ref:refs/heads/main", owner: "1" },
    ],
    ["no claim for the subject", "template", { sub: "repo:acme/shop:ref:refs/heads/main", owner: "1" }],
  ])("%s fails at %s", (_what, check, claims) => expect(picky(claims)).toMatchObject({ failed: check }));
});
