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
    expect(ring).toEqual(
      ringOf({
        generation: 101,
        signer: active("k2", { activatedAtMs: epoch }),
        standby: omit(prepared("k3", { createdAtMs: epoch }), "publishedAtMs"),
        retiring: [verifyOnly("k1", { demotedAtMs: epoch, demotedInGeneration: 101 })],
        handledRequests: ["spec:now"],
      }),
    );
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
    expect(ring && keysOf(ring).map((k) => k.kid)).toEqual(["a", "b"]);
    expect(ring?.generation).toBe(5);
  });

  it("makes no ring where the plan was made for one, nor another where one is", () => {
    const plan = { ...planOf(begin), baseGeneration: 0 };
    expect(applyPlan(undefined, planOf(create), ["a"])).toBeUndefined();
    expect(applyPlan(ringOf(), plan, ["a"])).toEqual(ringOf());
  });

  it("hands out fresh kids in the order of the steps that need one", () => {
    const steps: readonly Step[] = [
      emergency,
      { type: "revoke", kid: "k1" },
      { type: "discardPrepared", kid: "k2" },
      create,
    ];
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
    expect(ring).toEqual(copy);
    expect(kids).toEqual(["k3"]);
  });
});

describe("needsFreshKey", () => {
  it("is true for begin and create alone", () => {
    const prune: Step = { type: "prune", kid: "k0" };
    expect([begin, create, emergency, prune].map(needsFreshKey)).toEqual([true, true, true, false]);
  });
});

describe("begin", () => {
  it("makes a signer that was activated at its creation and is not published", () => {
    expect(apply({ ...begin, modulusBits: 2048 }, undefined)).toEqual({
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
    expect(signer).toEqual({
      ...facts,
      kid: "old",
      state: "active",
      profile: { ...profile, algorithm: "RS256", maxTTLMs: day },
      modulusBits: 2048,
      createdAtMs: 5,
      canSign: true,
      activatedAtMs: epoch,
    });
    expect(retiring).toEqual([
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
    expect(ring).toEqual(
      ringOf({ standby: omit(prepared("fresh", { createdAtMs: epoch, waitMs: minute }), "publishedAtMs") }),
    );
  });

  it("as active: the new key signs, the old one is verify-only, the standby stays, the requests are handled", () => {
    const ring = apply(emergency);
    expect(ring.signer).toMatchObject({ kid: "fresh", activatedAtMs: epoch, windowMs: 2 * hour, canSign: true });
    expect(ring.signer.publishedAtMs).toBeUndefined();
    expect(keysOf(ring).map((k) => k.kid)).toEqual(["fresh", "k2", "k1"]);
    expect(ring.handledRequests).toEqual(["x"]);
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

describe("activate", () => {
  const step = (kid: string): Step => ({ type: "activate", kid, why: "request", early: false, handledRequests: ["x"] });

  it("puts the newest demotion first, with the generation of the write", () => {
    const ring = apply(step("k2"), ringOf({ retiring: [verifyOnly("k0")] }));
    expect(ring.retiring).toEqual([
      verifyOnly("k1", { demotedAtMs: epoch, demotedInGeneration: 101 }),
      verifyOnly("k0"),
    ]);
    expect(ring.standby).toBeUndefined();
    expect(ring.handledRequests).toEqual(["x"]);
  });

  it("of a verify-only key takes it out of the retiring ones and forgets that it was quiesced", () => {
    const ring = apply(
      step("k0"),
      ringOf({ retiring: [verifyOnly("k0", { quiescedAtMs: 1, windowMs: day }), verifyOnly("a")] }),
    );
    expect(ring.signer).toEqual(active("k0", { activatedAtMs: epoch, windowMs: day }));
    expect(keysOf(ring).map((k) => k.kid)).toEqual(["k0", "k2", "k1", "a"]);
  });

  it("gives the signer the longest window in force", () => {
    const longer = ringOf({ settings: { ...settings, rotationWindowMs: 9 * hour } });
    expect(apply(step("k2"), longer).signer.windowMs).toBe(9 * hour);
  });

  it("keeps every fact of the key", () => {
    const facts = { modulusBits: 4096, adoptedAtMs: 3, createdAtMs: 2, waitMs: 1, publishedAtMs: 4 };
    expect(apply(step("k2"), ringOf({ standby: prepared("k2", facts) })).signer).toEqual(
      active("k2", { ...facts, activatedAtMs: epoch }),
    );
    const signer = active("k1", { ...facts, canSign: false, windowMs: 5 });
    expect(apply(step("k2"), ringOf({ signer })).retiring).toEqual([
      verifyOnly("k1", { ...facts, canSign: false, windowMs: 5, demotedAtMs: epoch, demotedInGeneration: 101 }),
    ]);
  });

  it.each(["k1", "k9"])("changes nothing for the signer itself and for an unknown key: %s", (kid) => {
    expect(apply(step(kid))).toEqual(ringOf());
  });
});

describe("steps on one key", () => {
  const ring = ringOf({
    signer: omit(active("k1"), "publishedAtMs"),
    standby: omit(prepared("k2"), "publishedAtMs"),
    retiring: [verifyOnly("a"), verifyOnly("b")],
  });

  it.each(["k1", "k2", "a", "b"])("markPublished stamps %s and nobody else", (kid) => {
    const after = apply({ type: "markPublished", kid }, ring);
    for (const [i, key] of keysOf(after).entries())
      expect(key).toEqual(key.kid === kid ? { ...keysOf(ring)[i], publishedAtMs: epoch } : keysOf(ring)[i]);
  });

  it("markPublished works without a standby", () => {
    expect(apply({ type: "markPublished", kid: "k1" }, withoutStandby())).toEqual(
      withoutStandby({ signer: active("k1", { publishedAtMs: epoch }) }),
    );
  });

  it("markQuiesced stamps one verify-only key", () => {
    expect(apply({ type: "markQuiesced", kid: "b" }, ring).retiring).toEqual([
      verifyOnly("a"),
      verifyOnly("b", { quiescedAtMs: epoch }),
    ]);
  });

  it("forgetPrivate takes the way back from one key", () => {
    expect(apply({ type: "forgetPrivate", kid: "a" }, ring).retiring).toEqual([
      verifyOnly("a", { canSign: false }),
      verifyOnly("b"),
    ]);
  });

  it("prune removes one verify-only key and nothing else", () => {
    expect(apply({ type: "prune", kid: "a" }, ring)).toEqual({ ...ring, retiring: [verifyOnly("b")] });
    expect(apply({ type: "prune", kid: "k9" }, ring)).toEqual(ring);
  });

  it("discardPrepared retires the standby it names, for a window in force, and no other", () => {
    const after = apply({ type: "discardPrepared", kid: "k2" }, ring);
    const facts = { canSign: false, demotedAtMs: epoch, demotedInGeneration: 101 };
    expect(after.standby).toBeUndefined();
    expect(after.retiring[0]).toEqual(omit(omit(verifyOnly("k2", facts), "publishedAtMs"), "activatedAtMs"));
    expect(apply({ type: "discardPrepared", kid: "k9" }, ring)).toEqual(ring);
    expect(apply({ type: "discardPrepared", kid: "k2" }, withoutStandby())).toEqual(withoutStandby());
  });

  it("revoke removes the key, remembers the kid once, and evicts whom it was told to", () => {
    const full = { ...ring, revoked: ["x", "y", "z"].map((kid) => ({ kid, revokedAtMs: 1, reason: "old" })) };
    const after = apply({ type: "revoke", kid: "k2", reason: "stolen", evicts: "x" }, full);
    expect(keysOf(after).map((k) => k.kid)).toEqual(["k1", "a", "b"]);
    expect(after.revoked.map((r) => r.kid)).toEqual(["y", "z", "k2"]);
    expect(after.revoked[2]).toEqual({ kid: "k2", revokedAtMs: epoch, reason: "stolen" });
    expect(apply({ type: "revoke", kid: "y" }, full).revoked.slice(1)).toEqual([
      { kid: "z", revokedAtMs: 1, reason: "old" },
      { kid: "y", revokedAtMs: epoch },
    ]);
  });

  it("revokeBefore replaces what was remembered", () => {
    const before = ringOf({ revokedBefore: { requestedMs: 1, effectiveMs: 1 } });
    expect(apply({ type: "revokeBefore", requestedMs: 3, effectiveMs: 2 }, before)).toEqual(
      ringOf({ revokedBefore: { requestedMs: 3, effectiveMs: 2 } }),
    );
  });
});
