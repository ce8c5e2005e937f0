import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from "jose";
import { describe, expect, test } from "vitest";
import { RuleError } from "../../../src/ring/errors.ts";
import { algorithms } from "../../../src/ring/key.ts";
import { mint, type MintOptions } from "../../../src/tools/token/mint.ts";
import { secretsOf, realRing } from "../../support/keys.ts";
import { epoch, hour, minute, second } from "../../support/story.ts";
import { FakeIo } from "../support/fake-io.ts";
import { StoryHome } from "../support/story-home.ts";
import { keyHome, type KeyHome } from "./world.ts";

async function minted(home: KeyHome, options: Partial<MintOptions> = {}): Promise<string> {
  const io = new FakeIo();
  expect(await mint(home, { subject: "alice", claims: {}, type: "JWT", ...options }, io)).toBe(0);
  return io.out.text.trimEnd();
}

describe("mint", () => {
  test.each(algorithms)("signs by %s what jose accepts from the published JWKS", async (algorithm) => {
    const home = keyHome(algorithm);
    const jwks = JSON.parse(await home.publicJwks()) as JSONWebKeySet;
    const { payload, protectedHeader } = await jwtVerify(await minted(home), createLocalJWKSet(jwks), {
      issuer: "https://issuer.example",
      audience: "api",
      currentDate: new Date(epoch),
    });
    expect(protectedHeader).toEqual({ alg: algorithm, typ: "JWT", kid: home.ring.signer.kid });
    expect(payload).toEqual({
      iss: "https://issuer.example",
      sub: "alice",
      aud: "api",
      iat: epoch / 1000,
      nbf: epoch / 1000,
      exp: (epoch + hour) / 1000,
      jti: "00000000-0000-4000-8000-000000000001",
    });
  });

  test("takes another audience of the rotation, a shorter life, claims and a type", async () => {
    const options = { audience: "admin", ttlMs: 5 * minute, claims: { scope: "read" }, type: "at+jwt" } as const;
    const token = await minted(keyHome(), options);
    expect(decodeProtectedHeader(token).typ).toBe("at+jwt");
    expect(decodeJwt(token)).toMatchObject({ aud: "admin", scope: "read", exp: (epoch + 5 * minute) / 1000 });
  });

  const refusals: readonly (readonly [what: string, options: Partial<MintOptions>, code: string])[] = [
    ["no life at all", { ttlMs: 999 }, 'TtlOutOfRange: Cannot mint with --ttl "999ms": must be 1s to 1h'],
    [
      "a life above the cap",
      { ttlMs: hour + second },
      'TtlOutOfRange: Cannot mint with --ttl "1h1s": must be 1s to 1h',
    ],
    [
      "another audience",
      { audience: "shop" },
      'AudienceUnknown: Cannot mint for audience "shop": must be api or admin',
    ],
    ...["iss", "sub", "aud", "exp", "nbf", "iat", "jti"].map(
      (name) =>
        [
          `the claim ${name}`,
          { claims: { [name]: "mine" } },
          `ClaimReserved: Cannot set claim "${name}": the minter alone sets iss, sub, aud, exp, nbf, iat and jti`,
        ] as const,
    ),
  ];

  test.each(refusals)("refuses %s", async (_, options, refusal) => {
    const error: unknown = await minted(keyHome(), options).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RuleError);
    expect(error instanceof RuleError && `${error.code}: ${error.message}`).toBe(refusal);
  });

  test.each([
    ["the shortest", second],
    ["the longest", hour],
  ])("allows the bounds of a life: %s", async (_, ttlMs) => {
    expect(decodeJwt(await minted(keyHome(), { ttlMs })).exp).toBe((epoch + ttlMs) / 1000);
  });

  test("obeys a cap below what the signer's profile allows", async () => {
    const { settings } = realRing().ring;
    const home = keyHome("ES256", { settings: { ...settings, mintMaxTTLMs: 10 * minute } });
    expect(decodeJwt(await minted(home)).exp).toBe((epoch + 10 * minute) / 1000);
    await expect(minted(home, { ttlMs: 11 * minute })).rejects.toThrow("must be 1s to 10m");
  });

  test("refuses when the signer's private half is not there, and when it is no key", async () => {
    const bare = keyHome();
    const jwks = await bare.publicJwks();
    for (const text of [jwks, "no JSON", '{"keys":{}}', "[]", "null"]) {
      await expect(minted({ ...bare, privateJwks: async () => text })).rejects.toMatchObject({
        code: "SignerLost",
        message: expect.stringMatching(/^Cannot mint: the private half of the signer \S+ is not here$/) as string,
      });
    }
  });

  test("refuses while there is no ring", async () => {
    const options = { subject: "alice", claims: {}, type: "JWT" } as const;
    await expect(mint(new StoryHome(), options, new FakeIo())).rejects.toMatchObject({ code: "NoRing" });
  });

  test("puts no private half into its output", async () => {
    const { materials } = realRing();
    const token = await minted(keyHome());
    for (const secret of secretsOf(materials.values())) expect(token).not.toContain(secret);
  });
});
