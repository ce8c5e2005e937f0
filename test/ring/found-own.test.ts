import { describe, expect, it } from "vitest";
import { classify, type Found, type Reading } from "../../src/ring/found.ts";
import type { AdoptableKey } from "../../src/ring/plan.ts";
import { keysOf } from "../../src/ring/ring.ts";
import { active, leaving, ringOf, verifyOnly, withoutStandby } from "../support/rings.ts";
import { copy, found, verdictOf } from "../support/found.ts";

const key = (kid: string): AdoptableKey => ({ kid, algorithm: "ES256", createdAtMs: 1 });
const threeFiles = (kid: string): Reading => ({ kind: "adoptable", signer: key(kid), verifyOnly: [] });
const revoked = { kid: "gone", revokedAtMs: 1 };

describe("classify, where a key in an adoptable form stands beside a ring,", () => {
  const ring = withoutStandby({
    generation: 5,
    signer: active("s5"),
    retiring: [verifyOnly("k0")],
    revoked: [revoked],
  });
  const beside = (kid: string): Found =>
    found({
      ring: { kind: "ring", ring, halves: ["s5"] },
      signer: threeFiles(kid),
      public: { kind: "ring", ring, halves: [] },
    });

  it.each(["s5", "k0", "gone"])("goes on where the ring knows the kid: %s", (kid) => {
    expect(verdictOf(classify(beside(kid)))).toBe("ring5");
  });

  it("refuses somebody's own key, whose only copy it may be", () => {
    const problem = "it holds a key that the ring does not know; move it away, or remove the ring to adopt it";
    const verdict = classify(beside("own"));
    expect(verdict).toMatchObject({ kind: "ring", conflicts: [{ object: "signer", problem }] });
    expect(verdict).not.toHaveProperty("projections.signer");
  });

  it("rebuilds a lost ring with the half of the signer that stands in it", () => {
    const verdict = classify(found({ signer: threeFiles("s4"), public: copy(4) }));
    expect(verdict).toMatchObject({ kind: "lost", halves: ["s4"] });
  });
});

describe("classify, where a recovery brings keys along,", () => {
  const bringing = (count: number, seen: Partial<Found>) => {
    const alsoVerify = Array.from({ length: count }, (_, i) => key(`brought${i}`));
    return classify(found({ claims: [{ by: "gw-1", generation: 9 }], recovery: { alsoVerify }, ...seen }));
  };
  const ring = ringOf({ generation: 5 });
  const old: Partial<Found> = { ring: { kind: "ring", ring, halves: [] } };
  const room = 14 - keysOf(ring).length;

  it("hands them to a ring that begins when nothing is left", () => {
    expect(bringing(2, {})).toMatchObject({ kind: "nothing", alsoVerify: [{ kid: "brought0" }, { kid: "brought1" }] });
  });

  it("hands them to an adoption", () => {
    expect(bringing(1, { signer: threeFiles("own") })).toMatchObject({
      kind: "adoptable",
      verifyOnly: [{ kid: "brought0" }],
    });
  });

  it.each([
    [room - 1, "lost5"],
    [room, "lost5"],
    [room + 1, "RecoveryRefused"],
  ])("leaves room for a standby and an emergency: %i keys more, %s", (count, verdict) => {
    expect(verdictOf(bringing(count, old))).toBe(verdict);
  });

  const own = ringOf({ generation: 5, retiring: [verifyOnly("theirs", { thumbprint: "T" })] });
  const beside = (brought: AdoptableKey, seen: Partial<Found>) =>
    classify(found({ claims: [{ by: "gw-1", generation: 9 }], recovery: { alsoVerify: [brought] }, ...seen }));
  const adopted: Reading = {
    kind: "adoptable",
    signer: key("own"),
    verifyOnly: [{ ...key("theirs"), thumbprint: "T" }],
  };
  const places: readonly (readonly [string, Partial<Found>, string])[] = [
    ["the ring", { ring: { kind: "ring", ring: own, halves: [] } }, "lost5"],
    ["the keys that are adopted", { signer: adopted }, "adoptable"],
  ];

  it.each(places)("takes one that is in %s already, as it is there", (_, seen, verdict) => {
    expect(verdictOf(beside({ ...key("theirs"), thumbprint: "T" }, seen))).toBe(verdict);
  });

  it.each(places)("refuses one whose kid another key has in %s", (_, seen) => {
    for (const brought of [{ ...key("theirs"), thumbprint: "U" }, key("theirs")]) {
      expect(beside(brought, seen)).toStrictEqual({
        kind: "stalled",
        reason: "RecoveryRefused",
        message: "the recovery brings key theirs, and another key has that kid already: leave it out",
      });
    }
  });

  it.each(places)("refuses one that has another kid in %s", (_, seen) => {
    for (const brought of [{ ...key("mine"), thumbprint: "T" }, key("T")]) {
      expect(beside(brought, seen)).toStrictEqual({
        kind: "stalled",
        reason: "RecoveryRefused",
        message: `the recovery brings key ${brought.kid}, which is there under the kid theirs: leave it out`,
      });
    }
  });

  it("says how many a ring has room for", () => {
    expect(bringing(room + 1, old)).toMatchObject({
      message: `the recovery brings ${room + 1} keys, and the ring has room for ${room}: bring fewer`,
    });
  });

  it.each([
    [13, "nothing"],
    [14, "RecoveryRefused"],
  ])("counts the signer of a ring that begins: %i keys, %s", (count, verdict) => {
    expect(verdictOf(bringing(count, {}))).toBe(verdict);
  });

  it.each([
    [11, "adoptable"],
    [12, "RecoveryRefused"],
  ])("counts the keys that are adopted: %i keys beside three, %s", (count, verdict) => {
    const signer: Reading = { kind: "adoptable", signer: key("own"), verifyOnly: [key("older"), key("oldest")] };
    expect(verdictOf(bringing(count, { signer }))).toBe(verdict);
  });

  it.each([14, 15, 16])("rebuilds a ring of %i keys with the keys that it has, and has room for none", (count) => {
    const full = ringOf({ generation: 5, retiring: leaving(count - 2) });
    const seen: Partial<Found> = { ring: { kind: "ring", ring: full, halves: [] } };
    const claims = [{ by: "gw-1", generation: 9 }];
    const withKey = (kid: string) => classify(found({ ...seen, claims, recovery: { alsoVerify: [key(kid)] } }));
    expect(verdictOf(withKey("v1"))).toBe("lost5");
    expect(withKey("new")).toMatchObject({
      message: "the recovery brings 1 keys, and the ring has room for 0: bring fewer",
    });
  });

  it.each([14, 15, 16])("rebuilds a ring of %i keys where nothing is brought", (count) => {
    const full = ringOf({ generation: 5, retiring: leaving(count - 2) });
    expect(verdictOf(classify(found({ public: { kind: "ring", ring: full, halves: [] } })))).toBe("lost5");
  });

  it("says nothing of brought keys where there are none", () => {
    const verdict = classify(found({ recovery: { alsoVerify: [] } }));
    expect(verdict).toStrictEqual({ kind: "nothing", generationFloor: 0 });
  });

  it("is not refused where the ring goes on: nothing is brought", () => {
    const alsoVerify = Array.from({ length: 20 }, (_, i) => key(`brought${i}`));
    expect(verdictOf(classify(found({ ...old, recovery: { alsoVerify } })))).toBe("ring5");
  });

  it("does not count a kid that the ring has, or one that is named twice", () => {
    const kid = ring.signer.kid;
    const alsoVerify = Array.from({ length: 20 }, () => key(kid));
    expect(
      verdictOf(classify(found({ ...old, claims: [{ by: "gw-1", generation: 9 }], recovery: { alsoVerify } }))),
    ).toBe("lost5");
  });
});
