import { describe, expect, test } from "vitest";
import { RuleError, TryLaterError } from "../../src/errors/keyturn-error.ts";
import type { MintRequest } from "../../src/jwt/mint-request.ts";
import { reservedClaims } from "../../src/jwt/mint-request.ts";
import { compileMinter, type Minted, type Minter, type MintTimes } from "../../src/jwt/minter.ts";
import { tokenLimit } from "../../src/jwt/reasons.ts";
import type { Ring } from "../../src/ring/ring.ts";
import { pairOf } from "../support/keys.ts";
import { settings } from "../support/rings.ts";
import { epoch, hour, minute, second } from "../support/story.ts";
import { keyOf, maxTTL, now, privateKeyOf, ringOfAll, verifierOf } from "./support/world.ts";

const pair = keyOf("ES256");
const half = { kid: pair.kid, key: privateKeyOf(pair) };

function minterOf(change: Partial<Ring> = {}): Minter {
  let ids = 0;
  const minter = compileMinter({ ring: ringOfAll(change).ring, half }, { newId: () => `id-${++ids}` });
  if (!minter) throw new TypeError("There is no minter");
  return minter;
}

const mint = (request: Partial<MintRequest> = {}, times: Partial<MintTimes> = {}, minter = minterOf()): Minted =>
  minter.mint({ subject: "alice", ...request }, { nowMs: epoch, notAfterMs: Infinity, ...times });

const partsOf = ({ token }: Minted): readonly unknown[] =>
  token
    .split(".")
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, "base64url").toString()) as unknown);

const claimsOf = (minted: Minted): Readonly<Record<string, unknown>> => partsOf(minted)[1] as Record<string, unknown>;

/** Seconds from iat to exp. */
const lifeOf = (minted: Minted): number => Number(claimsOf(minted)["exp"]) - Number(claimsOf(minted)["iat"]);

/** The code of the error that minting ends with. */
function codeOf(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    if (error instanceof RuleError || error instanceof TryLaterError) return `${error.name} ${error.code}`;
    throw error;
  }
  return "none";
}

describe("mint", () => {
  test("makes a token that says what was asked for, and the minter's own claims", () => {
    const minted = mint({ claims: { scope: "read", roles: ["admin"] } });
    expect(minted).toMatchObject({ kid: pair.kid, expiresAtMs: epoch + hour });
    expect(partsOf(minted)).toEqual([
      { alg: "ES256", typ: "JWT", kid: pair.kid },
      {
        scope: "read",
        roles: ["admin"],
        iss: "https://issuer.example",
        sub: "alice",
        aud: "api",
        exp: now + 3600,
        iat: now,
        jti: "id-1",
      },
    ]);
  });

  test("makes a token that our verifier accepts, also at the first and the last millisecond of its life", () => {
    const verifier = verifierOf({ settings: { ...settings, clockSkewMs: 0 } });
    const { token, expiresAtMs } = mint({}, { nowMs: epoch + 999 });
    expect(verifier.verify(token, epoch + 999).ok).toBe(true);
    expect(verifier.verify(token, expiresAtMs - 1).ok).toBe(true);
    expect(verifier.verify(token, expiresAtMs)).toEqual({ ok: false, reason: "Expired" });
  });

  test("says at+jwt when asked to", () => {
    expect(partsOf(mint({ type: "at+jwt" }))[0]).toMatchObject({ typ: "at+jwt" });
  });

  test("gives each token an id of its own", () => {
    const minter = minterOf();
    expect([mint({}, {}, minter), mint({}, {}, minter)].map((one) => claimsOf(one)["jti"])).toEqual(["id-1", "id-2"]);
  });

  test.each([
    [epoch - 1, now - 1],
    [epoch, now],
    [epoch + 1, now],
    [epoch + 999, now],
    [epoch + 1000, now + 1],
  ])(
    "at %d iat is %d: the second that has begun, never one to come; without nbf, which a clock behind would refuse",
    (nowMs, iat) => {
      expect(claimsOf(mint({}, { nowMs }))).toMatchObject({ iat, exp: iat + maxTTL });
      expect(claimsOf(mint({}, { nowMs }))).not.toHaveProperty("nbf");
    },
  );

  test.each([
    [1 * second, 1],
    [10 * minute, 600],
    [hour - second, 3599],
    [hour, 3600],
    [hour + second, 3600],
    [Number.MAX_SAFE_INTEGER - (Number.MAX_SAFE_INTEGER % 1000), 3600],
    [undefined, 3600],
  ])("asked for %d ms a token lives %d s: the profile's maxTTL caps it", (ttlMs, life) => {
    expect(lifeOf(mint(ttlMs === undefined ? {} : { ttlMs }))).toBe(life);
  });

  test.each([
    [10 * minute - second, 599],
    [10 * minute, 600],
    [hour + second, 3600],
  ])("settings that allow %d ms: %d s, at once and without a new key", (mintMaxTTLMs, life) => {
    expect(lifeOf(mint({}, {}, minterOf({ settings: { ...settings, mintMaxTTLMs } })))).toBe(life);
  });

  test.each([0, 999, -1000, 1500, Number.NaN, Number.POSITIVE_INFINITY])("refuses to live for %d ms", (ttlMs) => {
    expect(codeOf(() => mint({ ttlMs }))).toBe("RuleError TtlOutOfRange");
  });

  test.each([
    [hour + 1, 3600],
    [hour, 3600],
    [hour - 1, 3599],
    [1999, 1],
    [1000, 1],
  ])("a fence in %d ms: it lives %d s", (moreMs, life) => {
    const minted = mint({}, { notAfterMs: epoch + moreMs });
    expect(lifeOf(minted)).toBe(life);
    expect(minted.expiresAtMs).toBeLessThanOrEqual(epoch + moreMs);
  });

  test.each([999, 0, -1, -hour, Number.NEGATIVE_INFINITY, Number.NaN])(
    "a fence in %d ms: none, try later",
    (moreMs) => {
      expect(codeOf(() => mint({}, { notAfterMs: epoch + moreMs }))).toBe("TryLaterError MintFenced");
    },
  );

  test("the fence counts from the present, not from the second that began before it", () => {
    const minted = mint({}, { nowMs: epoch + 900, notAfterMs: epoch + 1500 });
    expect([lifeOf(minted), minted.expiresAtMs]).toEqual([1, epoch + 1000]);
  });

  test.each([
    ["api", "api"],
    ["admin", "admin"],
    [undefined, "api"],
  ])("for audience %s: %s", (audience, expected) => {
    expect(claimsOf(mint(audience === undefined ? {} : { audience }))["aud"]).toBe(expected);
  });

  test.each([
    [
      ["admin", "api"],
      ["admin", "api"],
    ],
    [["admin"], "admin"],
  ])("for audiences %j: %j", (audience, expected) => {
    expect(claimsOf(mint({ audience }))["aud"]).toEqual(expected);
  });

  test.each(["shop", "", "API", ["api", "shop"], []])("refuses audience %j", (audience) => {
    expect(codeOf(() => mint({ audience }))).toBe("RuleError AudienceUnknown");
  });

  test.each(reservedClaims)("refuses to have %s set, whatever to", (name) => {
    for (const value of ["x", null, undefined]) {
      expect(codeOf(() => mint({ claims: { [name]: value } }))).toBe("RuleError ClaimReserved");
    }
  });

  test("takes a claim called __proto__ for what it is", () => {
    const claims = JSON.parse('{"__proto__":{"iss":"evil"}}') as object;
    const minted = mint({ claims: { ...claims } });
    expect(claimsOf(minted)["iss"]).toBe("https://issuer.example");
    expect(verifierOf().verify(minted.token, epoch).ok).toBe(true);
  });

  const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);

  test.each([
    ["a date", new Date(0)],
    ["no number", Number.NaN],
    ["undefined", undefined],
    ["a function", () => 1],
    ["what is too deep to be verified", deep(16)],
  ])("refuses a claim that is %s", (_, value) => {
    expect(codeOf(() => mint({ claims: { value } }))).toBe("RuleError ClaimInvalid");
  });

  test("takes claims as deep as they can be verified", () => {
    expect(verifierOf().verify(mint({ claims: { value: deep(15) } }).token, epoch).ok).toBe(true);
  });

  test("makes no token that is too large to be verified", () => {
    const bare = mint({ claims: { pad: "" } }).token.length;
    const room = Math.floor(((tokenLimit - bare) * 3) / 4);
    const tokens: string[] = [];
    const codes = [-3, -2, -1, 0, 1, 2, 3].map((more) =>
      codeOf(() => tokens.push(mint({ claims: { pad: "x".repeat(room + more) } }).token)),
    );
    // Base64url has no text of 1 mod 4 characters, so not every length can be had
    expect(tokens.map(({ length }) => length)).toContain(tokenLimit);
    for (const token of tokens) expect(verifierOf().verify(token, epoch).ok).toBe(true);
    expect(codes.at(-1)).toBe("RuleError TokenTooLarge");
  });

  test("refuses an empty subject", () => {
    expect(codeOf(() => mint({ subject: "" }))).toBe("RuleError SubjectInvalid");
  });

  test("says what must be otherwise, on one line", () => {
    expect(() => mint({ audience: "a\nb" })).toThrow('Cannot mint for audience "a\\nb": must be "api" or "admin"');
    expect(() => mint({ claims: { sub: 1 } })).toThrow(
      'Cannot set claim "sub": the minter alone sets iss, sub, aud, exp, nbf, iat, jti',
    );
    expect(() => mint({ ttlMs: 1 })).toThrow("Cannot mint for 1 ms: must be whole seconds, 1 or more");
  });
});

describe("compileMinter", () => {
  const { ring } = ringOfAll();
  const options = { newId: () => "1" };

  test("is frozen and knows its kid", () => {
    const minter = minterOf();
    expect([minter.kid, Object.isFrozen(minter)]).toEqual([pair.kid, true]);
  });

  test("gives none without the signer's private half, with another key's, or when the signer is revoked", () => {
    const standby = pairOf("ES256", 1);
    expect(compileMinter({ ring }, options)).toBeUndefined();
    expect(compileMinter({ ring, half: { kid: standby.kid, key: privateKeyOf(standby) } }, options)).toBeUndefined();
    expect(compileMinter({ ring, half }, { ...options, revokedKids: new Set([pair.kid]) })).toBeUndefined();
    expect(compileMinter({ ring, half }, { ...options, revokedKids: new Set(["other"]) })).toBeDefined();
  });
});

describe("two gateways, each wrong by the whole clock skew, one ahead and one behind", () => {
  const { clockSkewMs } = settings;
  const verifier = verifierOf();
  const life = { ttlMs: 1000 };

  test.each([
    ["the one behind takes a fresh token of the one ahead", clockSkewMs, -clockSkewMs, "ok"],
    ["the one ahead takes a fresh token of the one behind, however short it lives", -clockSkewMs, clockSkewMs, "ok"],
    ["a second more than the skew is too much", clockSkewMs + second, -clockSkewMs, "IssuedInFuture"],
    ["a second less is too much", -clockSkewMs - second, clockSkewMs, "Expired"],
  ])("%s", (...[, minterMs, verifierMs, expected]) => {
    const { token } = mint(life, { nowMs: epoch + minterMs });
    const verdict = verifier.verify(token, epoch + verifierMs);
    expect(verdict.ok ? "ok" : verdict.reason).toBe(expected);
  });
});
