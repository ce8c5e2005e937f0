import { describe, expect, test } from "vitest";
import { VerifiedTokens } from "../../src/jwt/verified-tokens.ts";
import { RevokedSet } from "../../src/jwt/revoked-set.ts";
import { compileRing, type Verifier } from "../../src/jwt/verifier.ts";
import type { VerifyingKey } from "../../src/jwt/verifying-key.ts";
import { factsOf, pairOf } from "../support/keys.ts";
import { active } from "../support/rings.ts";
import { epoch, hour, minute, policy, second } from "../support/story.ts";
import { keyOf, now, reasonOf, ringOfAll, skew, tokenOf, verifierOf } from "./support/world.ts";

const limits = { entries: 2, characters: 100, lifeMs: hour };
const token = (characters = 10) => ({ characters });

describe("VerifiedTokens", () => {
  test("remembers as many as one generation takes, and as many from the one before", () => {
    const tokens = new VerifiedTokens(limits);
    for (const digest of ["a", "b", "c", "d"]) tokens.set(digest, token(), 0);
    expect(tokens.size).toBe(4);
    tokens.set("e", token(), 0);
    expect(["a", "b", "c", "d", "e"].filter((digest) => tokens.get(digest, 0))).toEqual(["c", "d", "e"]);
  });

  test("keeps what is asked for when its generation goes", () => {
    const tokens = new VerifiedTokens(limits);
    for (const digest of ["a", "b", "c"]) tokens.set(digest, token(), 0);
    expect(tokens.get("a", 0)).toBeDefined();
    expect(tokens.size).toBe(3);
    for (const digest of ["d", "e"]) tokens.set(digest, token(), 0);
    expect(["a", "b", "d"].map((digest) => tokens.get(digest, 0) !== undefined)).toEqual([true, false, true]);
  });

  test.each([
    [50, ["a", "b"]],
    [51, ["b"]],
  ])("is bounded by characters: two tokens of %d each, then one of 50", (characters, kept) => {
    const tokens = new VerifiedTokens({ ...limits, entries: 100 });
    tokens.set("a", token(characters), 0);
    tokens.set("b", token(characters), 0);
    tokens.set("c", token(50), 0);
    expect(["a", "b"].filter((digest) => tokens.get(digest, 0))).toEqual(kept);
  });

  test.each([
    [100, 1],
    [101, 0],
  ])("a token of %d characters: %d remembered", (characters, count) => {
    const tokens = new VerifiedTokens(limits);
    tokens.set("a", token(characters), 0);
    expect(tokens.size).toBe(count);
  });

  test.each([
    [hour - 1, 2],
    [hour, 2],
    [2 * hour - 1, 2],
  ])("what comes %d ms later drives out nothing younger than a token's life", (laterMs, count) => {
    const tokens = new VerifiedTokens(limits);
    tokens.set("a", token(), 0);
    tokens.set("b", token(), laterMs);
    expect(tokens.size).toBe(count);
  });

  test("what outlived every token goes when others come", () => {
    const tokens = new VerifiedTokens(limits);
    tokens.set("a", token(), 0);
    tokens.set("b", token(), hour);
    tokens.set("c", token(), 2 * hour);
    expect(tokens.get("a", 2 * hour)).toBeUndefined();
    expect(tokens.size).toBe(2);
  });

  test("forgets in both generations", () => {
    const tokens = new VerifiedTokens(limits);
    for (const digest of ["a", "b", "c"]) tokens.set(digest, token(), 0);
    for (const digest of ["a", "c"]) tokens.delete(digest);
    expect(tokens.size).toBe(1);
  });
});

/** How many tokens the verifier remembers. */
const remembered = (verifier: Verifier): number =>
  [...verifier.keys.values()].reduce((sum, key: VerifyingKey) => sum + key.remembered.size, 0);

describe("verify with what it remembers", () => {
  test("answers a token that comes again with the same frozen object", () => {
    const verifier = verifierOf();
    const token = tokenOf({ claims: { roles: [{ name: "admin" }] } });
    const verdict = verifier.verify(token, epoch);
    expect(verifier.verify(token, epoch + 1)).toBe(verdict);
    if (!verdict.ok) throw new Error(verdict.reason);
    const [role] = verdict.claims["roles"] as readonly object[];
    expect([verdict, verdict.claims, verdict.claims["roles"], role].every(Object.isFrozen)).toBe(true);
  });

  test("takes the same words under another signature for another token", () => {
    const verifier = verifierOf();
    const token = tokenOf();
    verifier.verify(token, epoch);
    const [head = "", payload = ""] = token.split(".");
    expect(reasonOf(`${head}.${payload}.${"A".repeat(85)}Q`, verifier)).toBe("SignatureInvalid");
    expect(remembered(verifier)).toBe(1);
  });

  test.each([
    ["a millisecond before exp and skew", 600 + skew - 0.001, "ok", 1],
    ["at exp and skew", 600 + skew, "Expired", 0],
  ])("looks at the time again, and forgets what expired: %s", (...[, seconds, expected, count]) => {
    const verifier = verifierOf();
    const token = tokenOf();
    verifier.verify(token, epoch);
    expect(reasonOf(token, verifier, epoch + seconds * second)).toBe(expected);
    expect(remembered(verifier)).toBe(count);
  });

  test("looks at iat and nbf again when the clock was set back, and forgets nothing for it", () => {
    const verifier = verifierOf();
    const [token, later] = [tokenOf(), tokenOf({ claims: { iat: now - 900, nbf: now } })];
    for (const one of [token, later]) verifier.verify(one, epoch);
    expect(reasonOf(token, verifier, epoch - skew * second - 1)).toBe("NotYetValid");
    expect(reasonOf(tokenOf({ claims: { nbf: undefined } }), verifier, epoch - skew * second - 1)).toBe(
      "IssuedInFuture",
    );
    expect(remembered(verifier)).toBe(2);
    expect(reasonOf(token, verifier)).toBe("ok");
  });

  test("looks at what is required again", () => {
    const verifier = verifierOf();
    const token = tokenOf({ claims: { scope: "read" } });
    expect(verifier.verify(token, epoch, { scopes: ["read"] }).ok).toBe(true);
    expect(verifier.verify(token, epoch, { scopes: ["write"] })).toEqual({ ok: false, reason: "ScopeMissing" });
    expect(verifier.verify(token, epoch, { type: "at+jwt" })).toEqual({ ok: false, reason: "TypeNotAllowed" });
  });

  test("asks about revocations each time, also about a token that it remembers", () => {
    const revoked = new RevokedSet();
    const verifier = verifierOf({}, { revoked });
    const token = tokenOf({ claims: { sid: "grant" } });
    expect(verifier.verify(token, epoch)).toBe(verifier.verify(token, epoch));
    revoked.add({ kind: "grant", value: "grant", atMs: epoch, endsAtMs: epoch + minute });
    expect(reasonOf(token, verifier)).toBe("Revoked");
    revoked.prune(epoch + minute);
    expect(reasonOf(token, verifier)).toBe("ok");
  });

  test("remembers nothing that is refused, and nothing at all when it is to", () => {
    const verifier = verifierOf();
    for (const claims of [{ exp: now - 900 }, { iss: "x" }, { nbf: now + 900 }])
      verifier.verify(tokenOf({ claims }), epoch);
    expect(remembered(verifier)).toBe(0);
    const off = verifierOf({}, { cacheEntries: 0 });
    const token = tokenOf();
    expect(off.verify(token, epoch)).not.toBe(off.verify(token, epoch));
    expect(remembered(off)).toBe(0);
  });
});

describe("compileRing after another ring", () => {
  const of = ringOfAll();
  const token = tokenOf();

  /** The ring that comes next, with another signer's profile or settings. */
  const next = (change: Parameters<typeof ringOfAll>[0], previous: Verifier): Verifier =>
    compileRing(ringOfAll(change), { previous });

  const warm = (): Verifier => {
    const verifier = compileRing(of);
    verifier.verify(token, epoch);
    return verifier;
  };

  test("keeps what its keys remember, whatever else changed", () => {
    const before = warm();
    const after = next({ generation: 101, retiring: [] }, before);
    expect(after.keys.get(of.ring.signer.kid)).toBe(before.keys.get(of.ring.signer.kid));
    expect(after.verify(token, epoch)).toBe(before.verify(token, epoch));
  });

  test("without the key refuses its tokens at once, and remembers them no more when it is back", () => {
    const before = warm();
    const { kid } = of.ring.signer;
    const after = compileRing(of, { previous: before, revokedKids: [kid] });
    expect(reasonOf(token, after)).toBe("KeyRevoked");
    expect(after.keys.has(kid)).toBe(false);
    expect(remembered(after)).toBe(0);
    expect(remembered(compileRing(of, { previous: after }))).toBe(0);
  });

  const signerWith = (change: Partial<typeof policy.profile>) => {
    const pair = keyOf("ES256");
    return { signer: active(pair.kid, { ...factsOf(pair), profile: { ...policy.profile, ...change } }) };
  };

  test.each([
    ["issuer", signerWith({ issuer: "https://other.example" }), "IssuerMismatch"],
    ["audiences", signerWith({ audiences: ["admin"] }), "AudienceMismatch"],
    ["audiences, as many", signerWith({ audiences: ["admin", "shop"] }), "AudienceMismatch"],
    ["number of audiences", signerWith({ audiences: [...policy.profile.audiences, "shop"] }), "ok"],
    ["maxTTL", signerWith({ maxTTLMs: 599 * second }), "LifetimeTooLong"],
    ["clock skew", { settings: { ...of.ring.settings, clockSkewMs: 2 * minute } }, "ok"],
  ])("judges anew by another %s", (_, change, expected) => {
    const before = warm();
    const after = next(change, before);
    expect(reasonOf(token, after)).toBe(expected);
    expect(after.keys.get(of.ring.signer.kid)).not.toBe(before.keys.get(of.ring.signer.kid));
  });

  test("judges anew by another algorithm for the same RSA key", () => {
    const rsa = keyOf("RS256");
    const signer = active(rsa.kid, factsOf(rsa));
    const publicJwks = new Map([[rsa.kid, rsa.material.publicJwk]]);
    const before = compileRing({ ring: { ...of.ring, retiring: [], signer }, publicJwks });
    const rsaToken = tokenOf({ pair: rsa });
    expect(reasonOf(rsaToken, before)).toBe("ok");
    const changed = { ...signer, profile: { ...signer.profile, algorithm: "PS256" as const } };
    const after = compileRing(
      { ring: { ...of.ring, retiring: [], signer: changed }, publicJwks },
      { previous: before },
    );
    expect(reasonOf(rsaToken, after)).toBe("AlgorithmMismatch");
    expect(reasonOf(tokenOf({ pair: { ...rsa, algorithm: "PS256" } }), after)).toBe("ok");
  });

  test("judges anew by other material under the same kid", () => {
    const other = new Map([...of.publicJwks, [of.ring.signer.kid, pairOf("ES256", 5).material.publicJwk] as const]);
    expect(reasonOf(token, compileRing({ ...of, publicJwks: other }, { previous: warm() }))).toBe("SignatureInvalid");
  });
});
