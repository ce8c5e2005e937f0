import { createPrivateKey, type JsonWebKey } from "node:crypto";
import { createLocalJWKSet, jwtVerify, SignJWT, type JSONWebKeySet } from "jose";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { algorithms } from "../../../src/ring/key.ts";
import { mint } from "../../../src/tools/token/mint-token.ts";
import { verify } from "../../../src/tools/token/verify-token.ts";
import { pairOf } from "../../support/keys.ts";
import { epoch, hour } from "../../support/story.ts";
import { FakeIo } from "../support/fake-io.ts";
import { StoryHome } from "../support/story-home.ts";
import { keyHome, type KeyHome } from "./world.ts";

const now = epoch / 1000;

interface Made {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Claims that are left out. */
  readonly without?: readonly string[];
}

/** A token of the home's signer, made by jose, right but for what is said. */
async function tokenOf(home: KeyHome, { header = {}, claims = {}, without = [] }: Made = {}): Promise<string> {
  const { kid, profile } = home.ring.signer;
  const jwk = (JSON.parse(home.signerFiles["private-jwks.json"] ?? "") as { keys: JsonWebKey[] }).keys[0] ?? {};
  const all = { iss: profile.issuer, sub: "alice", aud: "api", iat: now, nbf: now, exp: now + 600, ...claims };
  const kept = Object.fromEntries(Object.entries(all).filter(([name]) => !without.includes(name)));
  return new SignJWT(kept)
    .setProtectedHeader({ alg: profile.algorithm, typ: "JWT", kid, ...header })
    .sign(createPrivateKey({ key: jwk, format: "jwk" }));
}

async function verdictOn(home: KeyHome, token: string): Promise<{ code: number; text: string }> {
  const io = new FakeIo();
  const code = await verify(home, { token, output: "json" }, io);
  return { code, text: io.out.text };
}

async function reasonFor(home: KeyHome, token: string): Promise<string> {
  const { code, text } = await verdictOn(home, token);
  const { valid, reason } = JSON.parse(text) as { valid: boolean; reason?: string };
  expect(code).toBe(valid ? 0 : 1);
  return reason ?? "valid";
}

describe("verify", () => {
  test.each(algorithms)("accepts what jose signed by %s", async (algorithm) => {
    const home = keyHome(algorithm);
    expect(await reasonFor(home, await tokenOf(home))).toBe("valid");
  });

  test("accepts what mint made", async () => {
    const home = keyHome();
    const io = new FakeIo();
    await mint(home, { subject: "alice", claims: [], type: "at+jwt" }, io);
    expect(await reasonFor(home, io.out.text.trimEnd())).toBe("valid");
  });

  const cases: readonly (readonly [why: string, made: Made, reason: string])[] = [
    ["a kid that is not in the ring", { header: { kid: "stranger" } }, "KidUnknown"],
    ["no kid", { header: { kid: undefined } }, "KidMissing"],
    ["another type", { header: { typ: "dpop+jwt" } }, "TypeNotAllowed"],
    ["a key in the header", { header: { jwk: {} } }, "HeaderNotAllowed"],
    ["a place of a key in the header", { header: { x5u: "https://evil.example" } }, "HeaderNotAllowed"],
    ["another issuer", { claims: { iss: "https://evil.example" } }, "IssuerMismatch"],
    ["no issuer", { without: ["iss"] }, "IssuerMismatch"],
    ["another audience", { claims: { aud: "shop" } }, "AudienceMismatch"],
    ["no audience", { without: ["aud"] }, "AudienceMismatch"],
    ["no exp", { without: ["exp"] }, "ClaimMissing"],
    ["an exp in words", { claims: { exp: "tomorrow" } }, "ClaimInvalid"],
    ["an end an hour ago", { claims: { iat: now - 7000, exp: now - 3600 } }, "Expired"],
    ["a beginning in an hour", { claims: { nbf: now + 3600 } }, "NotYetValid"],
    ["an issue in an hour", { claims: { iat: now + 3600, exp: now + 3700 } }, "IssuedInFuture"],
    ["a life longer than its key allows", { claims: { exp: now + 3601 } }, "LifetimeTooLong"],
  ];

  test.each(cases)("refuses a token with %s", async (_, made, reason) => {
    const home = keyHome();
    expect(await reasonFor(home, await tokenOf(home, made))).toBe(reason);
  });

  const bounds: readonly (readonly [why: string, made: Made, reason: string])[] = [
    ["just before its end and the skew", { claims: { exp: now - 119, iat: now - 600 } }, "valid"],
    ["at its end and the skew", { claims: { exp: now - 120, iat: now - 600 } }, "Expired"],
    ["at its beginning less the skew", { claims: { nbf: now + 120 } }, "valid"],
    ["just before that", { claims: { nbf: now + 121 } }, "NotYetValid"],
    ["issued at the edge of the skew", { claims: { iat: now + 120, exp: now + 180 } }, "valid"],
    [
      "no iat, and so long to live as allowed, and the skew",
      { without: ["iat"], claims: { exp: now + 3720 } },
      "valid",
    ],
    ["no iat, and longer to live", { without: ["iat"], claims: { exp: now + 3721 } }, "LifetimeTooLong"],
    ["issued just after it", { claims: { iat: now + 121, exp: now + 180 } }, "IssuedInFuture"],
    ["as long as its key allows", { claims: { exp: now + 3600 } }, "valid"],
    ["for several audiences, one of them ours", { claims: { aud: ["shop", "admin"] } }, "valid"],
    ["without nbf", { without: ["nbf"] }, "valid"],
    ["without sub", { without: ["sub"] }, "valid"],
    ["without typ", { header: { typ: undefined } }, "valid"],
    ["an access token", { header: { typ: "application/AT+JWT" } }, "valid"],
  ];

  test.each(bounds)("knows the bounds: %s", async (_, made, reason) => {
    const home = keyHome();
    expect(await reasonFor(home, await tokenOf(home, made))).toBe(reason);
  });

  test("refuses a key that was revoked, and says when and why", async () => {
    const { kid, material } = pairOf("ES256", 3);
    const home = keyHome("ES256", { revoked: [{ kid, revokedAtMs: epoch - hour, reason: "laptop stolen" }] });
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: "ES256", kid })
      .sign(createPrivateKey({ key: { ...material.privateJwk }, format: "jwk" }));
    expect(JSON.parse((await verdictOn(home, token)).text)).toEqual({
      valid: false,
      reason: "KeyRevoked",
      message: `key ${kid.slice(0, 8)}… was revoked at 2026-11-20T23:00:00.000Z: laptop stolen`,
      kid,
    });
  });

  test("judges by what is published, and says when the ring is newer", async () => {
    const [home, older] = [keyHome("EdDSA", { generation: 120 }), keyHome("ES256")];
    const io = new FakeIo();
    const token = await tokenOf(home);
    expect(await verify({ ...home, keyRing: (of) => older.keyRing(of) }, { token }, io)).toBe(1);
    const kid = home.ring.signer.kid.slice(0, 8);
    expect(io.out.text).toBe(`refused, KidUnknown: key ${kid}.. is in the ring, but is not published yet\n`);
    expect(io.progress).toEqual([
      `keyturn: note: judged by what is published, generation ${older.ring.generation}; the ring is at generation 120`,
    ]);
  });

  test("refuses an algorithm that is not the key's, none among them", async () => {
    const home = keyHome("RS256");
    const [, payload = "", signature = ""] = (await tokenOf(home)).split(".");
    for (const alg of ["none", "HS256", "PS256", "ES256"]) {
      const header = Buffer.from(JSON.stringify({ alg, kid: home.ring.signer.kid })).toString("base64url");
      expect(await reasonFor(home, `${header}.${payload}.${signature}`)).toBe("AlgorithmMismatch");
    }
  });

  test("refuses a changed payload, and a changed signature", async () => {
    const home = keyHome();
    const [header = "", , signature = ""] = (await tokenOf(home)).split(".");
    const payload = Buffer.from('{"sub":"mallory"}').toString("base64url");
    expect(await reasonFor(home, `${header}.${payload}.${signature}`)).toBe("SignatureInvalid");
    expect(await reasonFor(home, `${header}.${payload}.${signature.slice(4)}`)).toBe("SignatureInvalid");
  });

  test.each([
    ["nothing", ""],
    ["words", "not a token"],
    ["two parts", "e30.e30"],
    ["a header that is no JSON", "bm8.e30.AA"],
    ["a header that is a list", "W10.e30.AA"],
    ["padding", "e30=.e30.AA"],
    ["unused bits that are not zero", "e31.e30.AA"],
    ["bytes that are no UTF-8", "eyL_In0.e30.AA"],
  ])("refuses what is no token: %s", async (_, token) => {
    expect(await reasonFor(keyHome(), token)).toBe("Malformed");
  });

  test("agrees with jose on every token of these cases but for what jose does not know", async () => {
    const home = keyHome();
    const jwks = createLocalJWKSet(JSON.parse(await home.publicJwks()) as JSONWebKeySet);
    const onlyOurs = ["LifetimeTooLong", "IssuedInFuture", "HeaderNotAllowed", "TypeNotAllowed"];
    for (const [why, made, reason] of [...cases, ...bounds]) {
      const token = await tokenOf(home, made);
      const accepted = await jwtVerify(token, jwks, {
        issuer: "https://issuer.example",
        audience: ["api", "admin"],
        clockTolerance: 120,
        currentDate: new Date(epoch),
        requiredClaims: ["exp"],
      }).then(
        () => true,
        () => false,
      );
      if (!onlyOurs.includes(reason))
        expect([why, accepted && reason !== "KidMissing"]).toEqual([why, reason === "valid"]);
    }
  });
});

describe("verify for people", () => {
  const line = async (home: KeyHome, token: string): Promise<string> => {
    const io = new FakeIo();
    await verify(home, { token }, io);
    return io.out.text.trimEnd();
  };

  test("says by which key, for whom and until when", async () => {
    const home = keyHome();
    const kid = home.ring.signer.kid.slice(0, 8);
    expect(await line(home, await tokenOf(home))).toBe(
      `valid for "alice": signed by key ${kid}.. (the signer), expires 00:10:00 (in 10m)`,
    );
  });

  test("says why not", async () => {
    const home = keyHome();
    const token = await tokenOf(home, { claims: { iat: now - 3600, exp: now - 29 * 60 } });
    expect(await line(home, token)).toBe("refused, Expired: it expired at 23:31:00 (29m ago)");
  });

  test("shows no kid that could write on a screen as it likes", async () => {
    const home = keyHome();
    const token = await tokenOf(home, { header: { kid: "\u001b[2J" } });
    expect(await line(home, token)).toBe(
      "refused, KidUnknown: its key is not in the ring: pruned, or another issuer's",
    );
  });

  test("never prints the token, or what an unsigned one says", async () => {
    const home = keyHome();
    const token = await tokenOf(home, { claims: { sub: "mallory", iss: "https://evil.example" } });
    const text = await line(home, token);
    expect(text).not.toContain("mallory");
    expect(text).not.toContain("evil");
    for (const part of token.split(".")) expect(text).not.toContain(part);
  });

  test("says the same in YAML", async () => {
    const home = keyHome();
    const io = new FakeIo();
    await verify(home, { token: await tokenOf(home), output: "yaml" }, io);
    expect(parse(io.out.text)).toEqual({
      valid: true,
      kid: home.ring.signer.kid,
      state: "active",
      algorithm: "ES256",
      issuer: "https://issuer.example",
      subject: "alice",
      audiences: ["api"],
      expirationTime: "2026-11-21T00:10:00.000Z",
    });
  });

  test("refuses to judge without a ring, and by one that can't be read", async () => {
    await expect(verify(new StoryHome(), { token: "" }, new FakeIo())).rejects.toMatchObject({ code: "NoRing" });
    const home = { ...keyHome(), keyRing: async () => "no JSON" };
    await expect(verify(home, { token: "" }, new FakeIo())).rejects.toMatchObject({ code: "RingUnreadable" });
  });

  test("takes an exp that is no instant for what it is", async () => {
    const home = keyHome();
    expect(await reasonFor(home, await tokenOf(home, { claims: { exp: -1e300 } }))).toBe("Expired");
    expect(await reasonFor(home, await tokenOf(home, { claims: { exp: 1e300 } }))).toBe("LifetimeTooLong");
  });
});
