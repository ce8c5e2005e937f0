import { describe, expect, it } from "vitest";
import { classify, type Found, type Reading, type Stall } from "../../src/ring/found.ts";
import type { AdoptableKey, Stored } from "../../src/ring/plan.ts";
import { revokedLimit, type Revocation } from "../../src/ring/ring.ts";
import { active, ringOf, verifyOnly, withoutStandby } from "../support/rings.ts";
import { day, epoch, second } from "../support/story.ts";

const nowSeconds = epoch / second;
const old: AdoptableKey = { kid: "old", algorithm: "ES256", createdAtMs: 1 };
const older: AdoptableKey = { kid: "older", algorithm: "ES256", createdAtMs: 0 };

/** A ring whose signer is called after its generation: `s5`. */
const copy = (generation: number, ...halves: readonly string[]): Reading => ({
  kind: "ring",
  ring: withoutStandby({ generation, signer: active(`s${generation}`) }),
  halves,
});
const readings: Readonly<Record<string, Reading>> = {
  absent: { kind: "absent" },
  unreadable: { kind: "unreadable", problem: "$.keys must be a list" },
  foreign: { kind: "foreign", problem: "it has no label of ours" },
  adoptable: { kind: "adoptable", signer: old, verifyOnly: [older] },
  "4": copy(4, "s4"),
  "5": copy(5, "s5"),
  "6": copy(6, "s6"),
};
const reading = (name: string): Reading => readings[name] ?? { kind: "absent" };
const found = (change: Partial<Found> = {}): Found => ({
  ring: reading("absent"),
  signer: reading("absent"),
  public: reading("absent"),
  claims: [],
  nowMs: epoch,
  ...change,
});

/** One word for a verdict: which ring, what it is rebuilt from, or why nothing goes on. */
function verdictOf(verdict: Stored | Stall): string {
  switch (verdict.kind) {
    case "stalled":
      return verdict.reason;
    case "ring":
      return `ring${verdict.ring.generation}`;
    case "lost":
      return `lost${verdict.remains.generation}`;
    case "nothing":
    case "adoptable":
      return verdict.kind;
    default:
      return verdict satisfies never;
  }
}

/** Rows: the signer object; columns: the public object. */
const tables: Readonly<Record<string, string>> = {
  absent: `
                absent          4               6               unreadable      foreign
    absent      nothing         lost4           lost6           RingUnreadable  SecretConflict
    4           lost4           lost4           lost6           lost4           SecretConflict
    6           lost6           lost6           lost6           lost6           SecretConflict
    unreadable  RingUnreadable  lost4           lost6           RingUnreadable  SecretConflict
    adoptable   adoptable       lost4           lost6           RingUnreadable  SecretConflict
    foreign     SecretConflict  SecretConflict  SecretConflict  SecretConflict  SecretConflict`,
  "5": `
                absent          4               5               6               unreadable      foreign
    absent      ring5           ring5           ring5           lost6           ring5           SecretConflict
    4           ring5           ring5           ring5           lost6           ring5           SecretConflict
    5           ring5           ring5           ring5           lost6           ring5           SecretConflict
    6           lost6           lost6           lost6           lost6           lost6           SecretConflict
    unreadable  ring5           ring5           ring5           lost6           ring5           SecretConflict
    adoptable   ring5           ring5           ring5           lost6           ring5           SecretConflict
    foreign     SecretConflict  SecretConflict  SecretConflict  SecretConflict  SecretConflict  SecretConflict`,
  unreadable: `
                absent          4               unreadable      foreign
    absent      RingUnreadable  RingUnreadable  RingUnreadable  SecretConflict
    4           RingUnreadable  RingUnreadable  RingUnreadable  SecretConflict
    unreadable  RingUnreadable  RingUnreadable  RingUnreadable  SecretConflict
    adoptable   RingUnreadable  RingUnreadable  RingUnreadable  SecretConflict
    foreign     SecretConflict  SecretConflict  SecretConflict  SecretConflict`,
  foreign: `
                absent          4               unreadable      foreign
    absent      SecretConflict  SecretConflict  SecretConflict  SecretConflict
    4           SecretConflict  SecretConflict  SecretConflict  SecretConflict
    unreadable  SecretConflict  SecretConflict  SecretConflict  SecretConflict
    adoptable   SecretConflict  SecretConflict  SecretConflict  SecretConflict
    foreign     SecretConflict  SecretConflict  SecretConflict  SecretConflict`,
};

interface Cell {
  readonly ring: string;
  readonly signer: string;
  readonly open: string;
  readonly verdict: string;
}

const cells: readonly Cell[] = Object.entries(tables).flatMap(([ring, table]) => {
  const [head = [], ...rows] = table
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/));
  return rows.flatMap(([signer = "", ...verdicts]) =>
    verdicts.map((verdict, i) => ({ ring, signer, open: head[i] ?? "", verdict })),
  );
});

describe("classify", () => {
  it.each(cells)("ring $ring, signer $signer, public $open: $verdict", ({ ring, signer, open, verdict }) => {
    const seen = found({ ring: reading(ring), signer: reading(signer), public: reading(open) });
    expect(verdictOf(classify(seen))).toBe(verdict);
  });

  it("takes the ring object as the truth, and shows what the projections say", () => {
    const verdict = classify(found({ ring: copy(5), signer: copy(4), public: copy(5) }));
    expect(verdict).toEqual({
      kind: "ring",
      ring: withoutStandby({ generation: 5, signer: active("s5") }),
      projections: { signer: { generation: 4, kids: ["s4"] }, public: { generation: 5, kids: ["s5"] } },
    });
  });

  it("lists every kid of a projection", () => {
    const ring = ringOf({ retiring: [verifyOnly("k0")] });
    const verdict = classify(
      found({ ring: { kind: "ring", ring, halves: [] }, public: { kind: "ring", ring, halves: [] } }),
    );
    expect(verdict).toMatchObject({ projections: { public: { generation: 100, kids: ["k1", "k2", "k0"] } } });
    expect(verdict).not.toHaveProperty("projections.signer");
  });

  it("hands over the keys that are to be adopted", () => {
    expect(classify(found({ signer: reading("adoptable") }))).toEqual({
      kind: "adoptable",
      generationFloor: 0,
      signer: old,
      verifyOnly: [older],
    });
  });

  it("says what is in the way of a write, first of all for the ring object", () => {
    const foreign = reading("foreign");
    const messageOf = (change: Partial<Found>) => classify(found(change));
    const about = (name: string) => ({
      kind: "stalled",
      reason: "SecretConflict",
      message: `the ${name} object is not Keyturn's: it has no label of ours`,
    });
    expect(messageOf({ public: foreign })).toEqual(about("public"));
    expect(messageOf({ signer: foreign, public: foreign })).toEqual(about("signer"));
    expect(messageOf({ ring: foreign, signer: foreign, public: foreign })).toEqual(about("ring"));
  });

  it("does not let a recovery overwrite what belongs to others", () => {
    const verdict = classify(found({ signer: reading("foreign"), recovery: { alsoVerify: [] } }));
    expect(verdict).toMatchObject({ reason: "SecretConflict" });
  });

  it("says why a ring object can't be read, and the remedy", () => {
    expect(classify(found({ ring: reading("unreadable"), public: copy(4) }))).toEqual({
      kind: "stalled",
      reason: "RingUnreadable",
      message:
        "the ring object can't be read: $.keys must be a list; request a recovery to rebuild it from its projections",
    });
  });
});

describe("classify damaged projections without a ring object", () => {
  it("makes no ring anew: it says what is damaged, and the remedy", () => {
    expect(classify(found({ public: reading("unreadable") }))).toEqual({
      kind: "stalled",
      reason: "RingUnreadable",
      message:
        "the ring object is gone, and what is left of its projections can't be read: $.keys must be a list; restore it or request a recovery",
    });
  });

  it("says rather who saw a ring, when somebody did", () => {
    const seen = found({ public: reading("unreadable"), claims: [{ by: "status", generation: 6 }] });
    expect(verdictOf(classify(seen))).toBe("RingRolledBack");
  });

  it("begins or adopts when a recovery is requested: there is nothing to rebuild it from", () => {
    const recovery = { alsoVerify: [] };
    expect(verdictOf(classify(found({ public: reading("unreadable"), recovery })))).toBe("nothing");
    const adoptable = { signer: reading("adoptable"), public: reading("unreadable") };
    expect(verdictOf(classify(found({ ...adoptable, recovery })))).toBe("adoptable");
  });
});

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
    expect(verdict).toEqual({
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
    expect(verdict.remains.revoked).toEqual(withReason.revoked);
  });

  const remembering = (generation: number, ...revoked: readonly Revocation[]): Reading => ({
    kind: "ring",
    ring: ringOf({ generation, revoked }),
    halves: [],
  });
  const r = (kid: string, revokedAtMs: number): Revocation => ({ kid, revokedAtMs });

  it("unites the revocations of all copies, oldest first, each once", () => {
    const verdict = lost({
      ring: remembering(5, r("a", 1), r("c", 3)),
      signer: remembering(4, r("d", 4), r("a", 9)),
      public: remembering(6, r("b", 2), r("a", 1)),
    });
    expect(verdict.remains.revoked).toEqual([r("a", 1), r("b", 2), r("c", 3), r("d", 4)]);
    expect(verdict.remains.generation).toBe(6);
  });

  it.each([
    ["at the limit", revokedLimit - 1, "r0"],
    ["one above it", revokedLimit, "r1"],
  ])("lets the oldest go where all of them are more than a ring may hold: %s", (...[, count, oldest]) => {
    const many = Array.from({ length: count }, (_, i) => r(`r${i}`, 10 + i));
    const { revoked } = lost({ ring: remembering(5, r("new", day)), public: remembering(6, ...many) }).remains;
    expect(revoked).toHaveLength(revokedLimit);
    expect([revoked[0]?.kid, revoked.at(-1)?.kid]).toEqual([oldest, "new"]);
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

describe("classify a recovery that is not needed", () => {
  it("goes on with the ring", () => {
    const verdict = classify(found({ ring: copy(5), signer: copy(5), public: copy(5), recovery: { alsoVerify: [] } }));
    expect(verdictOf(verdict)).toBe("ring5");
  });
});
