import { describe, expect, it } from "vitest";
import type { AdoptableKey, PlanInput, Stored } from "../../src/ring/plan.ts";
import { planRotation, rotationRules } from "../../src/ring/planner.ts";
import type { Rule } from "../../src/ring/rules/context.ts";
import { applyPlan } from "../../src/ring/steps.ts";
import {
  active,
  inputOf,
  omit,
  planFor,
  prepared,
  ringOf,
  settings,
  silent,
  verifyOnly,
  waitsOf,
} from "../support/rings.ts";
import { day, epoch, hour, minute, policy, stepsOf, Story } from "../support/story.ts";

const nothing = (generationFloor = 0): Stored => ({ kind: "nothing", generationFloor });
const start = (stored: Stored, change: Partial<PlanInput> = {}) =>
  planRotation({ ...inputOf(ringOf()), stored, ...change });
const { profile } = policy;

describe("planRotation without a ring", () => {
  it("begins one: a key signs at once, the next stands by", () => {
    const requests = ["spec:at-creation"];
    expect(start(nothing(), { requests }).steps).toStrictEqual([
      {
        type: "begin",
        rotation: { namespace: "default", name: "gateway" },
        settings,
        profile,
        waitMs: 30 * minute,
        handledRequests: requests,
      },
      { type: "create", as: "prepared", profile, waitMs: 30 * minute },
    ]);
  });

  it("begins with a modulus where the policy has one", () => {
    const rsa = { ...policy, profile: { ...profile, algorithm: "PS512" as const }, modulusBits: 4096 };
    expect(start(nothing(), { policy: rsa }).steps[0]).toMatchObject({ type: "begin", modulusBits: 4096 });
  });

  it("takes the request that is present as seen: it rotates nothing", () => {
    const story = new Story();
    story.requests = ["spec:at-creation"];
    story.run(day);
    expect(story.keys).toBe("k1 active, k2 prepared");
  });

  it("remembers revocations of kids that it never had", () => {
    const plan = start(nothing(), { policy: { ...policy, revokedKids: [{ kid: "stolen" }] } });
    expect(stepsOf(plan)).toBe("begin, revoke stolen, create");
  });

  it.each([
    ["in the past", epoch - day],
    ["now", epoch],
    ["in the future", epoch + day],
  ])("is not condemned at birth by a revocation instant %s", (_, revokeCreatedBeforeMs) => {
    const plan = start(nothing(), { policy: { ...policy, revokeCreatedBeforeMs } });
    expect(stepsOf(plan)).toBe("begin, revokeBefore, create");
  });

  it("publishes nothing yet: the projections are not written", () => {
    const waits = waitsOf(start(nothing()));
    expect(waits).toStrictEqual([
      "activate (new 2) (schedule): schedule 720h, standby",
      "publish (new 1): projections",
      "publish (new 2): projections",
    ]);
  });
});

describe("planRotation with keys to adopt", () => {
  const old: AdoptableKey = { kid: "old", algorithm: "RS256", modulusBits: 2048, createdAtMs: epoch - 999 * day };
  const older: AdoptableKey = { kid: "older", algorithm: "ES256", createdAtMs: epoch - 1999 * day };
  const adoptable: Stored = { kind: "adoptable", generationFloor: 0, signer: old, verifyOnly: [older] };

  it.each([
    ["the longest life before the adoption", 24 * hour, 24 * hour],
    ["maxTTL, when that is longer", minute, hour],
    ["maxTTL, when they are equal", hour, hour],
  ])(
    "takes them over with issuer and audiences of the policy, and for tokens that live for %s",
    (...[, before, maxTTLMs]) => {
      const plan = start(adoptable, { requests: ["spec:a"], policy: { ...policy, adoptionMaxTTLMs: before } });
      expect(plan.steps[0]).toStrictEqual({
        type: "adopt",
        rotation: { namespace: "default", name: "gateway" },
        settings,
        profile: { ...profile, maxTTLMs },
        waitMs: 30 * minute,
        signer: old,
        verifyOnly: [older],
        handledRequests: ["spec:a"],
      });
      expect(plan.steps[1]).toMatchObject({ type: "create", as: "prepared", profile });
      expect(plan.steps).toHaveLength(2);
    },
  );

  it("replaces an adopted signer that is revoked in the same write", () => {
    const plan = start(adoptable, { policy: { ...policy, revokedKids: [{ kid: "old" }] } });
    expect(stepsOf(plan)).toBe("adopt, create, revoke old, create");
  });

  it("replaces adopted keys that are older than the revocation instant", () => {
    const plan = start(adoptable, { policy: { ...policy, revokeCreatedBeforeMs: epoch } });
    expect(stepsOf(plan)).toBe("adopt, revokeBefore, create, revoke old, revoke older, create");
  });
});

describe("planRotation with a lost ring", () => {
  const lost = (change: Partial<Extract<Stored, { kind: "lost" }>> = {}): Stored => ({
    kind: "lost",
    generationFloor: 100,
    baseGeneration: 0,
    remains: ringOf(),
    halves: ["k1"],
    why: "ringLost",
    alsoVerify: [],
    ...change,
  });

  it("rebuilds it from what remains, and prepares a fresh standby", () => {
    const plan = start(lost(), { policy: { ...policy, adoptionMaxTTLMs: day } });
    expect(plan.steps).toStrictEqual([
      {
        type: "rebuild",
        remains: ringOf(),
        halves: ["k1"],
        why: "ringLost",
        alsoVerify: [],
        profile: { ...profile, maxTTLMs: day },
        waitMs: 30 * minute,
      },
      { type: "create", as: "prepared", profile, waitMs: 30 * minute },
    ]);
  });

  it("brings a condemned key to its end in the same write", () => {
    const remains = ringOf({ revoked: [{ kid: "k1", revokedAtMs: 1 }], retiring: [verifyOnly("k0")] });
    const plan = start(lost({ remains }), { policy: { ...policy, revokedKids: [{ kid: "k0" }] } });
    expect(stepsOf(plan)).toBe("rebuild, create, revoke k1, revoke k0, create");
  });

  it("replaces a signer that is lost with every copy, at once", () => {
    expect(stepsOf(start(lost({ halves: [] })))).toBe("rebuild, create, create");
    expect(start(lost({ halves: [] })).steps[1]).toMatchObject({ as: "active", why: "signerLost" });
  });

  it("keeps a signer that a gateway still holds", () => {
    const gateways = [{ name: "gw", ready: true, ack: { generation: 100, verifies: ["k1", "k2"], signs: "k1" } }];
    const plan = start(lost({ halves: [] }), { gateways });
    expect(stepsOf(plan)).toBe("rebuild, create");
    expect(waitsOf(plan)[0]).toBe("activate (new 1) (signerLost): standby");
  });

  it("records no barrier in the same pass: nothing of it was read back", () => {
    const waits = waitsOf(start(lost({ remains: ringOf({ signer: omit(active("k1"), "publishedAtMs") }) })));
    expect(waits).toContain("publish k1: projections");
    expect(waits).toContain("quiesce k2: projections");
  });
});

describe("the rules", () => {
  it("run to a fixed point: all that is due goes into one write", () => {
    const ring = ringOf({
      standby: omit(prepared("k2"), "publishedAtMs"),
      retiring: [verifyOnly("a"), verifyOnly("b", { quiescedAtMs: 1 })],
      settings: { ...settings, clockSkewMs: 7 },
    });
    const plan = planFor(ring, { policy: { revokedKids: [{ kid: "stolen" }] } });
    expect(stepsOf(plan)).toBe("revoke stolen, configure, publish k2, quiesce a, prune b");
  });

  it("are an argument, so that a proof can leave one out", () => {
    const rules = { emergency: [], ordinary: rotationRules.ordinary };
    const input = inputOf(ringOf(), { policy: { revokedKids: [{ kid: "k1" }] } });
    expect(planRotation(input, rules).steps).toStrictEqual([]);
    expect(planRotation({ ...input, clockTrusted: false }, { ...rules, ordinary: [] }).steps).toStrictEqual([]);
  });

  it("fail loudly where two of them undo each other's work, and don't fill the memory", () => {
    const there: Rule = () => ({ type: "publish", kid: "k1" });
    expect(() => planRotation(inputOf(ringOf()), { emergency: [there], ordinary: [] })).toThrow("come to no rest");
  });

  it("need not be asked twice: after the write, the same world has nothing to do but to read it back", () => {
    const ring = ringOf();
    const plan = planFor(ring, { requests: ["spec:now"] });
    const after = applyPlan(ring, plan, ["k3"]) ?? ring;
    const again = planFor(after, {
      requests: ["spec:now"],
      stored: { kind: "ring", ring: after, projections: {} },
    });
    expect(again.steps).toStrictEqual([]);
  });

  it("don't change what they are given", () => {
    const input = inputOf(ringOf(), { requests: ["spec:now"], gateways: [silent] });
    const copy = structuredClone(input);
    planRotation(input);
    expect(input).toStrictEqual(copy);
  });
});
