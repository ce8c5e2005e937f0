import { describe, expect, it } from "vitest";
import { classify, type Found, type Reading } from "../../src/ring/found.ts";
import { revokedLimit, type Revocation } from "../../src/ring/ring.ts";
import { copy, found, older, reading, verdictOf } from "../support/found.ts";
import { active, ringOf, verifyOnly, withoutStandby } from "../support/rings.ts";
import { day, epoch, second } from "../support/story.ts";

const nowSeconds = epoch / second;

describe("classify a lost ring", () => {
  const lost = (change: Partial<Found>) => {
    const verdict = classify(found(change));
    if (verdict.kind !== "lost") throw new TypeError(`Cannot look at "${verdict.kind}": must be lost`);
    return verdict;
  };

  it.each<[string, Partial<Found>, number, readonly string[]]>([
    ["gone, with both projections", { signer: copy(6, "s6"), public: copy(6) }, 0, ["s6"]],
    ["gone, with the public object", { public: copy(6) }, 0, []],
    ["older than a projection", { ring: copy(5, "s5", "standby"), signer: copy(6, "s6") }, 5, ["s5", "standby", "s6"]],
    ["older than the public object", { ring: copy(5, "s5"), public: copy(6) }, 5, ["s5"]],
  ])("says which generation it replaces and where halves are: %s", (...[, change, baseGeneration, halves]) => {
    expect(lost(change)).toMatchObject({ baseGeneration, halves, generationFloor: 6, why: "ringLost", alsoVerify: [] });
  });

  it("replaces an unreadable ring object when a recovery is requested, with the keys that were brought", () => {
    const verdict = lost({ ring: reading("unreadable"), signer: copy(4, "s4"), recovery: { alsoVerify: [older] } });
    expect(verdict).toStrictEqual({
      kind: "lost",
      generationFloor: 4,
      baseGeneration: 0,
      remains: withoutStandby({ generation: 4, signer: active("s4") }),
      halves: ["s4"],
      why: "recoveryRequested",
      alsoVerify: [older],
    });
  });

  it("prefers the signer object, which knows the reasons of revocations, among equals", () => {
    const withReason = ringOf({ revoked: [{ kid: "r", revokedAtMs: 1, reason: "stolen" }] });
    const blank = ringOf({ revoked: [{ kid: "r", revokedAtMs: 1 }] });
    const verdict = lost({
      signer: { kind: "ring", ring: withReason, halves: [] },
      public: { kind: "ring", ring: blank, halves: [] },
    });
    expect(verdict.remains.revoked).toStrictEqual(withReason.revoked);
  });

  const remembering = (generation: number, ...revoked: readonly Revocation[]): Reading => ({
    kind: "ring",
    ring: ringOf({ generation, revoked }),
    halves: [],
  });
  const r = (kid: string, revokedAtMs: number): Revocation => ({ kid, revokedAtMs });

  it("unites the revocations of all copies, oldest first, each once", () => {
    const verdict = lost({
      ring: remembering(5, r("a", 1), r("c", 3), r("d", 4)),
      signer: remembering(4, r("d", 4), r("a", 9)),
      public: remembering(6, r("b", 2), r("a", 1)),
    });
    expect(verdict.remains.revoked).toStrictEqual([r("a", 1), r("b", 2), r("c", 3), r("d", 4)]);
    expect(verdict.remains.generation).toBe(6);
  });

  it.each([
    ["at the limit", revokedLimit - 1, "r0"],
    ["one above it", revokedLimit, "r1"],
  ])("lets the oldest go where all of them are more than a ring may hold: %s", (...[, count, oldest]) => {
    const many = Array.from({ length: count }, (_, i) => r(`r${i}`, 10 + i));
    const { revoked } = lost({ ring: remembering(5, r("new", day)), public: remembering(6, ...many) }).remains;
    expect(revoked).toHaveLength(revokedLimit);
    expect([revoked[0]?.kid, revoked.at(-1)?.kid]).toStrictEqual([oldest, "new"]);
  });
});

describe("classify claims of others", () => {
  const claim = (generation: number, by = "gw-1") => ({ claims: [{ by, generation }] });

  it.each([
    ["an older ring", 4, "ring5"],
    ["this very ring", 5, "ring5"],
    ["a newer ring", 6, "RingRolledBack"],
    ["the newest ring that can be", nowSeconds + 1_000_000, "RingRolledBack"],
    ["a ring that can't be", nowSeconds + 1_000_001, "ring5"],
  ])("that saw %s", (...[, generation, verdict]) => {
    expect(verdictOf(classify(found({ ring: copy(5), ...claim(generation) })))).toBe(verdict);
  });

  it("counts whole seconds when it asks what can be", () => {
    const atTheEdge = { ring: copy(5), ...claim(nowSeconds + 1_000_001) };
    expect(verdictOf(classify(found({ ...atTheEdge, nowMs: epoch + 999 })))).toBe("ring5");
    expect(verdictOf(classify(found({ ...atTheEdge, nowMs: epoch + 1000 })))).toBe("RingRolledBack");
  });

  it.each([
    ["nothing", {}],
    ["an adoptable Secret", { signer: reading("adoptable") }],
    ["older projections", { signer: copy(4), public: copy(5) }],
    ["an older ring object with older projections", { ring: copy(4), signer: copy(5) }],
  ])("stall it when they saw more than %s", (_, change) => {
    expect(verdictOf(classify(found({ ...change, ...claim(6) })))).toBe("RingRolledBack");
  });

  it("don't stall it when a projection is as new: the ring is rebuilt from that", () => {
    expect(verdictOf(classify(found({ ring: copy(4), public: copy(6), ...claim(6) })))).toBe("lost6");
  });

  it("are named, those alone that saw more, and what is here", () => {
    const claims = [
      { by: "gw-1", generation: 7 },
      { by: "gw-2", generation: 5 },
      { by: "status", generation: 6 },
      { by: "gw-liar", generation: nowSeconds * 2 },
    ];
    const messageOf = (change: Partial<Found>) => {
      const verdict = classify(found({ claims, ...change }));
      return verdict.kind === "stalled" ? verdict.message : verdict.kind;
    };
    expect(messageOf({ ring: copy(5) })).toBe(
      "gw-1 (generation 7), status (generation 6) saw a newer ring, and the newest ring here has generation 5; restore it or request a recovery",
    );
    expect(messageOf({})).toBe(
      "gw-1 (generation 7), gw-2 (generation 5), status (generation 6) saw a newer ring, and there is no ring any more; restore it or request a recovery",
    );
  });

  it("raise the floor of generations in a recovery, the credible ones alone", () => {
    const recovery = { alsoVerify: [older] };
    const claims = [...claim(9).claims, { by: "gw-liar", generation: nowSeconds * 2 }];
    expect(classify(found({ claims, recovery }))).toMatchObject({ generationFloor: 9 });
    expect(classify(found({ claims, recovery, signer: reading("adoptable") }))).toMatchObject({
      kind: "adoptable",
      generationFloor: 9,
    });
    expect(classify(found({ claims, recovery, ring: copy(5, "s5"), public: copy(4) }))).toMatchObject({
      kind: "lost",
      generationFloor: 9,
      baseGeneration: 5,
      why: "recoveryRequested",
      alsoVerify: [older],
      halves: ["s5"],
    });
  });

  it("leave the floor at what is stored when they saw less", () => {
    expect(classify(found({ public: copy(6), ...claim(5) }))).toMatchObject({ kind: "lost", generationFloor: 6 });
  });
});

describe("classify of a ring that shares its generation with a projection", () => {
  const ringReading = (...kids: readonly [string, ...string[]]): Reading => ({
    kind: "ring",
    ring: withoutStandby({
      generation: 5,
      signer: active(kids[0]),
      retiring: kids.slice(1).map((kid) => verifyOnly(kid)),
    }),
    halves: kids,
  });

  it.each([
    ["the same keys", ringReading("k1", "k2"), "ring5"],
    ["another key", ringReading("k1", "k3"), "lost5"],
    ["a key more", ringReading("k1", "k2", "k3"), "lost5"],
    ["a key less", ringReading("k1"), "lost5"],
  ])("which has %s", (_, projection, expected) => {
    const ring = ringReading("k1", "k2");
    expect(verdictOf(classify(found({ ring, signer: projection, public: ring })))).toBe(expected);
    expect(verdictOf(classify(found({ ring, signer: ring, public: projection })))).toBe(expected);
  });
});
