import { describe, expect, it } from "vitest";
import type { PreparedKey, Profile } from "../../src/ring/key.ts";
import { keyLimit, keysOf } from "../../src/ring/ring.ts";
import { applyPlan } from "../../src/ring/steps.ts";
import {
  active,
  gatewayAt,
  leaving,
  omit,
  planFor,
  prepared,
  ringOf,
  verifyOnly,
  waitOf,
  withoutStandby,
} from "../support/rings.ts";
import { day, epoch, hour, minute, policy, stepsOf, Story } from "../support/story.ts";

const { profile } = policy;
const rsa: Profile = { ...profile, algorithm: "RS256" };

describe("a standby", () => {
  it("is made when there is none, under the policy", () => {
    const plan = planFor(withoutStandby(), { policy: { profile: rsa, modulusBits: 2048, propagationMs: hour } });
    expect(plan.steps).toContainEqual({
      type: "create",
      as: "prepared",
      profile: rsa,
      modulusBits: 2048,
      waitMs: hour,
    });
  });

  it("has no modulus for a key without one", () => {
    const [step] = planFor(withoutStandby()).steps;
    expect(step).toStrictEqual({ type: "create", as: "prepared", profile, waitMs: 30 * minute });
  });

  const changes: readonly (readonly [string, Partial<Profile>])[] = [
    ["algorithm", { algorithm: "ES384" }],
    ["issuer", { issuer: "https://new.example" }],
    ["audiences: one more", { audiences: ["api", "admin", "jobs"] }],
    ["audiences: one less", { audiences: ["api"] }],
    ["audiences: another", { audiences: ["api", "jobs"] }],
    ["maxTTL: a millisecond longer", { maxTTLMs: hour + 1 }],
  ];

  it.each(changes)("is replaced when the profile changes: %s", (_, change) => {
    const wanted = { ...profile, ...change };
    const plan = planFor(ringOf(), { policy: { profile: wanted } });
    expect(plan.steps.filter((s) => s.type !== "configure")).toStrictEqual([
      { type: "discard", kid: "k2" },
      { type: "create", as: "prepared", profile: wanted, waitMs: 30 * minute },
    ]);
    expect(waitOf(plan, "activate")).toBe("activate (new 1) (profile): standby");
  });

  it.each(changes)("is activated as soon as it may when the signer alone has the old profile: %s", (_, change) => {
    const wanted = { ...profile, ...change };
    const ring = ringOf({ standby: prepared("k2", { profile: wanted }) });
    const activate = planFor(ring, { policy: { profile: wanted } }).steps.find((s) => s.type === "activate");
    expect(activate).toMatchObject({ kid: "k2", why: "profile", early: false });
  });

  it.each<[string, Partial<Profile>, string]>([
    ["audiences in another order", { audiences: ["admin", "api"] }, ""],
    ["a maxTTL a millisecond shorter, which is a cap at minting", { maxTTLMs: hour - 1 }, "configure"],
    ["a maxTTL much shorter", { maxTTLMs: minute }, "configure"],
  ])("is kept when the change is none: %s", (_, change, steps) => {
    expect(stepsOf(planFor(ringOf(), { policy: { profile: { ...profile, ...change } } }))).toBe(steps);
  });

  it("is replaced when a shortened maxTTL grows again, and the signer is not: it always promised that much", () => {
    const plan = planFor(ringOf({ standby: prepared("k2", { profile: { ...profile, maxTTLMs: minute } }) }));
    expect(stepsOf(plan)).toBe("discard k2, create");
    expect(waitOf(plan, "activate")).toBe("activate (new 1) (schedule): schedule 528h, standby");
  });

  it.each([
    ["the length that is asked for", 3072, 3072, ""],
    ["another length", 2048, 3072, "discard k2, create"],
    ["a length while none is asked for", 2048, undefined, ""],
    ["no length while one is asked for", undefined, 3072, "discard k2, create"],
  ])("has a modulus of %s", (...[, has, wants, steps]) => {
    const bits = has === undefined ? {} : { modulusBits: has };
    const ring = ringOf({
      signer: active("k1", { profile: rsa, modulusBits: wants ?? 3072 }),
      standby: prepared("k2", { profile: rsa, ...bits }),
    });
    const asked = wants === undefined ? {} : { modulusBits: wants };
    expect(stepsOf(planFor(ring, { policy: { profile: rsa, ...asked } }))).toBe(steps);
  });

  it("is discarded before it is activated: the old profile must not sign once more", () => {
    const plan = planFor(ringOf(), { policy: { profile: rsa }, requests: ["spec:now"], nowMs: epoch + 365 * day });
    expect(stepsOf(plan)).toBe("discard k2, create");
  });

  it("that was discarded verifies for a window, and can't sign", () => {
    const after = applyPlan(ringOf(), planFor(ringOf(), { policy: { profile: rsa } }), ["k3"]);
    const retired = verifyOnly("k2", { canSign: false, demotedAtMs: epoch, demotedInGeneration: 101 });
    expect(after?.retiring).toStrictEqual([omit(retired, "activatedAtMs")]);
  });

  it.each([
    ["there is room for its successor", 12, "discard k2, create"],
    ["there is none", 13, ""],
  ])("is discarded only when %s", (_, others, steps) => {
    const plan = planFor(ringOf({ retiring: leaving(others) }), { policy: { profile: rsa } });
    expect(stepsOf(plan)).toBe(steps);
    expect(waitOf(plan, "discard")).toBe(steps === "" ? "discard k2: keyLimit" : undefined);
  });

  it("that could not be discarded does not sign either", () => {
    const plan = planFor(ringOf({ retiring: leaving(13) }), { policy: { profile: rsa }, requests: ["spec:now"] });
    expect(waitOf(plan, "activate")).toBe("activate k2 (profile): standby");
  });
});

describe("a changed profile", () => {
  it("is a rotation in the ordinary way: published, waited for, activated, the old key with its own profile", () => {
    const story = new Story();
    story.run(hour);
    story.policy = { ...story.policy, profile: rsa, modulusBits: 2048 };
    story.run(30 * minute - 1);
    expect(story.keys).toBe("k1 active, k3 prepared, k2 verify-only");
    story.run(1);
    expect(story.keys).toBe("k3 active, k4 prepared, k1 verify-only, k2 verify-only");
    expect(keysOf(story.ring).map((k) => k.profile.algorithm)).toStrictEqual(["RS256", "RS256", "ES256", "ES256"]);
  });

  it("that is taken back in time costs a standby and no rotation", () => {
    const story = new Story();
    story.run(hour);
    story.policy = { ...story.policy, profile: rsa };
    story.run(minute);
    story.policy = policy;
    story.run(day);
    expect(story.keys).toBe("k1 active, k4 prepared");
  });
});

describe("a lost signer", () => {
  const lost = ringOf({ signer: active("k1", { canSign: false }) });
  const unpublished = omit(prepared("k2"), "publishedAtMs");
  const ack = { generation: 100, verifies: ["k1", "k2"], signs: "k1" };

  it.each([
    ["no gateway runs", []],
    ["every gateway signs with another key", [{ name: "gw", ready: true, ack: { ...ack, signs: "k0" } }]],
    ["every gateway says that it can't sign", [{ name: "gw", ready: true, ack: { generation: 100, verifies: [] } }]],
    [
      "a gateway says generation 0, whatever it signs with",
      [{ name: "gw", ready: true, ack: { ...ack, generation: 0 } }],
    ],
    ["a gateway never acked", [{ name: "gw", ready: true }]],
  ])("is replaced at once when nobody can sign with it: %s", (_name, gateways) => {
    const plan = planFor(lost, { gateways });
    expect(plan.steps[0]).toMatchObject({ type: "activate", kid: "k2", why: "signerLost" });
    expect(plan.steps[1]).toMatchObject({ type: "create", as: "prepared" });
  });

  it("tells when the standby signs early for it", () => {
    const earlyFor = (standby: PreparedKey) => planFor({ ...lost, standby }).steps[0];
    expect(earlyFor(prepared("k2"))).toMatchObject({ type: "activate", early: false });
    expect(earlyFor(unpublished)).toMatchObject({ type: "activate", early: true });
  });

  it("is replaced by a key made on the spot when nothing stands by", () => {
    const plan = planFor(withoutStandby({ signer: active("k1", { canSign: false }) }));
    expect(plan.steps[0]).toMatchObject({ type: "create", as: "active", why: "signerLost", handledRequests: [] });
  });

  it.each([
    ["generation 1", { ...ack, generation: 1 }],
    ["the newest generation", ack],
  ])("is replaced in the ordinary way while a gateway still signs with it: %s", (_name, said) => {
    const standby = prepared("k2", { publishedAtMs: epoch - 20 * minute });
    const gateways = [gatewayAt(lost, "gw-1"), { name: "gw-2", ready: true, ack: said }];
    const plan = planFor({ ...lost, standby }, { gateways });
    expect(stepsOf(plan)).toBe("");
    expect(waitOf(plan, "activate")).toBe("activate k2 (signerLost): propagation 10m");
    const later = planFor({ ...lost, standby }, { gateways, nowMs: epoch + 10 * minute });
    expect(later.steps[0]).toMatchObject({ type: "activate", kid: "k2", why: "signerLost", early: false });
  });

  it("counts gateways that sign also when acknowledgements are ignored", () => {
    const standby = prepared("k2", { publishedAtMs: epoch - minute });
    const plan = planFor(
      { ...lost, standby },
      { gateways: [gatewayAt(lost)], policy: { acknowledgements: "Ignored" } },
    );
    expect(waitOf(plan, "activate")).toBe("activate k2 (signerLost): propagation 29m");
  });

  it("handles the open requests", () => {
    expect(planFor(lost, { requests: ["spec:a"] }).steps[0]).toMatchObject({ handledRequests: ["spec:a"] });
  });

  it("is not replaced under suspension", () => {
    expect(planFor(lost, { policy: { suspend: true } }).steps).toStrictEqual([]);
  });

  it.each([
    ["one below the hard limit", keyLimit - 2, "create", undefined],
    ["at the hard limit", keyLimit - 1, "", "create (signerLost): keyLimit"],
  ])("is not replaced by a 17th key: %s", (...[, others, steps, wait]) => {
    const ring = withoutStandby({ signer: active("k1", { canSign: false }), retiring: leaving(others) });
    const plan = planFor(ring);
    expect(stepsOf(plan)).toBe(steps);
    expect(keysOf(applyPlan(ring, plan, ["k3", "k4"]) ?? ring).length).toBeLessThanOrEqual(keyLimit);
    if (wait !== undefined) expect(waitOf(plan, "create")).toBe(wait);
  });
});

describe("a lost signer in a full ring with a standby", () => {
  it("is replaced by that: it needs no room", () => {
    const ring = ringOf({ signer: active("k1", { canSign: false }), retiring: leaving(keyLimit - 2) });
    expect(stepsOf(planFor(ring))).toBe("activate k2");
  });
});

describe("a revoked signer in a full ring", () => {
  it("still finds room: its own place is free in the same write", () => {
    const ring = withoutStandby({ retiring: leaving(keyLimit - 1) });
    const plan = planFor(ring, { policy: { revokedKids: [{ kid: "k1" }] } });
    expect(stepsOf(plan)).toBe("create, revoke k1");
    expect(keysOf(applyPlan(ring, plan, ["k3"]) ?? ring)).toHaveLength(keyLimit);
  });
});
