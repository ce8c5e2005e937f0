import { describe, expect, it } from "vitest";
import { revocationKinds, RevokedSet, type TokenRevocation } from "../../src/jwt/revoked-set.ts";

const atMs = 1_800_000_000_500;
const endsAtMs = atMs + 3_600_000;
const second = Math.floor(atMs / 1000);
const revocation = (kind: TokenRevocation["kind"], value: string): TokenRevocation => ({ kind, value, atMs, endsAtMs });

function setOf(...all: readonly TokenRevocation[]): RevokedSet {
  const set = new RevokedSet();
  for (const one of all) set.add(one);
  return set;
}

describe("RevokedSet", () => {
  it.each<[string, TokenRevocation, Readonly<Record<string, unknown>>]>([
    ["a token of the grant", revocation("grant", "g"), { sid: "g", iat: second + 100 }],
    ["the one token", revocation("token", "t"), { jti: "t" }],
    ["a subject's token of the second before", revocation("subject", "s"), { sub: "s", iat: second - 1 }],
    ["a subject's token of the same second", revocation("subject", "s"), { sub: "s", iat: second }],
    ["a subject's token that does not say when", revocation("subject", "s"), { sub: "s" }],
  ])("has %s: %j, %j", (_, one, claims) => {
    expect(setOf(one).has(claims)).toBe(true);
  });

  it.each<[string, TokenRevocation, Readonly<Record<string, unknown>>]>([
    ["a token of another grant", revocation("grant", "g"), { sid: "h", iat: second }],
    ["a token without a grant", revocation("grant", "g"), { iat: second }],
    ["a grant's id in another claim", revocation("grant", "g"), { jti: "g", sub: "g" }],
    ["a claim that is no text", revocation("grant", "1"), { sid: 1 }],
    ["another token", revocation("token", "t"), { jti: "u" }],
    ["a subject's token of the second after", revocation("subject", "s"), { sub: "s", iat: second + 1 }],
    ["another subject's token", revocation("subject", "s"), { sub: "t", iat: second - 1 }],
  ])("has not %s: %j, %j", (_, one, claims) => {
    expect(setOf(one).has(claims)).toBe(false);
  });

  it("keeps the later of two of one kind and value, in whatever order they come", () => {
    const later = { ...revocation("subject", "s"), atMs: atMs + 10_000, endsAtMs: endsAtMs + 10_000 };
    for (const all of [
      [later, revocation("subject", "s")],
      [revocation("subject", "s"), later],
    ]) {
      const set = setOf(...all);
      expect(set.has({ sub: "s", iat: second + 10 })).toBe(true);
      set.prune(endsAtMs);
      expect(set.size).toBe(1);
    }
  });

  it("forgets one when its last token has ended, and not before", () => {
    const set = setOf(revocation("grant", "g"), { ...revocation("token", "t"), endsAtMs: endsAtMs + 1 });
    set.prune(endsAtMs - 1);
    expect(set.size).toBe(2);
    set.prune(endsAtMs);
    expect([set.size, set.has({ sid: "g" }), set.has({ jti: "t" })]).toEqual([1, false, true]);
  });

  it("is empty until something is revoked, and when all of it is over", () => {
    for (const kind of revocationKinds) {
      const set = new RevokedSet();
      expect(set.isEmpty).toBe(true);
      set.add(revocation(kind, "a"));
      expect(set.isEmpty).toBe(false);
      set.prune(endsAtMs);
      expect(set.isEmpty).toBe(true);
    }
  });
});
