import { expect, test } from "vitest";
import { pairOf } from "../support/keys.ts";
import { epoch } from "../support/story.ts";
import { keyOf, now, ringOfAll, tokenOf, verifierOf } from "./support/world.ts";
import { compileRing, type Verifier } from "../../src/jwt/verifier.ts";

const { kid } = keyOf("ES256");
const count = (verifier: Verifier, of = kid): number | undefined => verifier.keys.get(of)?.tally.accepted;

test("a key counts each token of it that is found good, remembered or not, and no other", () => {
  for (const cacheEntries of [0, 4096]) {
    const verifier = verifierOf({}, { cacheEntries });
    const token = tokenOf();
    for (let nth = 0; nth < 3; nth++) verifier.verify(token, epoch);
    verifier.verify(tokenOf({ pair: keyOf("RS256") }), epoch);
    const refused = [
      verifier.verify(`${token}x`, epoch),
      verifier.verify(tokenOf({ claims: { exp: now - 600, iat: now - 700 } }), epoch),
      verifier.verify(tokenOf({ pair: pairOf("ES256", 3) }), epoch),
      verifier.verify(token, epoch, { claims: ["tenant"] }),
    ];
    expect(refused.map(({ ok }) => ok)).toEqual([false, false, false, false]);
    expect([count(verifier), count(verifier, keyOf("RS256").kid), count(verifier, keyOf("EdDSA").kid)]).toEqual([
      ...[3, 1, 0],
    ]);
  }
});

test("the count stays with a key that stays the same in another ring", () => {
  const before = verifierOf();
  before.verify(tokenOf(), epoch);
  const after = compileRing(ringOfAll({ generation: 99 }), { previous: before });
  after.verify(tokenOf(), epoch);
  expect(count(after)).toBe(2);
});
