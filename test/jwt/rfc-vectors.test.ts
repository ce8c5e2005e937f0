import { createPrivateKey } from "node:crypto";
import { describe, expect, test } from "vitest";
import { nodeSignatures } from "../../src/jwt/node-signatures.ts";
import { compileRing, type Verifier } from "../../src/jwt/verifier.ts";
import { verifyOf } from "../../src/jwt/verify-of.ts";
import { active, withoutStandby } from "../support/rings.ts";
import { policy } from "../support/story.ts";
import {
  bilbo,
  ed25519PrivateMember,
  hs256,
  unsecured,
  withKid,
  withoutKid,
  type RfcVector,
} from "./support/rfc-vectors.ts";
import { changed, signed, verified, verifiedWith } from "./support/signed.ts";
import { reasonOf } from "./support/world.ts";

const partsOf = (token: string): { input: string; signature: Buffer } => ({
  input: token.slice(0, token.lastIndexOf(".")),
  signature: Buffer.from(token.slice(token.lastIndexOf(".") + 1), "base64url"),
});

const payloadOf = (token: string): string => Buffer.from(token.split(".")[1] ?? "", "base64url").toString();

/** A ring whose signer has the vector's key. */
function verifierFor({ algorithm, jwk }: RfcVector, kid = bilbo): Verifier {
  const signer = active(kid, { profile: { ...policy.profile, algorithm, issuer: "joe" } });
  return compileRing({ ring: withoutStandby({ signer }), publicJwks: new Map([[kid, jwk]]) });
}

describe("the examples of the RFCs", () => {
  test.each([...withoutKid, ...withKid])("$source: the $algorithm signature fits, and no other one", (vector) => {
    const verify = verifyOf(vector.algorithm, vector.jwk);
    const { input, signature } = partsOf(vector.token);
    expect(verified(verify, vector.token)).toBe(payloadOf(vector.token));
    expect(verifiedWith(verify, `x${input}`, signature)).toBe(false);
    for (const at of [0, signature.length >> 1, signature.length - 1]) {
      expect(verifiedWith(verify, input, changed(signature, at))).toBe(false);
    }
    expect(verifiedWith(verify, input, signature.subarray(1))).toBe(false);
    expect(verifiedWith(verify, input, Buffer.concat([signature, Buffer.alloc(1)]))).toBe(false);
  });

  test.each(withKid)("$source: verify gets past the signature, and refuses what is no JSON", (vector) => {
    const verifier = verifierFor(vector);
    expect(reasonOf(vector.token, verifier)).toBe("Malformed");
    const { input, signature } = partsOf(vector.token);
    const other = changed(signature, 5).toString("base64url");
    expect(reasonOf(`${input}.${other}`, verifier)).toBe("SignatureInvalid");
  });

  test.each(withoutKid)("$source: verify refuses a token without a kid", (vector) => {
    expect(reasonOf(vector.token, verifierFor(vector))).toBe("KidMissing");
  });

  test.each([
    ["RFC 7515 §A.1, HS256", hs256],
    ["RFC 7515 §A.5, none", unsecured],
  ])("%s: refused", (_, token) => {
    for (const vector of [...withoutKid, ...withKid]) {
      expect(reasonOf(token, verifierFor(vector))).toBe("KidMissing");
      expect(verified(verifyOf(vector.algorithm, vector.jwk), token)).toBe(false);
    }
  });

  test("RFC 8037 §A.4: the same signature is made", () => {
    const vector = withoutKid.find(({ algorithm }) => algorithm === "EdDSA");
    if (!vector) throw new TypeError("There is no such example");
    const key = createPrivateKey({ key: { ...vector.jwk, d: ed25519PrivateMember }, format: "jwk" });
    const { input, signature } = partsOf(vector.token);
    expect(signed(nodeSignatures.signer(key, "EdDSA"), input)).toEqual(signature);
  });
});
