import { describe, expect, test } from "vitest";
import { refusalReasons } from "../../src/jwt/reasons.ts";
import { algorithms } from "../../src/ring/key.ts";
import { epoch } from "../support/story.ts";
import { classes, corpus } from "./attacks/corpus.ts";
import { keyOf, reasonOf, tokenOf, verifierOf } from "./support/world.ts";

describe.each(Object.entries(classes))("attack: %s", (_, attacks) => {
  const verifier = verifierOf();

  test.each(attacks)("$name: $reason", ({ token, reason }) => {
    expect(reasonOf(token, verifier)).toBe(reason);
    // Neither what was learned of good tokens nor what is remembered of them lets one in
    for (const pair of algorithms.slice(0, 5).map(keyOf)) verifier.verify(tokenOf({ pair }), epoch);
    expect(reasonOf(token, verifier)).toBe(reason);
  });
});

describe("the corpus", () => {
  test("has at least 80 tokens, no two alike, under names that tell them apart", () => {
    expect(corpus.length).toBeGreaterThanOrEqual(80);
    expect(new Set(corpus.map(({ token }) => token)).size).toBe(corpus.length);
    for (const attacks of Object.values(classes)) {
      expect(new Set(attacks.map(({ name }) => name)).size).toBe(attacks.length);
    }
  });

  test("has every reason but those that are no attack", () => {
    const seen = new Set(corpus.map(({ reason }) => reason));
    expect(refusalReasons.filter((reason) => !seen.has(reason))).toEqual(["KeyRevoked", "Revoked", "ScopeMissing"]);
  });

  test.each(["ES256", "ES384", "ES512", "EdDSA", "RS256", "PS256"] as const)(
    "alters tokens that are good before: %s",
    (algorithm) => {
      expect(reasonOf(tokenOf({ pair: keyOf(algorithm) }))).toBe("ok");
    },
  );
});
