import { describe, expect, it } from "vitest";
import type { AdoptableKey, PlanInput, Stored } from "../../src/ring/plan.ts";
import { planRotation, rotationRules } from "../../src/ring/planner.ts";
import { keysOf, windowInForceMs } from "../../src/ring/ring.ts";
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
  withoutStandby,
} from "../support/rings.ts";
import { day, epoch, hour, minute, policy, second, stepsOf, Story } from "../support/story.ts";

const nowSeconds = epoch / second;
const nothing = (generationFloor = 0): Stored => ({ kind: "nothing", generationFloor });
const start = (stored: Stored, change: Partial<PlanInput> = {}) =>
  planRotation({ ...inputOf(ringOf()), stored, ...change });
const { profile } = policy;

describe("planRotation without a ring", () => {
  it("begins one: a key signs at once, the next stands by", () => {
    const requests = ["spec:at-creation"];
    expect(start(nothing(), { requests }).steps).toEqual([
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
    expect(waits).toEqual([
      "activate (new 2) (schedule): schedule 720h, standby",
      "markPublished (new 1): projections",
      "markPublished (new 2): projections",
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
      expect(plan.steps[0]).toEqual({
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
    expect(plan.steps).toEqual([
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
    expect(waits).toContain("markPublished k1: projections");
    expect(waits).toContain("markQuiesced k2: projections");
  });
});

describe("planRotation on hold", () => {
  const holds = [
    ["suspended", { policy: { ...policy, suspend: true } }, "suspended"],
    ["with a distrusted clock", { clockTrusted: false }, "clock"],
    ["suspended with a distrusted clock", { policy: { ...policy, suspend: true }, clockTrusted: false }, "suspended"],
  ] as const;
  const adoptable = { kid: "old", algorithm: "ES256", createdAtMs: 1 } as const;

  it.each(holds)("begins no ring: %s", (_, change, kind) => {
    const plan = start(nothing(), change);
    expect(plan).toMatchObject({ steps: [], gates: [{ step: "begin", waitsFor: [{ kind }] }] });
  });

  it.each(holds)("adopts nothing: %s", (_, change, kind) => {
    const plan = start({ kind: "adoptable", generationFloor: 0, signer: adoptable, verifyOnly: [] }, change);
    expect(plan).toMatchObject({ steps: [], gates: [{ step: "adopt", waitsFor: [{ kind }] }] });
  });

  it.each(holds)("still rebuilds a lost ring, without a new standby: %s", (_, change, kind) => {
    const stored = {
      kind: "lost",
      generationFloor: 9,
      baseGeneration: 0,
      remains: ringOf(),
      halves: [],
      alsoVerify: [],
      why: "ringLost",
    } as const;
    const plan = start(stored, change);
    expect(stepsOf(plan)).toBe("rebuild");
    expect(plan.gates).toEqual([{ step: "activate", waitsFor: [{ kind }] }]);
  });

  it.each(holds)("does nothing that is due: %s", (_, change, kind) => {
    const ring = ringOf({
      settings: { ...settings, clockSkewMs: 7 },
      standby: omit(prepared("k2"), "publishedAtMs"),
      retiring: [verifyOnly("a"), verifyOnly("b", { quiescedAtMs: 1 })],
    });
    const plan = planRotation({ ...inputOf(ring), requests: ["spec:now"], nowMs: epoch + 999 * day, ...change });
    expect(plan.steps).toEqual([]);
    expect(plan.gates).toEqual([{ step: "activate", waitsFor: [{ kind }] }]);
  });

  it.each(holds)("makes no standby: %s", (_, change) => {
    expect(planRotation({ ...inputOf(withoutStandby()), ...change }).steps).toEqual([]);
  });

  it.each(holds)("revokes: signer, others, unknown kids and by age: %s", (_, change) => {
    const revokedKids = [{ kid: "k1" }, { kid: "stolen" }];
    const ring = ringOf({ retiring: [verifyOnly("k0", { createdAtMs: 1 })] });
    const edited = { ...policy, ...("policy" in change && change.policy), revokedKids, revokeCreatedBeforeMs: 2 };
    const plan = planRotation({ ...inputOf(ring), ...change, policy: edited });
    expect(stepsOf(plan)).toBe("revokeBefore, activate k2, revoke k1, revoke k0, revoke stolen");
  });

  it("is over when the suspension ends: what was due happens", () => {
    expect(stepsOf(planFor(ringOf(), { nowMs: epoch + 999 * day }))).toBe("activate k2, create");
  });
});

describe("generation", () => {
  const lost = (generationFloor: number, baseGeneration = 0): Stored => ({
    kind: "lost",
    generationFloor,
    baseGeneration,
    remains: ringOf(),
    halves: [],
    alsoVerify: [],
    why: "ringLost",
  });

  it("grows by one with each write of a ring", () => {
    expect(planFor(ringOf({ generation: 7 }))).toMatchObject({ baseGeneration: 7, nextGeneration: 8 });
  });

  it.each([
    ["Unix seconds, when nothing was seen", 0, nowSeconds],
    ["Unix seconds, when less than that was seen", nowSeconds - 2, nowSeconds],
    ["Unix seconds, when the one before was seen", nowSeconds - 1, nowSeconds],
    ["one above, when just that was seen", nowSeconds, nowSeconds + 1],
    ["one above, when more was seen", nowSeconds + 5000, nowSeconds + 5001],
  ])("of a new ring is %s", (_, floor, expected) => {
    const adoptable = { kid: "old", algorithm: "ES256", createdAtMs: 1 } as const;
    expect(start(nothing(floor))).toMatchObject({ baseGeneration: 0, nextGeneration: expected });
    expect(start({ kind: "adoptable", generationFloor: floor, signer: adoptable, verifyOnly: [] })).toMatchObject({
      baseGeneration: 0,
      nextGeneration: expected,
    });
    expect(start(lost(floor))).toMatchObject({ baseGeneration: 0, nextGeneration: expected });
  });

  it("of a rebuilt ring replaces the older ring object that stands there", () => {
    expect(start(lost(100, 42))).toMatchObject({ baseGeneration: 42, nextGeneration: nowSeconds });
  });

  it("counts whole seconds", () => {
    expect(start(nothing(), { nowMs: epoch + 999 }).nextGeneration).toBe(nowSeconds);
    expect(start(nothing(), { nowMs: epoch + 1000 }).nextGeneration).toBe(nowSeconds + 1);
  });
});

describe("nextCheckAtMs", () => {
  it.each([
    ["a day from now, when nothing has a time", ringOf(), { schedule: { kind: "onRequest" } }, day],
    ["a day from now, when the next instant is later", ringOf(), {}, day],
    [
      "the next instant, a millisecond before a day",
      ringOf(),
      { schedule: { kind: "interval", everyMs: 9 * day - 1 } },
      day - 1,
    ],
    [
      "the first of several instants",
      ringOf({ retiring: [verifyOnly("k0", { quiescedAtMs: epoch })] }),
      { rollbackWindowMs: hour },
      90 * minute,
    ],
  ] as const)("is %s", (...[, ring, edit, afterMs]) => {
    expect(planFor(ring, { policy: edit }).nextCheckAtMs).toBe(epoch + afterMs);
  });

  it("is a day from now at the latest on hold as well", () => {
    expect(planFor(ringOf(), { clockTrusted: false }).nextCheckAtMs).toBe(epoch + day);
    expect(start(nothing(), { clockTrusted: false }).nextCheckAtMs).toBe(epoch + day);
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
    expect(stepsOf(plan)).toBe("revoke stolen, configure, markPublished k2, markQuiesced a, prune b");
  });

  it("are an argument, so that a proof can leave one out", () => {
    const rules = { emergency: [], ordinary: rotationRules.ordinary };
    const input = inputOf(ringOf(), { policy: { revokedKids: [{ kid: "k1" }] } });
    expect(planRotation(input, rules).steps).toEqual([]);
    expect(planRotation({ ...input, clockTrusted: false }, { ...rules, ordinary: [] }).steps).toEqual([]);
  });

  it("need not be asked twice: after the write, the same world has nothing to do but to read it back", () => {
    const ring = ringOf();
    const plan = planFor(ring, { requests: ["spec:now"] });
    const after = applyPlan(ring, plan, ["k3"]) ?? ring;
    const again = planFor(after, {
      requests: ["spec:now"],
      stored: { kind: "ring", ring: after, projections: {} },
    });
    expect(again.steps).toEqual([]);
  });

  it("don't change what they are given", () => {
    const input = inputOf(ringOf(), { requests: ["spec:now"], gateways: [silent] });
    const copy = structuredClone(input);
    planRotation(input);
    expect(input).toEqual(copy);
  });
});

describe("keysOf", () => {
  it("lists signer, standby and verify-only keys, as JWKS does", () => {
    const ring = ringOf({ retiring: [verifyOnly("b"), verifyOnly("a")] });
    expect(keysOf(ring).map((k) => k.kid)).toEqual(["k1", "k2", "b", "a"]);
    expect(keysOf(withoutStandby()).map((k) => k.kid)).toEqual(["k1"]);
  });
});

describe("windowInForceMs", () => {
  it.each([
    ["the rotation window, when it is the longer", 2 * hour, hour, 2 * hour],
    ["maxTTL and twice the clock skew, when that is longer", 2 * hour, 2 * hour, 2 * hour + 2 * minute],
    ["either, when they are equal", hour + 2 * minute, hour, hour + 2 * minute],
  ])("is %s", (...[, rotationWindowMs, maxTTLMs, expected]) =>
    expect(windowInForceMs({ ...settings, rotationWindowMs }, { ...profile, maxTTLMs })).toBe(expected),
  );
});
