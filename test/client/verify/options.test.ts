import { describe, expect, test } from "vitest";
import { openVerifier } from "../../../src/client/verify.ts";
import { ChangeNeededError } from "../../../src/errors/keyturn-error.ts";
import { goodClaims, now, tokenOf } from "../../jwt/support/world.ts";
import { opened, pair, reasonOf, setOf, usual } from "./support/opened.ts";

const jwks = setOf(pair());
/** As JavaScript calls it, where nobody checks types. */
const openAnything = (source: unknown, options: unknown): Promise<unknown> =>
  Promise.resolve(Reflect.apply(openVerifier, undefined, [source, options]));

describe("openVerifier refuses options that would let too much pass, or nothing", () => {
  test.each<[what: string, options: unknown, problem: string]>([
    ["none", undefined, "options: must be an object, is missing"],
    ["null", null, "options: must be an object, is null"],
    ["no issuer", { ...usual, issuer: undefined }, "options.issuer: is missing"],
    ["an empty issuer", { ...usual, issuer: "" }, "options.issuer: must be a text"],
    ["a list of issuers", { ...usual, issuer: ["a"] }, "options.issuer: must be a text"],
    ["no audience", { ...usual, audience: undefined }, "options.audience: is missing"],
    ["an empty audience", { ...usual, audience: "" }, "options.audience: must be a text"],
    ["no item of audience", { ...usual, audience: [] }, "options.audience: must have at least one item"],
    ["a pattern as audience", { ...usual, audience: /api/ }, "options.audience: must be a text"],
    ["an audience that is null", { ...usual, audience: ["api", null] }, "options.audience[1]: must be a text"],
    ["a misspelt name", { ...usual, audiences: "api" }, "options.audiences: is not known"],
    ["no algorithm", { ...usual, algorithms: [] }, "options.algorithms: must have at least one item"],
    ["HMAC", { ...usual, algorithms: ["HS256"] }, "options.algorithms[0]: must be one of"],
    ["none as algorithm", { ...usual, algorithms: ["none"] }, "options.algorithms[0]: must be one of"],
    ["a type that is no text", { ...usual, type: 1 }, "options.type: must be a text"],
    ["no types", { ...usual, types: [] }, "options.types: must have at least one item"],
    ["a skew below 0", { ...usual, clockSkewMs: -1 }, "options.clockSkewMs: must be a whole number from 0"],
    ["a skew without end", { ...usual, clockSkewMs: Infinity }, "options.clockSkewMs: must be a whole number"],
    ["a skew in words", { ...usual, clockSkewMs: "1m" }, "options.clockSkewMs: must be a whole number"],
    ["a TTL of 0", { ...usual, maxTTLMs: 0 }, "options.maxTTLMs: must be a whole number from 1"],
    ["a cache below 0", { ...usual, cacheEntries: -1 }, "options.cacheEntries: must be a whole number from 0"],
    ["revocations that are no function", { ...usual, isRevoked: new Set() }, "options.isRevoked: must be a function"],
    ["an ear that is none", { ...usual, onEvent: "log" }, "options.onEvent: must be a function"],
    ["a word for true", { ...usual, startWithoutKeys: "yes" }, "options.startWithoutKeys: must be true or false"],
  ])("%s", async (_, options, problem) => {
    const opening = openAnything({ jwks }, options);
    await expect(opening).rejects.toThrow(ChangeNeededError);
    await expect(opening).rejects.toThrow(`Cannot open a verifier: ${problem}`);
  });

  test.each<[what: string, source: unknown, problem: string]>([
    ["none", undefined, "source: must be an object"],
    ["an empty one", {}, "source: must have one of jwksURL, directory, jwks"],
    ["two", { jwks, directory: "/keys" }, "source: must have one of jwksURL, directory, jwks"],
    ["one with a misspelt name", { jwksURL: "https://a.example", CA: "" }, "source.CA: is not known"],
    ["no URL", { jwksURL: "issuer.example" }, "source.jwksURL: must be a URL"],
    ["a file's URL", { jwksURL: "file:///keys" }, "source.jwksURL: must be a URL of https"],
    ["http to elsewhere", { jwksURL: "http://a.example" }, "source.jwksURL: must be a URL of https, except on this"],
    [
      "a password",
      { jwksURL: "https://a:secret@b.example" },
      "source.jwksURL: must be a URL without a user and password",
    ],
    ["a file's URL, with http allowed", { jwksURL: "file:///keys", plainHTTP: true }, "must be a URL of https"],
    ["a directory of no name", { directory: "" }, "source.directory: must be a text"],
    ["a list of keys", { jwks: jwks.keys }, "source.jwks: must be an object, is a list"],
    ["no keys", { jwks: {} }, "source.jwks.keys: is missing"],
  ])("a source: %s", async (_, source, problem) => {
    const opening = openAnything(source, usual);
    await expect(opening).rejects.toThrow(ChangeNeededError);
    await expect(opening).rejects.toThrow(problem);
    await expect(opening).rejects.not.toThrow("secret");
  });

  test("keys that are given and can't be read, whatever else is allowed", async () => {
    const opening = openVerifier({ jwks: "keys" }, { ...usual, startWithoutKeys: true });
    await expect(opening).rejects.toMatchObject({ code: "KeySetUnreadable" });
  });
});

describe("a verifier's options", () => {
  test("one audience, and the JSON of a set", async () => {
    const { verifier } = await opened({ jwks: JSON.stringify(jwks) }, { audience: "admin" });
    expect(await reasonOf(verifier, tokenOf())).toBe("AudienceMismatch");
    expect(await reasonOf(verifier, tokenOf({ claims: { aud: "admin" } }))).toBe("ok");
    expect(await reasonOf(verifier, tokenOf({ claims: { aud: "admin2" } }))).toBe("AudienceMismatch");
  });

  test("type is what the header must say, unless a call asks for another one", async () => {
    const { verifier } = await opened({ jwks }, { type: "at+jwt" });
    const [plain, access] = [tokenOf(), tokenOf({ header: { typ: "at+jwt" } })];
    expect(await reasonOf(verifier, plain)).toBe("TypeNotAllowed");
    expect(await reasonOf(verifier, access)).toBe("ok");
    expect(await verifier.verify(plain, { scopes: [] })).toMatchObject({ reason: "TypeNotAllowed" });
    expect(await verifier.verify(plain, { type: "JWT" })).toMatchObject({ ok: true });
  });

  test("types: what typ may be", async () => {
    const { verifier } = await opened({ jwks }, { types: ["logout+jwt"] });
    expect(await reasonOf(verifier, tokenOf())).toBe("TypeNotAllowed");
    expect(await reasonOf(verifier, tokenOf({ header: { typ: "logout+jwt" } }))).toBe("ok");
  });

  test("algorithms: EdDSA and Ed25519 are one", async () => {
    const { verifier } = await opened({ jwks: setOf(pair(0, "EdDSA")) }, { algorithms: ["Ed25519"] });
    expect(await reasonOf(verifier, tokenOf({ pair: pair(0, "EdDSA") }))).toBe("ok");
  });

  test("algorithms: keys of others are not there", async () => {
    const both = setOf(pair(), pair(0, "EdDSA"));
    const { verifier } = await opened({ jwks: both }, { algorithms: ["EdDSA"] });
    expect(verifier.kids).toEqual([pair(0, "EdDSA").kid]);
    expect(await reasonOf(verifier, tokenOf())).toBe("KidUnknown");
    expect(await reasonOf(verifier, tokenOf({ pair: pair(0, "EdDSA") }))).toBe("ok");
  });

  test.each([
    [0, now, "Expired"],
    [0, now + 1, "ok"],
    [60_000, now - 120, "Expired"],
    [60_000, now - 119, "ok"],
  ])("a clock skew of %i ms counts twice: exp %i", async (clockSkewMs, exp, reason) => {
    const { verifier } = await opened({ jwks }, { clockSkewMs });
    expect(await reasonOf(verifier, tokenOf({ claims: { iat: now - 600, nbf: now - 600, exp } }))).toBe(reason);
  });

  test("maxTTLMs bounds a token's life; without it any life is good", async () => {
    const long = tokenOf({ claims: { exp: now + 3601 } });
    const { verifier } = await opened({ jwks });
    expect(await reasonOf(verifier, long)).toBe("LifetimeTooLong");
    const any = await openVerifier({ jwks }, { issuer: usual.issuer, audience: usual.audience });
    const forever = tokenOf({ claims: { iat: 1, nbf: 1, exp: 32_503_680_000 } });
    expect(any.verifyNow(forever)).toMatchObject({ ok: true });
  });

  test("isRevoked is asked about good tokens alone, each time, also when they are remembered", async () => {
    const asked: unknown[] = [];
    const revoked = new Set<unknown>();
    const isRevoked = (claims: Readonly<Record<string, unknown>>): boolean => {
      asked.push(claims["jti"]);
      return revoked.has(claims["jti"]);
    };
    const { verifier } = await opened({ jwks }, { isRevoked });
    expect(await reasonOf(verifier, tokenOf({ claims: { exp: 1 } }))).toBe("Expired");
    expect(asked).toEqual([]);
    const token = tokenOf();
    expect(await reasonOf(verifier, token)).toBe("ok");
    revoked.add(goodClaims.jti);
    expect(await reasonOf(verifier, token)).toBe("Revoked");
    expect(asked).toEqual([goodClaims.jti, goodClaims.jti]);
  });

  test("what is undefined is not set", async () => {
    const options = { ...usual, type: undefined, algorithms: undefined, clockSkewMs: undefined, onEvent: undefined };
    const verifier = await openAnything({ jwks, directory: undefined }, options);
    expect(verifier).toHaveProperty("kids", [pair().kid]);
  });
});

describe("TokenVerifier.verify", () => {
  test.each([undefined, null, 5, {}, [""]])("refuses %j, which is no text", async (token) => {
    const { verifier } = await opened({ jwks });
    const verdict: unknown = await Reflect.apply(verifier.verify.bind(verifier), undefined, [token]);
    expect(verdict).toEqual({ ok: false, reason: "Malformed" });
  });

  test("gives the claims, frozen, with the kid and the end", async () => {
    const { verifier } = await opened({ jwks });
    const verdict = await verifier.verify(tokenOf(), { claims: ["sub"] });
    expect(verdict).toEqual({ ok: true, kid: pair().kid, claims: goodClaims, expiresAtMs: goodClaims.exp * 1000 });
    expect(verdict.ok && Object.isFrozen(verdict.claims)).toBe(true);
  });

  test("a call may require claims and scopes", async () => {
    const { verifier } = await opened({ jwks });
    const token = tokenOf({ claims: { scope: "read" } });
    expect(await verifier.verify(token, { scopes: ["read"] })).toMatchObject({ ok: true });
    expect(await verifier.verify(token, { scopes: ["write"] })).toEqual({ ok: false, reason: "ScopeMissing" });
    expect(await verifier.verify(token, { claims: ["email"] })).toEqual({ ok: false, reason: "ClaimMissing" });
  });

  test("an unknown kid is refused at once where nobody could be asked", async () => {
    const { verifier } = await opened({ jwks });
    expect(await reasonOf(verifier, tokenOf({ pair: pair(5) }))).toBe("KidUnknown");
  });
});
