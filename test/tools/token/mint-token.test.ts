import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from "jose";
import { describe, expect, test } from "vitest";
import { RuleError } from "../../../src/errors/keyturn-error.ts";
import { algorithms } from "../../../src/ring/key.ts";
import { mint, type Claim, type MintTokenOptions } from "../../../src/tools/token/mint-token.ts";
import { secretsOf, realRing } from "../../support/keys.ts";
import { epoch, hour, minute, second } from "../../support/story.ts";
import { FakeIo } from "../support/fake-io.ts";
import { StoryHome } from "../support/story-home.ts";
import { keyHome, type KeyHome } from "./world.ts";

async function minted(home: KeyHome, options: Partial<MintTokenOptions> = {}): Promise<string> {
  const io = new FakeIo();
  expect(await mint(home, { subject: "alice", claims: [], type: "JWT", ...options }, io)).toBe(0);
  return io.out.text.trimEnd();
}

const claim = (name: string, json: string): Claim => ({ name, json });

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
      exp: (epoch + hour) / 1000,
      jti: "00000000-0000-4000-8000-000000000001",
    });
  });

  test("takes another audience of the rotation, a shorter life, claims and a type", async () => {
    const options = {
      audience: "admin",
      ttlMs: 5 * minute,
      claims: [{ name: "scope", json: '"read"' }],
      type: "at+jwt",
    } as const;
    const token = await minted(keyHome(), options);
    expect(decodeProtectedHeader(token).typ).toBe("at+jwt");
    expect(decodeJwt(token)).toMatchObject({ aud: "admin", scope: "read", exp: (epoch + 5 * minute) / 1000 });
  });

  const refusals: readonly (readonly [what: string, options: Partial<MintTokenOptions>, code: string])[] = [
    ...[0, 999, 1500].map(
      (ttlMs) =>
        [
          `a life of ${ttlMs} ms`,
          { ttlMs },
          `MintRequestInvalid: Cannot mint: --ttl, in seconds: must be a whole number from 1 to 9007199254740, is ${ttlMs / 1000}`,
        ] as const,
    ),
    [
      "another audience",
      { audience: "shop" },
      'AudienceUnknown: Cannot mint for audience "shop": must be "api" or "admin"',
    ],
    [
      "no subject",
      { subject: "" },
      'MintRequestInvalid: Cannot mint: --sub: must be a text of 1 to 255 characters without control characters, is ""',
    ],
    [
      "one claim twice",
      { claims: [claim("a", "1"), claim("a", "2")] },
      "MintRequestInvalid: Cannot mint: --claim: must have each member once",
    ],
    [
      "a name twice inside a claim",
      { claims: [claim("a", '{"b":1,"b":2}')] },
      "MintRequestInvalid: Cannot mint: --claim: must have each member once",
    ],
    [
      "a claim that is too deep",
      { claims: [claim("a", `${"[".repeat(20)}${"]".repeat(20)}`)] },
      "MintRequestInvalid: Cannot mint: --claim: must not be deeper than 16",
    ],
    [
      "a claim that is no JSON for all readers",
      { claims: [claim("a", "1e999")] },
      'ClaimInvalid: Cannot set claim "a": must be JSON, at most 15 deep',
    ],
    [
      "more than a token may have",
      { claims: [claim("a", JSON.stringify("x".repeat(16_384)))] },
      expect.stringMatching(/^TokenTooLarge: Cannot mint token: must have at most 16384 characters/) as string,
    ],
    ...["iss", "sub", "aud", "exp", "nbf", "iat", "jti"].map(
      (name) =>
        [
          `the claim ${name}`,
          { claims: [claim(name, '"mine"')] },
          `ClaimReserved: Cannot set claim "${name}": the minter alone sets iss, sub, aud, exp, nbf, iat, jti`,
        ] as const,
    ),
  ];

  test.each(refusals)("refuses %s", async (_, options, refusal) => {
    const error: unknown = await minted(keyHome(), options).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RuleError);
    expect(error instanceof RuleError && `${error.code}: ${error.message}`).toEqual(refusal);
  });

  test.each([
    ["the shortest", second],
    ["the longest", hour],
  ])("allows the bounds of a life: %s", async (_, ttlMs) => {
    expect(decodeJwt(await minted(keyHome(), { ttlMs })).exp).toBe((epoch + ttlMs) / 1000);
  });

  test("cuts a longer life to the most, and says so", async () => {
    const io = new FakeIo();
    await mint(keyHome(), { subject: "alice", claims: [], type: "JWT", ttlMs: hour + second }, io);
    expect(decodeJwt(io.out.text.trimEnd()).exp).toBe((epoch + hour) / 1000);
    expect(io.progress).toEqual(["keyturn: note: the token lives 1h, the most that it may"]);
  });

  test("obeys a cap below what the signer's profile allows", async () => {
    const { settings } = realRing().ring;
    const home = keyHome("ES256", { settings: { ...settings, mintMaxTTLMs: 10 * minute } });
    expect(decodeJwt(await minted(home)).exp).toBe((epoch + 10 * minute) / 1000);
  });

  test("refuses when the signer's private half is not there, and when it is no key", async () => {
    const bare = keyHome();
    const lost = bare.publicFiles["keyring.json"] ?? "";
    await expect(minted({ ...bare, keyRing: async () => lost })).rejects.toMatchObject({
      code: "SignerLost",
      message: expect.stringMatching(/^Cannot mint: the private half of the signer \S+ is not here$/) as string,
    });
    await expect(minted({ ...bare, keyRing: async () => "no JSON" })).rejects.toMatchObject({ code: "RingUnreadable" });
  });

  test("refuses with a signer object that has another signer than the ring", async () => {
    const home = keyHome();
    const older = keyHome("EdDSA");
    await expect(minted({ ...home, keyRing: (of) => older.keyRing(of) })).rejects.toMatchObject({ code: "SignerLost" });
  });

  test("refuses while there is no ring", async () => {
    const options = { subject: "alice", claims: [], type: "JWT" } as const;
    await expect(mint(new StoryHome(), options, new FakeIo())).rejects.toMatchObject({ code: "NoRing" });
  });

  test("puts no private half into its output", async () => {
    const { materials } = realRing();
    const token = await minted(keyHome());
    for (const secret of secretsOf(materials.values())) expect(token).not.toContain(secret);
  });
});
