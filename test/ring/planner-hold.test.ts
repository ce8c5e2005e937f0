import { describe, expect, it } from "vitest";
import type { PlanInput, Stored } from "../../src/ring/plan.ts";
import { planRotation } from "../../src/ring/planner.ts";
import { inputOf, omit, planFor, prepared, ringOf, settings, verifyOnly, withoutStandby } from "../support/rings.ts";
import { day, epoch, hour, minute, policy, second, stepsOf } from "../support/story.ts";

const nowSeconds = epoch / second;
const nothing = (generationFloor = 0): Stored => ({ kind: "nothing", generationFloor });
const start = (stored: Stored, change: Partial<PlanInput> = {}) =>
  planRotation({ ...inputOf(ringOf()), stored, ...change });

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
    expect(plan.gates).toStrictEqual([{ step: "activate", waitsFor: [{ kind }] }]);
  });

  it.each(holds)("does nothing that is due: %s", (_, change, kind) => {
    const ring = ringOf({
      settings: { ...settings, clockSkewMs: 7 },
      standby: omit(prepared("k2"), "publishedAtMs"),
      retiring: [verifyOnly("a"), verifyOnly("b", { quiescedAtMs: 1 })],
    });
    const plan = planRotation({ ...inputOf(ring), requests: ["spec:now"], nowMs: epoch + 999 * day, ...change });
    expect(plan.steps).toStrictEqual([]);
    expect(plan.gates).toStrictEqual([{ step: "activate", waitsFor: [{ kind }] }]);
  });

  it.each(holds)("makes no standby: %s", (_, change) => {
    expect(planRotation({ ...inputOf(withoutStandby()), ...change }).steps).toStrictEqual([]);
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
