import { describe, expect, it } from "vitest";
import { classify, type Found } from "../../src/ring/found.ts";
import { active, ringOf, verifyOnly, withoutStandby } from "../support/rings.ts";
import { copy, found, old, older, reading, verdictOf } from "../support/found.ts";

/** Rows: the signer object; columns: the public object. */
const tables: Readonly<Record<string, string>> = {
  absent: `
                absent          4               6               unreadable      foreign
    absent      nothing         lost4           lost6           RingUnreadable  SecretConflict
    4           lost4           lost4           lost6           lost4           SecretConflict
    6           lost6           lost6           lost6           lost6           SecretConflict
    unreadable  RingUnreadable  lost4           lost6           RingUnreadable  SecretConflict
    adoptable   adoptable       SecretConflict  SecretConflict  RingUnreadable  SecretConflict
    foreign     SecretConflict  SecretConflict  SecretConflict  SecretConflict  SecretConflict`,
  "5": `
                absent          4               5               6               unreadable      foreign
    absent      ring5           ring5           ring5           lost6           ring5           held5
    4           ring5           ring5           ring5           lost6           ring5           held5
    5           ring5           ring5           ring5           lost6           ring5           held5
    6           lost6           lost6           lost6           lost6           lost6           SecretConflict
    unreadable  ring5           ring5           ring5           lost6           ring5           held5
    adoptable   held5           held5           held5           SecretConflict  held5           held5
    foreign     held5           held5           held5           SecretConflict  held5           held5`,
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
    expect(verdict).toStrictEqual({
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
    expect(classify(found({ signer: reading("adoptable") }))).toStrictEqual({
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
    expect(messageOf({ public: foreign })).toStrictEqual(about("public"));
    expect(messageOf({ signer: foreign, public: foreign })).toStrictEqual(about("signer"));
    expect(messageOf({ ring: foreign, signer: foreign, public: foreign })).toStrictEqual(about("ring"));
  });

  it("does not let a recovery overwrite what belongs to others", () => {
    const verdict = classify(found({ signer: reading("foreign"), recovery: { alsoVerify: [] } }));
    expect(verdict).toMatchObject({ reason: "SecretConflict" });
  });

  it("says why a ring object can't be read, and the remedy", () => {
    expect(classify(found({ ring: reading("unreadable"), public: copy(4) }))).toStrictEqual({
      kind: "stalled",
      reason: "RingUnreadable",
      message:
        "the ring object can't be read: $.keys must be a list; request a recovery to rebuild it from its projections",
    });
  });
});

describe("classify a ring that grew from an older copy", () => {
  const grown = withoutStandby({ generation: 7, writes: ["w4", "x5", "x6", "x7"] });
  const ring: Found["ring"] = { kind: "ring", ring: grown, halves: ["k1"] };
  const saw = (generation: number, writeId?: string): Found["claims"][number] => ({
    by: "gateway-1",
    generation,
    ...(writeId !== undefined && { writeId }),
  });

  it("says who saw another ring of a generation that it has been through", () => {
    expect(classify(found({ ring, claims: [saw(6, "w6"), saw(7, "x7")] }))).toStrictEqual({
      kind: "stalled",
      reason: "RingRolledBack",
      message:
        "gateway-1 (generation 6) saw a ring that the one here does not come from: it grew from an older copy; the newest ring here has generation 7; restore it or request a recovery",
    });
  });

  it("knows by the projections, too, when the ring is gone", () => {
    expect(verdictOf(classify(found({ public: ring, claims: [saw(5, "w5")] })))).toBe("RingRolledBack");
  });

  it.each([
    ["the same write", saw(6, "x6")],
    ["one from before the fork", saw(4, "w4")],
    ["one before all that it remembers", saw(3, "z3")],
    ["a generation alone", saw(6)],
  ])("goes on where somebody saw %s", (_, claim) => {
    expect(verdictOf(classify(found({ ring, claims: [claim] })))).toBe("ring7");
  });

  it("goes on where the ring remembers no writes", () => {
    expect(verdictOf(classify(found({ ring: copy(7), claims: [saw(6, "w6")] })))).toBe("ring7");
  });

  it("is rebuilt when a recovery is requested, above all that was seen", () => {
    const verdict = classify(found({ ring, claims: [saw(6, "w6")], recovery: { alsoVerify: [] } }));
    expect(verdict).toMatchObject({ kind: "lost", why: "recoveryRequested", generationFloor: 7 });
  });
});

describe("classify damaged projections without a ring object", () => {
  it("makes no ring anew: it says what is damaged, and the remedy", () => {
    expect(classify(found({ public: reading("unreadable") }))).toStrictEqual({
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

describe("classify a recovery that is not needed", () => {
  it("goes on with the ring", () => {
    const verdict = classify(found({ ring: copy(5), signer: copy(5), public: copy(5), recovery: { alsoVerify: [] } }));
    expect(verdictOf(verdict)).toBe("ring5");
  });
});
