import { describe, expect, it } from "vitest";
import type { VerifyOnlyKey } from "../../src/ring/key.ts";
import type { Policy } from "../../src/ring/plan.ts";
import { applyPlan } from "../../src/ring/steps.ts";
import {
  active,
  gatewayAt,
  omit,
  planFor,
  prepared,
  ringOf,
  silent,
  verifyOnly,
  waitOf,
  waitsOf,
  withoutStandby,
} from "../support/rings.ts";
import { day, epoch, hour, minute, policy, stepsOf, Story } from "../support/story.ts";

const pin = (pinnedKid: string) => ({ policy: { pinnedKid } });
/** Two keys may be rolled back to. */
const ring = ringOf({ retiring: [verifyOnly("k0"), verifyOnly("v", { quiescedAtMs: epoch })] });
const es512 = { ...policy.profile, algorithm: "ES512" as const };

describe("a pin on the signer", () => {
  it.each([
    ["the schedule", { nowMs: epoch + 365 * day }],
    ["a request", { requests: ["spec:now"] }],
  ])("holds %s", (_, change) => {
    const plan = planFor(ringOf(), { ...pin("k1"), ...change });
    expect(plan.steps).toStrictEqual([]);
    expect(plan.gates).toStrictEqual([{ step: "activate", why: "pin", waitsFor: [{ kind: "pinned" }] }]);
  });

  it("holds a changed profile, though the standby is replaced", () => {
    const plan = planFor(ringOf(), { policy: { pinnedKid: "k1", profile: es512 } });
    expect(stepsOf(plan)).toBe("discard k2, create");
    expect(waitOf(plan, "activate")).toBe("activate (pin): pinned");
  });

  it("does not hold a revocation of it, by kid or by age: rotation goes on as if unpinned", () => {
    const byKid = planFor(ringOf(), { policy: { pinnedKid: "k1", revokedKids: [{ kid: "k1" }] } });
    const byAge = planFor(ringOf(), { policy: { pinnedKid: "k1", revokeCreatedBeforeMs: epoch } });
    expect(stepsOf(byKid)).toBe("activate k2, revoke k1, create");
    expect(stepsOf(byAge)).toBe("revokeBefore, create, revoke k2, revoke k1, create");
    expect(waitOf(byKid, "activate")).toMatch(/^activate \(new 1\) \(schedule\)/);
    expect(waitOf(byAge, "activate")).toBe("activate (new 2) (schedule): schedule 720h, standby");
  });

  it("does not hold a signer whose private half is lost", () => {
    const lost = ringOf({ signer: active("k1", { canSign: false }) });
    expect(stepsOf(planFor(lost, pin("k1")))).toBe("activate k2, create");
  });
});

describe("a pin on a lost signer", () => {
  const lost = ringOf({ signer: active("k1", { canSign: false }) });

  it("does not hold it while a gateway still signs with it: the next key takes over in the ordinary way", () => {
    const plan = planFor(lost, { ...pin("k1"), gateways: [gatewayAt(lost)] });
    expect(plan.steps[0]).toMatchObject({ type: "activate", kid: "k2", why: "signerLost", early: false });
  });

  it("on another key is followed at once, before the standby", () => {
    const ring = { ...lost, retiring: [verifyOnly("k0", { quiescedAtMs: epoch })] };
    expect(planFor(ring, { ...pin("k0"), requests: ["spec:now"] }).steps[0]).toMatchObject({
      type: "activate",
      kid: "k0",
      why: "signerLost",
      early: false,
      handledRequests: [],
    });
  });
});

describe("a pin while the signer is revoked", () => {
  const revokedKids = [{ kid: "k1" }];
  const withOld = (change: Partial<VerifyOnlyKey> = {}) =>
    ringOf({ retiring: [verifyOnly("k0", { quiescedAtMs: epoch, ...change })] });
  const activated = (change: Partial<VerifyOnlyKey>, edit: Partial<Policy> = {}) => {
    const edited = { pinnedKid: "k0", revokedKids, ...edit };
    return planFor(withOld(change), { policy: edited, requests: ["spec:now"] }).steps.find(
      (s) => s.type === "activate",
    );
  };

  it("is followed at once, before the standby, and handles no request", () => {
    expect(activated({})).toStrictEqual({
      type: "activate",
      kid: "k0",
      why: "signerRevoked",
      early: false,
      handledRequests: [],
    });
  });

  it.each<[string, Partial<VerifyOnlyKey>, Partial<Policy>]>([
    ["has lost its private half", { canSign: false }, {}],
    ["is condemned by its age", { createdAtMs: 1 }, { revokeCreatedBeforeMs: 2 }],
    ["is revoked", {}, { revokedKids: [...revokedKids, { kid: "k0" }] }],
    ["is unknown", {}, { pinnedKid: "k9" }],
    ["is the revoked signer", {}, { pinnedKid: "k1" }],
  ])("is passed over when its key %s", (_, change, edit) => {
    expect(activated(change, edit)).toMatchObject({ kid: "k2", why: "signerRevoked", handledRequests: ["spec:now"] });
  });

  it("tells when its key is not known to every verifier", () => {
    expect(planFor(withOld(), { policy: { pinnedKid: "k0", revokedKids }, gateways: [silent] }).steps[0]).toMatchObject(
      { kid: "k0", early: true },
    );
  });
});

describe("a pin on the standby", () => {
  it("activates it without request or schedule", () => {
    const [step] = planFor(ringOf(), pin("k2")).steps;
    expect(step).toStrictEqual({ type: "activate", kid: "k2", why: "pin", early: false, handledRequests: [] });
  });

  it("waits for its propagation", () => {
    const young = ringOf({ standby: prepared("k2", { publishedAtMs: epoch - 20 * minute }) });
    expect(waitOf(planFor(young, pin("k2")), "activate")).toBe("activate k2 (pin): propagation 10m");
    expect(stepsOf(planFor(young, { ...pin("k2"), nowMs: epoch + 10 * minute }))).toBe("activate k2, create");
  });

  it("waits for its publication and for gateways that don't accept it", () => {
    const unpublished = omit(prepared("k2"), "publishedAtMs");
    const unseen = planFor(ringOf({ standby: unpublished }), { ...pin("k2"), gateways: [silent] });
    expect(waitOf(unseen, "activate")).toBe("activate k2 (pin): standby");
    expect(waitOf(planFor(ringOf(), { ...pin("k2"), gateways: [silent] }), "activate")).toBe(
      "activate k2 (pin): gw-silent",
    );
  });

  it("keeps it from being discarded for its profile", () => {
    const plan = planFor(ringOf({ standby: prepared("k2", { profile: es512 }) }), pin("k2"));
    expect(stepsOf(plan)).toBe("activate k2, create");
  });
});

describe("a pin on a verify-only key: rollback", () => {
  it("activates it at once, with its wait long over, and keeps the standby", () => {
    const plan = planFor(ring, { ...pin("k0"), gateways: [gatewayAt(ring)] });
    expect(stepsOf(plan)).toMatch(/^activate k0/);
    const after = applyPlan(ring, plan, []);
    expect(after?.signer.kid).toBe("k0");
    expect(after?.standby?.kid).toBe("k2");
    expect(after?.retiring.map((k) => k.kid)).toStrictEqual(["k1", "v"]);
  });

  it("works for a key that is quiesced: it is retired anew, with its old windows", () => {
    const after = applyPlan(ring, planFor(ring, pin("v")), []);
    expect(after?.signer).toStrictEqual(active("v", { activatedAtMs: epoch }));
  });

  it("keeps the longer window of the time when the key signed before", () => {
    const old = ringOf({ retiring: [verifyOnly("k0", { windowMs: 9 * hour })] });
    expect(applyPlan(old, planFor(old, pin("k0")), [])?.signer.windowMs).toBe(9 * hour);
  });

  it("waits for a gateway that does not accept it any more", () => {
    const ack = { generation: 100, verifies: ["k1", "k2"], signs: "k1" };
    const plan = planFor(ring, { ...pin("k0"), gateways: [{ name: "gw", ready: true, ack }] });
    expect(waitOf(plan, "activate")).toBe("activate k0 (pin): gw");
  });

  it("waits for the propagation of a first key that was never published for long enough", () => {
    const young = ringOf({ retiring: [verifyOnly("k0", { publishedAtMs: epoch - 29 * minute, quiescedAtMs: epoch })] });
    expect(waitOf(planFor(young, pin("k0")), "activate")).toBe("activate k0 (pin): propagation 1m");
  });

  it("handles no request: it is done when the pin goes", () => {
    const story = new Story();
    story.run(hour);
    story.requests = ["spec:1"];
    story.run(hour);
    expect(story.ring.signer.kid).toBe("k2");
    story.requests = ["spec:2"];
    story.policy = { ...story.policy, pinnedKid: "k1" };
    story.settle();
    expect(story.ring.signer.kid).toBe("k1");
    expect(story.ring.handledRequests).toStrictEqual(["spec:1"]);
    story.policy = policy;
    story.run(minute);
    expect(story.ring.signer.kid).toBe("k3");
    expect(story.ring.handledRequests).toStrictEqual(["spec:1", "spec:2"]);
  });

  it("is kept when the pin goes: the schedule counts from the rollback", () => {
    const story = new Story();
    story.run(hour);
    story.requests = ["spec:1"];
    story.run(hour);
    story.policy = { ...story.policy, pinnedKid: "k1" };
    story.settle();
    const rolledBackAtMs = story.nowMs;
    story.run(hour);
    story.policy = policy;
    story.run(30 * day - hour - 1);
    expect(story.ring.signer.kid).toBe("k1");
    story.run(1);
    expect(story.ring.signer.kid).toBe("k3");
    expect(story.ring.signer.activatedAtMs).toBe(rolledBackAtMs + 30 * day);
  });

  it("is not kept when the pin goes and its profile is not the policy's", () => {
    const old = ringOf({ signer: active("k0", { profile: es512 }) });
    expect(planFor(old).steps[0]).toMatchObject({ type: "activate", kid: "k2", why: "profile" });
  });
});

describe("a pin that can't be followed", () => {
  it("names a kid that the ring does not have, and rotates nothing", () => {
    const plan = planFor(ringOf(), { ...pin("k9"), requests: ["spec:now"] });
    expect(waitsOf(plan)).toStrictEqual(["activate k9 (pin): pinUnknown k9"]);
    expect(plan.steps).toStrictEqual([]);
  });

  it("names a key whose private half was forgotten, and keeps that key", () => {
    const forgotten = ringOf({ retiring: [verifyOnly("k0", { canSign: false, quiescedAtMs: epoch - day })] });
    const plan = planFor(forgotten, pin("k0"));
    expect(waitsOf(plan)).toStrictEqual(["activate k0 (pin): pinCannotSign k0", "prune k0: pinned"]);
    expect(plan.steps).toStrictEqual([]);
  });

  it("names a lost signer that was replaced", () => {
    const replaced = ringOf({ retiring: [verifyOnly("k0", { canSign: false })] });
    expect(waitOf(planFor(replaced, pin("k0")), "activate")).toBe("activate k0 (pin): pinCannotSign k0");
  });

  it.each([
    ["is revoked in the ring", { revoked: [{ kid: "k9", revokedAtMs: epoch }] }, {}],
    ["is revoked in the spec", {}, { revokedKids: [{ kid: "k9" }] }],
  ])("does not count when the kid %s: the schedule goes on", (_, facts, edit) => {
    const plan = planFor(ringOf(facts), { policy: { pinnedKid: "k9", ...edit }, nowMs: epoch + 365 * day });
    expect(stepsOf(plan)).toContain("activate k2, create");
  });

  it("does not count when it names a key that the revocation instant condemns", () => {
    const ancient = ringOf({ retiring: [verifyOnly("k0", { createdAtMs: epoch - 20 * day })] });
    const plan = planFor(ancient, { policy: { pinnedKid: "k0", revokeCreatedBeforeMs: epoch - 15 * day } });
    expect(stepsOf(plan)).toBe("revokeBefore, revoke k0");
    expect(waitOf(plan, "activate")).toBe("activate k2 (schedule): schedule 528h");
  });

  it("counts although others are revoked, in the spec and in the ring", () => {
    const ring = ringOf({ revoked: [{ kid: "r1", revokedAtMs: 1 }] });
    const plan = planFor(ring, { policy: { pinnedKid: "k1", revokedKids: [{ kid: "r1" }] }, nowMs: epoch + 365 * day });
    expect(stepsOf(plan)).toBe("");
  });

  it("makes no difference to publishing and to the retirement of other keys", () => {
    const unpublished = omit(prepared("k2"), "publishedAtMs");
    const plan = planFor(ringOf({ standby: unpublished, retiring: [verifyOnly("k0")] }), pin("k9"));
    expect(stepsOf(plan)).toBe("publish k2, quiesce k0");
  });

  it("still prepares a standby", () => {
    expect(stepsOf(planFor(withoutStandby(), pin("k1")))).toBe("create");
  });
});
