import * as jose from "jose";
import { describe, expect, test } from "vitest";
import { privateJwks, publicJwks } from "../../src/crypto/jwks.ts";
import { algorithms } from "../../src/ring/key.ts";
import { pairOf, realRing, secretsOf } from "../support/keys.ts";

/** RSA pairs are made on first use, on a machine that may be busy. */
const timeout = 60_000;

describe("publicJwks", { timeout }, () => {
  const { ring, materials } = realRing();

  test("lists signer, standby and verify-only keys with kid, alg and use, and no private member", () => {
    const [signer, standby, older, oldest] = [
      pairOf("ES256", 0),
      pairOf("ES256", 1),
      pairOf("RS256", 7),
      pairOf("EdDSA", 7),
    ];
    expect(publicJwks(ring, materials)).toStrictEqual({
      keys: [
        { kid: signer.kid, alg: "ES256", use: "sig", ...signer.material.publicJwk },
        { kid: standby.kid, alg: "ES256", use: "sig", ...standby.material.publicJwk },
        { kid: older.kid, alg: "RS256", use: "sig", ...older.material.publicJwk },
        { kid: oldest.kid, alg: "EdDSA", use: "sig", ...oldest.material.publicJwk },
      ],
    });
  });

  test("leaves out keys that are in no state, revoked ones say", () => {
    const stray = pairOf("ES384", 3);
    const more = new Map([...materials, [stray.kid, stray.material] as const]);
    expect(publicJwks(ring, more)).toStrictEqual(publicJwks(ring, materials));
  });

  test.each(algorithms)("lets jose verify a token by kid: %s", async (algorithm) => {
    const made = realRing(algorithm);
    const token = await new jose.SignJWT({})
      .setProtectedHeader({ alg: algorithm, kid: made.ring.signer.kid })
      .sign(await jose.importJWK(pairOf(algorithm, 0).material.privateJwk, algorithm));
    const keySet = jose.createLocalJWKSet(structuredClone(publicJwks(made.ring, made.materials)) as jose.JSONWebKeySet);
    await expect(jose.jwtVerify(token, keySet)).resolves.toMatchObject({ protectedHeader: { alg: algorithm } });
  });
});

describe("privateJwks", () => {
  const { ring, materials } = realRing();

  test("adds the signer's private half to the first key and no other", () => {
    const [first, ...others] = privateJwks(ring, materials).keys;
    const { kid, material } = pairOf("ES256", 0);
    expect(first).toStrictEqual({ kid, alg: "ES256", use: "sig", ...material.privateJwk });
    expect(others).toStrictEqual(publicJwks(ring, materials).keys.slice(1));
  });

  test("is the public set when the signer's private half is lost", () => {
    const lost = { ...ring, signer: { ...ring.signer, canSign: false } };
    expect(privateJwks(lost, materials)).toStrictEqual(publicJwks(ring, materials));
    expect(JSON.stringify(privateJwks(lost, materials))).not.toContain(secretsOf([pairOf().material])[0]);
  });
});
