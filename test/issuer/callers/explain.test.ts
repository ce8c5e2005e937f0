import { describe, expect, test } from "vitest";
import { explain } from "../../../src/issuer/callers/explain.ts";
import { explainText } from "../../../src/issuer/callers/explain-text.ts";
import { claimsAt, newKey, tokenOf } from "../support/tokens.ts";
import { issuerWith, ruleWith, trustWith } from "../support/token-issuers.ts";

const key = newKey();
const nowMs = Date.parse("2026-11-30T07:00:00Z");
const config = issuerWith({
  trust: [
    trustWith({
      jwksURL: "https://partner.example/jwks",
      rules: [
        ruleWith({ name: "main", match: { sub: "repo:*", branch: ["main", "release-*"] } }),
        ruleWith({ name: "team", match: { sub: "**" }, subject: "team:{team}" }),
        ruleWith(),
      ],
    }),
  ],
});
const explained = (more: object) => explain(tokenOf(claimsAt(nowMs, more), key), config, nowMs);

describe("explain", () => {
  test("a token that fits: the rule that decides, and why the others before it do not", () => {
    expect(explained({ sub: "repo:shop", branch: "fix", team: "a" })).toEqual({
      issuer: '"https://partner.example"',
      subject: '"repo:shop"',
      audiences: ['"keyturn-issuer"'],
      trust: "partner",
      rule: "team",
      becomes: '"team:a"',
      rules: [
        { name: "main", fits: false, misfit: { claim: "branch", globs: ["main", "release-*"] } },
        { name: "team", fits: true },
        { name: "everybody", fits: true },
      ],
    });
  });

  test("a check that fails, and the rules all the same", () => {
    expect(explained({ aud: ["other", 1], sub: "anna" })).toMatchObject({
      failed: { check: "audience", must: "must be for an audience that is expected" },
      audiences: ['"other"'],
      trust: "partner",
      rules: [
        { name: "main", fits: false, misfit: { claim: "sub" } },
        { name: "team", fits: true, template: "team" },
        { name: "everybody", fits: true },
      ],
    });
  });

  test("an issuer that is not trusted has no rules", () => {
    const answer = explained({ iss: "https://evil.example" });
    expect(answer).toMatchObject({ failed: { check: "issuer" }, issuer: '"https://evil.example"', rules: [] });
    expect(answer).not.toHaveProperty("trust");
  });

  test("what is no token has only its first failure", () => {
    expect(explain("x", config, nowMs)).toEqual({
      failed: { check: "form", must: "must be a signed JWT in its compact form" },
      rules: [],
    });
  });

  test("shows nothing of the token that may be a secret, and no other claim", () => {
    const secret = "c2VjcmV0IG9mIHRlc3RzLCBsb25nIGVub3VnaCB0byBiZSBvbmU";
    const claims = { iss: secret, sub: secret, aud: [secret, "a"], branch: secret, email: "anna@example.com" };
    for (const more of [claims, { ...claims, iss: "https://partner.example" }]) {
      const text = JSON.stringify(explained(more));
      expect(text).toContain("a text of 51 characters");
      expect(text).not.toContain(secret);
      expect(text).not.toContain("anna");
    }
  });
});

describe("explainText", () => {
  test("says which rule decides, and what the others lack", () => {
    expect(explainText(explained({ sub: "repo:shop", branch: "fix", team: "a" }))).toEqual([
      'issuer    "https://partner.example", trusted as partner',
      'subject   "repo:shop"',
      'audiences "keyturn-issuer"',
      "rule      main: does not fit, branch must fit main or release-*",
      "rule      team: fits, and decides",
      "rule      everybody: fits",
      'answer    becomes "team:a", if its signature is good',
    ]);
  });

  test("says which check failed", () => {
    expect(explainText(explained({ iss: "https://evil.example", sub: "anna" }))).toEqual([
      'issuer    "https://evil.example"',
      'subject   "anna"',
      'audiences "keyturn-issuer"',
      'answer    refused by the check "issuer": must be of an issuer that is trusted',
    ]);
    expect(explainText(explained({ sub: "anna" }))).toContain(
      "rule      team: fits, but team makes no part of a subject",
    );
    expect(explainText(explain("x", config, nowMs))).toEqual([
      "issuer    none that can be read",
      'answer    refused by the check "form": must be a signed JWT in its compact form',
    ]);
  });
});
