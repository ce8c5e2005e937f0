import { describe, expect, test } from "vitest";
import { tellingVerifier, type ToldRefusal } from "../../src/jwt/telling-verifier.ts";
import { pairOf } from "../support/keys.ts";
import { epoch } from "../support/story.ts";
import { base64url, keyOf, now, tokenOf, verifierOf } from "./support/world.ts";

function telling() {
  const told: ToldRefusal[] = [];
  const revoked = pairOf("EdDSA", 1);
  const verifier = verifierOf({}, { revokedKids: [revoked.kid] });
  return { told, revoked, verifier, telling: tellingVerifier(verifier, (refusal) => told.push(refusal)) };
}

describe("tellingVerifier", () => {
  test("judges as the verifier does, and says nothing of a good token", () => {
    const { told, verifier, telling: one } = telling();
    const token = tokenOf();
    expect(one.verify(token, epoch)).toEqual(verifier.verify(token, epoch));
    expect(one.verify(token, epoch, { claims: ["tenant"] })).toEqual({ ok: false, reason: "ClaimMissing" });
    expect(one.keys).toBe(verifier.keys);
    expect(told).toEqual([{ kid: keyOf("ES256").kid, reason: "ClaimMissing" }]);
  });

  test("says the kid of a key of the ring in full, of any other the beginning", () => {
    const { told, revoked, telling: one } = telling();
    const stranger = pairOf("ES256", 2);
    one.verify(tokenOf({ claims: { exp: now - 600, iat: now - 700 } }), epoch);
    one.verify(tokenOf({ pair: stranger }), epoch);
    one.verify(tokenOf({ pair: revoked }), epoch);
    expect(told).toEqual([
      { kid: keyOf("ES256").kid, reason: "Expired" },
      { kid: `${stranger.kid.slice(0, 8)}…`, reason: "KidUnknown" },
      { kid: `${revoked.kid.slice(0, 8)}…`, reason: "KeyRevoked" },
    ]);
  });

  test.each([
    ["", "Malformed"],
    ["x", "Malformed"],
    ["..", "Malformed"],
    [`${base64url('{"alg":"ES256"}')}.e30.AA`, "KidMissing"],
    [`${base64url('{"kid":["a"]}')}.e30.AA`, "KidMissing"],
    [`${base64url('{"kid":"a","kid":"b"}')}.e30.AA`, "DuplicateMember"],
    ["x".repeat(20_000), "TooLarge"],
  ])("says no kid where there is none to be read: %.30s", (token, reason) => {
    const { told, telling: one } = telling();
    one.verify(token, epoch);
    expect(told).toEqual([{ reason }]);
  });
});
