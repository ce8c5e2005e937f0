import { describe, expect, it } from "vitest";
import type { Policy } from "../../src/ring/plan.ts";
import { keysOf, type Ring } from "../../src/ring/ring.ts";
import { settingsOf } from "../../src/ring/rules/signer.ts";
import { freshKeyWaitMs } from "../../src/ring/rules/waits.ts";
import { applyPlan } from "../../src/ring/steps.ts";
import {
  active,
  inputOf,
  omit,
  planFor,
  prepared,
  ringOf,
  settings,
  verifyOnly,
  withoutStandby,
} from "../support/rings.ts";
import { day, epoch, hour, minute, policy, second, stepsOf, Story } from "../support/story.ts";

const applied = (ring: Ring, change: Partial<Policy>, nowMs = epoch): Ring =>
  applyPlan(ring, planFor(ring, { policy: change, nowMs }), ["f1", "f2"]) ?? ring;

describe("settingsOf", () => {
  it("takes skew, cap and window from the policy", () => {
    expect(settingsOf({ ...policy, propagationMs: 5 * minute })).toStrictEqual({
      ...settings,
      jwksMaxAgeMs: 5 * minute,
    });
  });

  it.each([
    [0, 0],
    [15 * minute - second, 15 * minute - second],
    [15 * minute, 15 * minute],
    [15 * minute + second, 15 * minute],
    [day, 15 * minute],
  ])("lets a JWKS live in caches for the propagation of %i ms, 15 minutes at most", (propagationMs, maxAgeMs) =>
    expect(settingsOf({ ...policy, propagationMs }).jwksMaxAgeMs).toBe(maxAgeMs),
  );
});

describe("configure", () => {
  it("does nothing while the ring says what the policy says", () => {
    expect(planFor(ringOf()).steps).toStrictEqual([]);
  });

  it.each<[string, Partial<Policy>, Partial<Ring["settings"]>]>([
    ["the clock skew", { clockSkewMs: 2 * minute }, { clockSkewMs: 2 * minute }],
    ["the rotation window", { rotationWindowMs: 3 * hour }, { rotationWindowMs: 3 * hour }],
    ["the cap of token lives", { profile: { ...policy.profile, maxTTLMs: minute } }, { mintMaxTTLMs: minute }],
    ["the max-age of the JWKS", { propagationMs: minute }, { jwksMaxAgeMs: minute }],
  ])("follows the policy at once: %s", (_, change, expected) => {
    const [step, ...others] = planFor(ringOf(), { policy: change }).steps;
    expect(step).toStrictEqual({
      type: "configure",
      settings: { ...settings, ...expected },
      waitMs: change.propagationMs ?? 30 * minute,
    });
    expect(others).toStrictEqual([]);
    expect(applied(ringOf(), change).settings).toStrictEqual({ ...settings, ...expected });
  });

  it("comes back to rest: applied once, it is not due again", () => {
    const edit = { propagationMs: hour, rotationWindowMs: 5 * hour };
    expect(planFor(applied(ringOf(), edit), { policy: edit }).steps).toStrictEqual([]);
  });

  const three = ringOf({
    signer: active("k1", { waitMs: 50 * minute }),
    standby: prepared("k2", { waitMs: 20 * minute }),
    retiring: [verifyOnly("k0", { waitMs: 30 * minute, quiescedAtMs: epoch })],
  });

  it("raises the waits of all keys to the propagation in force, and lowers none", () => {
    const waits = keysOf(applied(three, { propagationMs: 40 * minute })).map((k) => k.waitMs / minute);
    expect(waits).toStrictEqual([50, 40, 40]);
  });

  it.each(["k1", "k2", "k0"])("is due for the wait of %s alone", (kid) => {
    const low = <K extends { kid: string; waitMs: number }>(k: K): K => (k.kid === kid ? { ...k, waitMs: 1 } : k);
    const ring = ringOf({ retiring: [verifyOnly("k0", { quiescedAtMs: epoch })] });
    const lowered = {
      ...ring,
      signer: low(ring.signer),
      standby: low(prepared("k2")),
      retiring: ring.retiring.map(low),
    };
    expect(stepsOf(planFor(lowered))).toBe("configure");
    expect(keysOf(applied(lowered, {})).map((k) => k.waitMs)).toStrictEqual([1, 1, 1].map(() => 30 * minute));
  });

  it("does not touch waits that are longer", () => {
    expect(planFor(ringOf({ signer: active("k1", { waitMs: day }) })).steps).toStrictEqual([]);
  });

  it.each([
    ["raises it to a longer rotation window", { rotationWindowMs: 5 * hour }, 5 * hour],
    ["keeps it under a shorter rotation window", { rotationWindowMs: hour + 2 * minute }, 2 * hour],
    ["raises it to the key's maxTTL and twice a larger skew", { clockSkewMs: 40 * minute }, 2 * hour + 20 * minute],
  ])("remembers the largest window in force while the key signed: %s", (_, edit, windowMs) => {
    expect(applied(ringOf(), edit).signer.windowMs).toBe(windowMs);
  });

  it("leaves the stored window of an old key alone: what it needs later is computed later", () => {
    expect(applied(three, { rotationWindowMs: 5 * hour }).retiring[0]?.windowMs).toBe(2 * hour);
  });

  it("comes first: a raised propagation holds the activation of the same pass", () => {
    const ring = ringOf({ standby: prepared("k2", { publishedAtMs: epoch - 40 * minute }) });
    const requests = ["spec:now"];
    expect(stepsOf(planFor(ring, { requests }))).toBe("activate k2, create");
    expect(stepsOf(planFor(ring, { requests, policy: { propagationMs: 40 * minute + 1 } }))).toBe("configure");
    expect(stepsOf(planFor(ring, { requests, policy: { propagationMs: 40 * minute } }))).toBe(
      "configure, activate k2, create",
    );
  });

  it("works on a ring without standby", () => {
    expect(applied(withoutStandby(), { propagationMs: hour }).standby?.kid).toBe("f1");
  });
});

describe("longerMaxAge: caches that still hold a JWKS from before a lowered propagation", () => {
  const young = ringOf({ standby: prepared("k2", { createdAtMs: epoch - minute }) });

  it.each([
    ["is remembered when the max-age falls", minute, { maxAgeMs: 15 * minute, loweredAtMs: epoch }],
    ["is remembered when the max-age falls to 0", 0, { maxAgeMs: 15 * minute, loweredAtMs: epoch }],
    ["is not remembered while the max-age stays at its most", 20 * minute, undefined],
    ["is not remembered when the max-age grows", day, undefined],
  ])("%s", (_, propagationMs, expected) => {
    expect(applied(young, { propagationMs }).longerMaxAge).toStrictEqual(expected);
  });

  it("begins after the newest key, though that was made in the same millisecond or by a faster clock", () => {
    const loweredAt = (createdAtMs: number) =>
      applied(ringOf({ standby: prepared("k2", { createdAtMs }) }), { propagationMs: 0 }).longerMaxAge?.loweredAtMs;
    expect([loweredAt(epoch - 1), loweredAt(epoch), loweredAt(epoch + 5)]).toStrictEqual([epoch, epoch + 1, epoch + 6]);
  });

  it.each([
    ["a longer one from before", 40 * minute, 40 * minute],
    ["a shorter one from before", 10 * minute, 15 * minute],
  ])("keeps the longest when the max-age falls again, counted anew: %s", (_, maxAgeMs, longest) => {
    const ring = ringOf({ longerMaxAge: { maxAgeMs, loweredAtMs: epoch - day } });
    expect(applied(ring, { propagationMs: minute }).longerMaxAge).toStrictEqual({
      maxAgeMs: longest,
      loweredAtMs: epoch,
    });
  });

  it("is kept when the max-age grows again", () => {
    const longerMaxAge = { maxAgeMs: 15 * minute, loweredAtMs: epoch - day };
    const ring = ringOf({ longerMaxAge, settings: { ...settings, jwksMaxAgeMs: minute } });
    expect(applied(ring, { propagationMs: 5 * minute }).longerMaxAge).toStrictEqual(longerMaxAge);
  });

  it.each([
    ["the propagation", 20 * minute, 1 * minute, 2 * minute, 20 * minute],
    ["the max-age of the ring", minute, 15 * minute, 2 * minute, 15 * minute],
    ["a longer max-age from before", minute, minute, 9 * minute, 9 * minute],
  ])("is one of three that a new key waits for: %s", (...[, propagationMs, jwksMaxAgeMs, maxAgeMs, waitMs]) => {
    const ring = ringOf({ settings: { ...settings, jwksMaxAgeMs }, longerMaxAge: { maxAgeMs, loweredAtMs: epoch } });
    expect(freshKeyWaitMs({ ring, input: inputOf(ring, { policy: { propagationMs } }) })).toBe(waitMs);
  });

  it("gives a key that is made in the very pass of the lowering the longer wait, and an age after it", () => {
    const ring = applied(withoutStandby(), { propagationMs: minute });
    expect(ring.standby).toMatchObject({ waitMs: 15 * minute, createdAtMs: epoch });
    expect(ring.longerMaxAge?.loweredAtMs).toBe(epoch);
  });

  const at = (createdAtMs: number) =>
    ringOf({
      standby: prepared("k2", { createdAtMs }),
      longerMaxAge: { maxAgeMs: 15 * minute, loweredAtMs: epoch - 20 * day },
    });
  it.each([
    ["just before it", epoch - 20 * day - 1, true],
    ["at it", epoch - 20 * day, false],
    ["after it", epoch - 20 * day + 1, false],
  ])("is settled by the activation of a key that was made after the lowering: %s", (_, createdAtMs, kept) => {
    const after = applyPlan(at(createdAtMs), planFor(at(createdAtMs), { requests: ["spec:now"] }), ["k3"]);
    expect(after?.signer.kid).toBe("k2");
    expect(after?.longerMaxAge !== undefined).toBe(kept);
  });

  it("is not settled by an early activation, which waited for nobody", () => {
    const standby = omit(prepared("k2"), "publishedAtMs");
    const ring = { ...at(epoch), standby };
    const plan = planFor(ring, { policy: { revokedKids: [{ kid: "k1" }] } });
    expect(applyPlan(ring, plan, ["k3"])?.longerMaxAge).toStrictEqual(ring.longerMaxAge);
  });

  it("is not settled by a rollback: that key's wait may be the old one", () => {
    const ring = { ...at(epoch), retiring: [verifyOnly("k0", { createdAtMs: epoch })] };
    const plan = planFor(ring, { policy: { pinnedKid: "k0" } });
    expect(applyPlan(ring, plan, [])?.longerMaxAge).toStrictEqual(ring.longerMaxAge);
  });

  it("holds each key until one has waited it out: two requests after a lowering", () => {
    const story = new Story();
    story.run(hour);
    story.policy = { ...story.policy, propagationMs: 0 };
    story.requests = ["spec:1"];
    story.settle();
    expect(story.keys).toBe("k2 active, k3 prepared, k1 verify-only");
    expect(story.ring.standby?.waitMs).toBe(15 * minute);
    story.requests = ["spec:2"];
    story.run(15 * minute - 1);
    expect(story.ring.signer.kid).toBe("k2");
    story.run(1);
    expect(story.ring.signer.kid).toBe("k3");
    expect(story.ring.longerMaxAge).toBeUndefined();
    expect(story.ring.standby?.waitMs).toBe(0);
  });
});
