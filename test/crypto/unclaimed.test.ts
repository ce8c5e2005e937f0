import { describe, expect, test } from "vitest";
import { pkcs8Pem, spkiPem } from "../../src/crypto/pem.ts";
import { holdsUnclaimed } from "../../src/crypto/unclaimed.ts";
import { keysOf } from "../../src/ring/ring.ts";
import { pairOf, realRing } from "../support/keys.ts";

const { ring, materials } = realRing();
const stranger = pairOf("ES256", 20);
const [signer, standby] = [pairOf("ES256", 0), pairOf("ES256", 1)];
const jwks = (...keys: readonly object[]): string => JSON.stringify({ keys });
const holds = (text: string, of = ring): boolean => holdsUnclaimed([text], [{ ring: of, materials }]);

describe("holdsUnclaimed", () => {
  test.each([
    ["the private half of a key of the ring", pkcs8Pem(signer.material.privateJwk), false],
    ["a private half that the ring let go", jwks({ ...standby.material.privateJwk, kid: standby.kid }), false],
    ["the kid of a key of the ring, with a line end", `${signer.kid}\n`, false],
    ["short text", "damaged", false],
    ["no private half, and no key", jwks({ kty: "oct" }), false],
    ["a private half of nobody", pkcs8Pem(stranger.material.privateJwk), true],
    ["a public half of nobody", spkiPem(stranger.material.publicJwk), true],
    ["a key of nobody beside one of the ring", jwks(signer.material.publicJwk, stranger.material.publicJwk), true],
    ["a private half whose public one can't be read", jwks({ kty: "EC", d: "AA" }), true],
    ["a PEM that can't be read", "-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----\n", true],
    ["a run of 39 characters of base64", "A".repeat(39), false],
    ["a run of 40", "A".repeat(40), true],
    ["what was no text", "\uFFFD", true],
  ])("says whether a text holds a key that no ring has: %s", (_, text, expected) => {
    expect(holds(text)).toBe(expected);
  });

  test("knows a key that was revoked, by what it is and whatever it is called", () => {
    const revoked = [{ kid: "old", thumbprint: stranger.kid, revokedAtMs: 1 }];
    expect(holds(pkcs8Pem(stranger.material.privateJwk), { ...ring, revoked })).toBe(false);
  });

  test("counts the private half of a signer that can't sign, and not its public one", () => {
    const lost = { ...ring, signer: { ...ring.signer, canSign: false } };
    expect(holds(pkcs8Pem(signer.material.privateJwk), lost)).toBe(true);
    expect(holds(spkiPem(signer.material.publicJwk), lost)).toBe(false);
    expect(keysOf(lost)[0]?.kid).toBe(signer.kid);
  });
});
