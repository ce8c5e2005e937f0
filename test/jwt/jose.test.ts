import fc from "fast-check";
import { createLocalJWKSet, errors, jwtVerify, SignJWT } from "jose";
import { describe, expect, test } from "vitest";
import { publicJwks } from "../../src/crypto/jwks.ts";
import type { RefusalReason } from "../../src/jwt/reasons.ts";
import { compileMinter } from "../../src/jwt/minter.ts";
import { algorithms, type Algorithm } from "../../src/ring/key.ts";
import { pairOf } from "../support/keys.ts";
import { active, withoutStandby } from "../support/rings.ts";
import { epoch, policy } from "../support/story.ts";
import {
  goodClaims,
  keyOf,
  maxTTL,
  now,
  privateKeyOf,
  reasonOf,
  ringOfAll,
  skew,
  tokenOf,
  verifierOf,
} from "./support/world.ts";
import { compileRing } from "../../src/jwt/verifier.ts";

const of = ringOfAll();
const verifier = verifierOf();
const materials = new Map([...of.publicJwks].map(([kid, publicJwk]) => [kid, { publicJwk }]));
const { keys } = publicJwks(of.ring, materials) as Parameters<typeof createLocalJWKSet>[0];
// jose compares names of algorithms: without one in its key it takes both of Ed25519's (RFC 9864)
const jwks = createLocalJWKSet({
  keys: keys.map(({ alg, ...key }) => (key.kty === "OKP" ? key : { ...key, ...(alg !== undefined && { alg }) })),
});

/** What jose says with options as near to a profile as it has them: "ok" or the code of its error. */
async function joseOn(token: string): Promise<string> {
  try {
    await jwtVerify(token, jwks, {
      issuer: policy.profile.issuer,
      audience: [...policy.profile.audiences],
      algorithms: [...algorithms],
      clockTolerance: skew,
      currentDate: new Date(epoch),
      requiredClaims: ["exp"],
    });
    return "ok";
  } catch (error) {
    if (error instanceof errors.JOSEError) return error.code;
    throw error;
  }
}

/** Where we refuse what jose takes: the only differences there may be. */
const stricter: Partial<Record<RefusalReason, string>> = {
  LifetimeTooLong: "jose has no cap on exp - iat; its maxTokenAge counts from the present",
  IssuedInFuture: "jose looks at iat only with maxTokenAge",
  ClaimInvalid: "jose takes a sub, jti and members of aud of any type (RFC 7519 §4.1 says texts)",
  DuplicateMember:
    "JSON.parse keeps the last of two members; RFC 7519 §4 allows that, readers that keep the first are about",
  TooDeep: "jose has no such limit",
  TooLarge: "jose has no such limit",
  HeaderNotAllowed: "jose reads jwk, jku, x5c and x5u past; a token of ours never has them (RFC 8725 §3.10)",
  TypeNotAllowed: "jose looks at typ only when told which one",
  KidMissing: "jose takes the one key of the set that fits; a kid is what revocation goes by",
  Malformed: "jose's base64url decoder takes unused bits that are set, padding and the standard alphabet (RFC 7515 §2)",
};

const wild = fc.oneof(
  fc.constantFrom(
    undefined,
    null,
    true,
    "",
    "api",
    "admin",
    "shop",
    policy.profile.issuer,
    0,
    -1,
    1e300,
    now,
    now + 600,
  ),
  fc.constantFrom(
    ...[-maxTTL, -skew - 1, -skew, -skew + 1, 0, skew, skew + 1, maxTTL, maxTTL + 1].map((more) => now + more),
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.jsonValue({ maxDepth: 3 }),
);
/** Mostly good, so that more than the first look is compared. */
const claim = (good: unknown): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(good) }, { weight: 1, arbitrary: wild });
const claims = fc.record({
  iss: claim(goodClaims.iss),
  sub: claim("alice"),
  aud: claim(["api", "other"]),
  iat: claim(now),
  nbf: claim(now),
  exp: claim(now + 600),
  extra: wild,
});
/** One member of the header at a time is odd, sometimes two. */
const oddHeader = fc.oneof(
  fc.record({ typ: fc.constantFrom("JWT", "at+jwt", "dpop+jwt", 1, undefined) }),
  fc.record({ alg: fc.constantFrom(...algorithms, "none", "HS256", 1, undefined) }),
  fc.record({ kid: fc.constantFrom(keyOf("RS256").kid, "stranger", "", 1, undefined) }),
  fc.record({ crit: fc.constantFrom(["exp"], ["b64"], [], 1) }),
  fc.record({ b64: fc.boolean() }),
  fc.record({ jwk: fc.constantFrom({}, null) }),
  fc.record({ x5u: fc.constant("https://evil.example") }),
  fc.record({ x5t: fc.constant("dGh1bWI") }),
  fc.record({ cty: fc.constant("JWT") }),
);
const header = fc.tuple(oddHeader, fc.option(oddHeader, { nil: {} })).map(([one, other]) => ({ ...one, ...other }));
const algorithm = fc.constantFrom<Algorithm[]>("ES256", "ES384", "ES512", "EdDSA", "RS256", "PS256");

async function compare(token: string): Promise<void> {
  const [ours, theirs] = [reasonOf(token, verifier), await joseOn(token)];
  if (ours === "ok") expect(theirs, token).toBe("ok");
  else if (theirs === "ok") expect(Object.keys(stricter), token).toContain(ours);
}

describe("verify against jose", () => {
  test("on good tokens: both accept", async () => {
    await fc.assert(
      fc.asyncProperty(algorithm, fc.jsonValue({ maxDepth: 5 }), async (by, extra) => {
        const token = tokenOf({ pair: keyOf(by), claims: { extra } });
        expect([reasonOf(token, verifier), await joseOn(token)]).toEqual(["ok", "ok"]);
      }),
      { numRuns: 150 },
    );
  });

  test("on claims of every kind: we accept nothing that jose refuses, and refuse more only as the table says", async () => {
    await fc.assert(
      fc.asyncProperty(algorithm, claims, (by, changed) => compare(tokenOf({ pair: keyOf(by), claims: changed }))),
      { numRuns: 1500 },
    );
  });

  test("on headers of every kind", async () => {
    await fc.assert(
      fc.asyncProperty(algorithm, header, (by, changed) => compare(tokenOf({ pair: keyOf(by), header: changed }))),
      { numRuns: 1000 },
    );
  });

  test("on good tokens with one character changed, taken out or put in", async () => {
    const alphabet = "ABCDQZaz059-_.+/= \n\u0100".split("");
    const tokens = (["ES256", "EdDSA", "RS256"] as const).map((by) => tokenOf({ pair: keyOf(by) }));
    const edit = fc.record({
      token: fc.constantFrom(...tokens),
      at: fc.nat(),
      out: fc.constantFrom(0, 1),
      put: fc.constantFrom("", ...alphabet),
    });
    await fc.assert(
      fc.asyncProperty(edit, async ({ token, at, out, put }) => {
        const index = at % token.length;
        await compare(token.slice(0, index) + put + token.slice(index + out));
      }),
      { numRuns: 1500 },
    );
  });

  test("each line of the table is needed: a token for it that jose takes", async () => {
    const examples: Partial<Record<RefusalReason, string>> = {
      LifetimeTooLong: tokenOf({ claims: { exp: now + maxTTL + 1 } }),
      IssuedInFuture: tokenOf({ claims: { iat: now + skew + 1 } }),
      ClaimInvalid: tokenOf({ claims: { sub: 1 } }),
      DuplicateMember: tokenOf({ claims: JSON.stringify(goodClaims).replace("{", '{"sub":"admin",') }),
      TooDeep: tokenOf({ claims: { a: JSON.parse("[".repeat(20) + "]".repeat(20)) as unknown } }),
      TooLarge: tokenOf({ claims: { pad: "x".repeat(20_000) } }),
      HeaderNotAllowed: tokenOf({ header: { jku: "https://evil.example" } }),
      TypeNotAllowed: tokenOf({ header: { typ: "dpop+jwt" } }),
      KidMissing: tokenOf({ pair: keyOf("EdDSA"), header: { kid: undefined } }),
      Malformed: `${tokenOf()}==`,
    };
    for (const [reason, token] of Object.entries(examples)) {
      expect([reasonOf(token, verifier), await joseOn(token)]).toEqual([reason, "ok"]);
    }
    expect(Object.keys(examples)).toEqual(Object.keys(stricter));
  });
});

describe("mint against jose", () => {
  /** A ring of one key that signs by the algorithm. */
  const ringBy = (by: Algorithm) => {
    const pair = pairOf(by);
    const signer = active(pair.kid, { profile: { ...policy.profile, algorithm: by } });
    return { pair, ring: withoutStandby({ signer }) };
  };

  test.each(algorithms)("jose accepts what we mint by %s", async (by) => {
    const { pair, ring } = ringBy(by);
    const minter = compileMinter({ ring, half: { kid: pair.kid, key: privateKeyOf(pair) } }, { newId: () => "1" });
    const keys = createLocalJWKSet({ keys: [{ ...pair.material.publicJwk, kid: pair.kid, alg: by }] });
    for (let times = 0; times < (by.startsWith("ES") ? 20 : 2); times++) {
      const token = minter?.mint({ subject: `user ${times}` }, { nowMs: epoch, notAfterMs: Infinity }).token ?? "";
      const { payload, protectedHeader } = await jwtVerify(token, keys, { currentDate: new Date(epoch) });
      expect(protectedHeader).toEqual({ alg: by, typ: "JWT", kid: pair.kid });
      expect(payload.sub).toBe(`user ${times}`);
    }
  });

  test.each(algorithms)("we accept what jose mints by %s", async (by) => {
    const { pair, ring } = ringBy(by);
    const other = compileRing({ ring, publicJwks: new Map([[pair.kid, pair.material.publicJwk]]) });
    for (let times = 0; times < (by.startsWith("ES") ? 20 : 2); times++) {
      const token = await new SignJWT({ ...goodClaims, times })
        .setProtectedHeader({ alg: by, kid: pair.kid })
        .sign(privateKeyOf(pair));
      expect(reasonOf(token, other)).toBe("ok");
    }
  });
});
