import { describe, expect, test } from "vitest";
import { keysOf } from "../../../src/ring/ring.ts";
import { classes } from "../../jwt/attacks/corpus.ts";
import { keyOf, ringOfAll, tokenOf } from "../../jwt/support/world.ts";
import { algorithms } from "../../../src/ring/key.ts";
import { opened, reasonOf } from "./support/opened.ts";

const { ring, publicJwks } = ringOfAll();
/** The keys of the corpus, as its gateways publish them. */
const jwks = {
  keys: keysOf(ring).map(({ kid, profile }) => ({ ...publicJwks.get(kid), kid, alg: profile.algorithm, use: "sig" })),
};

describe.each(Object.entries(classes))("attack on a verifier of a JWK Set: %s", async (_, attacks) => {
  const { verifier } = await opened({ jwks });

  test.each(attacks)("$name: $reason", async ({ token, reason }) => {
    expect(await reasonOf(verifier, token)).toBe(reason);
    for (const algorithm of algorithms.slice(0, 5)) await verifier.verify(tokenOf({ pair: keyOf(algorithm) }));
    expect(await reasonOf(verifier, token)).toBe(reason);
    expect(verifier.verifyNow(token)).toEqual({ ok: false, reason });
  });
});

test.each(["ES256", "ES384", "ES512", "EdDSA", "RS256", "PS256"] as const)(
  "a verifier of a JWK Set takes the good tokens that the attacks alter: %s",
  async (algorithm) => {
    const { verifier } = await opened({ jwks });
    expect(await reasonOf(verifier, tokenOf({ pair: keyOf(algorithm) }))).toBe("ok");
  },
);
