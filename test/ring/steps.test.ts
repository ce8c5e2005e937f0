import { describe, expect, it } from "vitest";
import type { Plan, Step } from "../../src/ring/plan.ts";
import { keysOf, type Ring } from "../../src/ring/ring.ts";
import { applyPlan, applyStep, needsFreshKey } from "../../src/ring/steps.ts";
import { active, omit, planFor, prepared, ringOf, settings, verifyOnly, withoutStandby } from "../support/rings.ts";
import { day, epoch, hour, minute, policy } from "../support/story.ts";

const { profile } = policy;
const stamp = { nowMs: epoch, generation: 101 };
const apply = (step: Step, ring: Ring | undefined = ringOf(), freshKid = "fresh") =>
  applyStep(ring, step, { ...stamp, freshKid });
const rotation = { namespace: "default", name: "gateway" };
const begin: Step = { type: "begin", rotation, settings, profile, waitMs: minute, handledRequests: ["spec:a"] };
const create: Step = { type: "create", as: "prepared", profile, waitMs: minute };
const emergency: Step = {
  type: "create",
  as: "active",
  profile,
  waitMs: minute,
  why: "signerLost",
  handledRequests: ["x"],
};
const planOf = (...steps: readonly Step[]): Plan => ({
  baseGeneration: 100,
  nextGeneration: 101,
  nowMs: epoch,
  steps,
  gates: [],
  nextCheckAtMs: epoch + day,
});

describe("applyPlan", () => {
  it("returns the ring after all steps, under the next generation", () => {
    const ring = applyPlan(ringOf(), planFor(ringOf(), { requests: ["spec:now"] }), ["k3"]);
    expect(ring).toStrictEqual(
      ringOf({
        generation: 101,
        signer: active("k2", { activatedAtMs: epoch }),
        standby: omit(prepared("k3", { createdAtMs: epoch }), "publishedAtMs"),
        retiring: [verifyOnly("k1", { demotedAtMs: epoch, demotedInGeneration: 101 })],
        handledRequests: ["spec:now"],
      }),
    );
  });

  describe("with an id for the write", () => {
    const before = ringOf({ writes: ["a", "b"] });
    const unnamed = planOf({ type: "seeRequests", handledRequests: ["spec:now"] });
    const plan = { ...unnamed, writeId: "c" };

    it("adds it to those of the writes before", () => {
      expect(applyPlan(before, plan, [])?.writes).toStrictEqual(["a", "b", "c"]);
      expect(applyPlan(ringOf(), plan, [])?.writes).toStrictEqual(["c"]);
    });

    it("keeps the last 64", () => {
      const many = ringOf({ writes: Array.from({ length: 64 }, (_, nth) => `w${nth}`) });
      const writes = applyPlan(many, plan, [])?.writes ?? [];
      expect([writes.length, writes[0], writes.at(-1)]).toEqual([64, "w1", "c"]);
    });

    it("begins anew with a ring that is rebuilt: whoever saw another takes this one", () => {
      const { profile } = before.signer;
      const step = { remains: before, halves: ["k1"], alsoVerify: [], profile, waitMs: 0 } as const;
      const rebuilt = { ...planOf({ type: "rebuild", why: "recoveryRequested", ...step }), writeId: "c" };
      expect(applyPlan(before, rebuilt, [])?.writes).toStrictEqual(["c"]);
    });

    it("forgets all of them where there is none: a gap would name wrong generations", () => {
      expect(applyPlan(before, unnamed, [])).not.toHaveProperty("writes");
    });
  });

  it("returns the very ring when there is nothing to do", () => {
    const ring = ringOf();
    expect(applyPlan(ring, planOf(), [])).toBe(ring);
  });

  it.each([
    ["an older generation", 99],
    ["a newer generation", 101],
  ])("returns the very ring when it has %s than the plan was made for", (_, generation) => {
    const ring = ringOf({ generation });
    expect(applyPlan(ring, planOf(create), ["k3"])).toBe(ring);
  });

  it("is the same once and twice", () => {
    const plan = planFor(ringOf(), { requests: ["spec:now"] });
    const once = applyPlan(ringOf(), plan, ["k3"]);
    expect(applyPlan(once, plan, ["k4"])).toBe(once);
  });

  it("makes a ring where none was planned for", () => {
    const plan = { ...planOf(begin, create), baseGeneration: 0, nextGeneration: 5 };
    const ring = applyPlan(undefined, plan, ["a", "b"]);
    expect(ring && keysOf(ring).map((k) => k.kid)).toStrictEqual(["a", "b"]);
    expect(ring?.generation).toBe(5);
  });

  it("makes no ring where the plan was made for one, nor another where one is", () => {
    const plan = { ...planOf(begin), baseGeneration: 0 };
    expect(applyPlan(undefined, planOf(create), ["a"])).toBeUndefined();
    expect(applyPlan(ringOf(), plan, ["a"])).toStrictEqual(ringOf());
  });

  it("hands out fresh kids in the order of the steps that need one", () => {
    const steps: readonly Step[] = [emergency, { type: "revoke", kid: "k1" }, { type: "discard", kid: "k2" }, create];
    const ring = applyPlan(ringOf(), planOf(...steps), ["first", "second"]);
    expect(ring?.signer.kid).toBe("first");
    expect(ring?.standby?.kid).toBe("second");
  });

  it.each([
    ["begin", { ...planOf(begin), baseGeneration: 0 }, undefined],
    ["create", planOf(create), ringOf()],
  ])("throws a TypeError when a fresh kid is missing for %s", (type, plan, ring) => {
    expect(() => applyPlan(ring, plan, [])).toThrow(new TypeError(`Cannot apply "${type}": a fresh kid is needed`));
  });

  it("throws a TypeError when there is no ring to change", () => {
    const plan = { ...planOf(create), baseGeneration: 0 };
    expect(() => applyPlan(undefined, plan, ["a"])).toThrow(new TypeError('Cannot apply "create": there is no ring'));
  });

  it("does not change the ring or the list that it was given", () => {
    const ring = ringOf({ retiring: [verifyOnly("k0")] });
    const copy = structuredClone(ring);
    const kids = ["k3"];
    applyPlan(ring, planFor(ring, { requests: ["spec:now"], policy: { propagationMs: minute } }), kids);
    expect(ring).toStrictEqual(copy);
    expect(kids).toStrictEqual(["k3"]);
  });
});

describe("needsFreshKey", () => {
  it("is true for begin and create alone", () => {
    const prune: Step = { type: "prune", kid: "k0" };
    expect([begin, create, emergency, prune].map(needsFreshKey)).toStrictEqual([true, true, true, false]);
  });
});

describe("begin", () => {
  it("makes a signer that was activated at its creation and is not published", () => {
    expect(apply({ ...begin, modulusBits: 2048 }, undefined)).toStrictEqual({
      rotation,
      generation: 0,
      settings,
      signer: {
        kid: "fresh",
        state: "active",
        profile,
        modulusBits: 2048,
        createdAtMs: epoch,
        waitMs: minute,
        canSign: true,
        activatedAtMs: epoch,
        windowMs: 2 * hour,
      },
      retiring: [],
      revoked: [],
      handledRequests: ["spec:a"],
    });
  });
});

describe("adopt", () => {
  it("takes over the signer with its half, the others without, each under its own algorithm", () => {
    const step: Step = {
      type: "adopt",
      rotation,
      settings,
      profile: { ...profile, maxTTLMs: day },
      waitMs: minute,
      signer: { kid: "old", algorithm: "RS256", modulusBits: 2048, createdAtMs: 5 },
      verifyOnly: [{ kid: "older", algorithm: "EdDSA", createdAtMs: 4 }],
      handledRequests: [],
    };
    const facts = { waitMs: minute, adoptedAtMs: epoch, windowMs: day + 2 * minute };
    const { signer, retiring } = apply(step, undefined);
    expect(signer).toStrictEqual({
      ...facts,
      kid: "old",
      state: "active",
      profile: { ...profile, algorithm: "RS256", maxTTLMs: day },
      modulusBits: 2048,
      createdAtMs: 5,
      canSign: true,
      activatedAtMs: epoch,
    });
    expect(retiring).toStrictEqual([
      {
        ...facts,
        kid: "older",
        state: "verify-only",
        profile: { ...profile, algorithm: "EdDSA", maxTTLMs: day },
        createdAtMs: 4,
        canSign: false,
        demotedAtMs: epoch,
        demotedInGeneration: 101,
      },
    ]);
  });
});

describe("create", () => {
  it("prepares a key beside the others", () => {
    const ring = apply(create, withoutStandby());
    expect(ring).toStrictEqual(
      ringOf({ standby: omit(prepared("fresh", { createdAtMs: epoch, waitMs: minute }), "publishedAtMs") }),
    );
  });

  it("as active: the new key signs, the old one is verify-only, the standby stays, the requests are handled", () => {
    const ring = apply(emergency);
    expect(ring.signer).toMatchObject({ kid: "fresh", activatedAtMs: epoch, windowMs: 2 * hour, canSign: true });
    expect(ring.signer.publishedAtMs).toBeUndefined();
    expect(keysOf(ring).map((k) => k.kid)).toStrictEqual(["fresh", "k2", "k1"]);
    expect(ring.handledRequests).toStrictEqual(["x"]);
  });

  it.each([
    ["now, when the ring remembers nothing", {}, epoch],
    ["now, when the revocation instant is past", { revokedBefore: { requestedMs: 1, effectiveMs: 1 } }, epoch],
    [
      "the revocation instant, when the clock is behind it",
      { revokedBefore: { requestedMs: epoch + 9, effectiveMs: epoch + 7 } },
      epoch + 7,
    ],
    [
      "the lowering of the max-age, when the clock is behind it",
      { longerMaxAge: { maxAgeMs: 1, loweredAtMs: epoch + 3 } },
      epoch + 3,
    ],
    ["now, when that is past", { longerMaxAge: { maxAgeMs: 1, loweredAtMs: epoch - 1 } }, epoch],
    [
      "the later of the two",
      {
        revokedBefore: { requestedMs: 1, effectiveMs: epoch + 1 },
        longerMaxAge: { maxAgeMs: 1, loweredAtMs: epoch + 2 },
      },
      epoch + 2,
    ],
  ])("dates the key %s", (_, facts, createdAtMs) => {
    expect(apply(create, withoutStandby(facts)).standby?.createdAtMs).toBe(createdAtMs);
    expect(apply(emergency, ringOf(facts)).signer).toMatchObject({ createdAtMs, activatedAtMs: epoch });
  });
});
