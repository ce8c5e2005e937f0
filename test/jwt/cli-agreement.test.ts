import { describe, expect, test } from "vitest";
import { publicJwks } from "../../src/crypto/jwks.ts";
import type { RefusalReason } from "../../src/jwt/reasons.ts";
import { keysOfJwks } from "../../src/tools/token/jwks.ts";
import { judge } from "../../src/tools/token/verdict.ts";
import { epoch } from "../support/story.ts";
import { algorithmConfusion, none, wrongKey } from "./attacks/algorithm.ts";
import { claimTypes, hugeAndDeep, timeEdges } from "./attacks/claims.ts";
import { duplicates, headerInjection, kids } from "./attacks/header.ts";
import { base64urls, ecdsaNumbers, malleability } from "./attacks/signature.ts";
import { keyOf, ringOfAll, tokenOf } from "./support/world.ts";

const { ring, publicJwks: jwksByKid } = ringOfAll();
const materials = new Map([...jwksByKid].map(([kid, publicJwk]) => [kid, { publicJwk }]));
const jwks = keysOfJwks(JSON.stringify(publicJwks(ring, materials))) ?? [];

/** What `keyturn token verify` says: "valid" or its reason. */
function cliOn(token: string): string {
  const verdict = judge({ token, ring, jwks, nowMs: epoch });
  return verdict.valid ? "valid" : verdict.reason;
}

/** The CLI's words where they are others: fewer, since a person reads the message; and what it does not look at. */
const differently: Partial<Record<RefusalReason, readonly string[]>> = {
  TooLarge: ["Malformed"],
  TooDeep: ["Malformed", "valid"],
  DuplicateMember: ["Malformed"],
  // The types of sub, jti and the members of aud
  ClaimInvalid: ["valid", "AudienceMismatch"],
  ClaimMissing: ["ClaimInvalid"],
  // The gateway looks at the signature before it reads the claims, the CLI after
  SignatureInvalid: ["Malformed"],
};

describe("the reasons of verify and of `keyturn token verify`", () => {
  const corpus = [
    ...[algorithmConfusion, none, wrongKey, headerInjection, kids, base64urls, duplicates, malleability],
    ...[ecdsaNumbers, claimTypes, hugeAndDeep, timeEdges],
  ].flat();

  test.each(corpus)("$name: $reason", ({ token, reason }) => {
    expect([reason, ...(differently[reason] ?? [])]).toContain(cliOn(token));
  });

  test("agree on good tokens", () => {
    expect((["ES256", "EdDSA", "RS256", "PS256"] as const).map((by) => cliOn(tokenOf({ pair: keyOf(by) })))).toEqual(
      Array(4).fill("valid"),
    );
  });
});
