import { describe, expect, it } from "vitest";
import type { Policy, Stored } from "../../src/ring/plan.ts";
import { active, planFor, prepared, ringOf, verifyOnly, waitOf } from "../support/rings.ts";
import { day, epoch, hour, minute, policy, stepsOf, Story } from "../support/story.ts";

const adopted = (change: Partial<Parameters<typeof ringOf>[0]> = {}) =>
  ringOf({ signer: active("old", { adoptedAtMs: epoch - 8 * day, activatedAtMs: epoch - 8 * day }), ...change });
const due = { schedule: { kind: "interval", everyMs: day } } as const;
const es512: Partial<Policy> = { profile: { ...policy.profile, algorithm: "ES512" } };

describe("the first rotation after an adoption", () => {
  it.each<[string, Partial<Policy>, string]>([
    ["not even by a schedule that is due", due, "activate k2 (schedule): adoption"],
    ["by a schedule that is not due either", {}, "activate k2 (schedule): schedule 528h, adoption"],
  ])("does not come by itself: %s", (_, edit, wait) => {
    const plan = planFor(adopted(), { policy: edit });
    expect(stepsOf(plan)).toBe("");
    expect(waitOf(plan, "activate")).toBe(wait);
  });

  it("does not come by a changed profile", () => {
    const plan = planFor(adopted({ standby: prepared("k2", { profile: { ...policy.profile, algorithm: "ES512" } }) }), {
      policy: es512,
    });
    expect(stepsOf(plan)).toBe("");
    expect(waitOf(plan, "activate")).toBe("activate k2 (profile): adoption");
  });

  it("comes with a request", () => {
    expect(stepsOf(planFor(adopted(), { requests: ["spec:now"] }))).toBe("activate k2, create");
  });

  it("comes with a request for a changed profile, too", () => {
    const ring = adopted({ standby: prepared("k2", { profile: { ...policy.profile, algorithm: "ES512" } }) });
    expect(planFor(ring, { policy: es512, requests: ["spec:now"] }).steps[0]).toMatchObject({ why: "profile" });
  });

  it("does not come with a request that was made before the adoption", () => {
    expect(stepsOf(planFor(adopted({ handledRequests: ["spec:a"] }), { requests: ["spec:a"], policy: due }))).toBe("");
  });

  it("comes by itself when acknowledgements are ignored: a person said that nobody else counts", () => {
    expect(stepsOf(planFor(adopted(), { policy: { ...due, acknowledgements: "Ignored" } }))).toBe(
      "activate k2, create",
    );
  });

  it("comes with a pin on the standby", () => {
    expect(stepsOf(planFor(adopted(), { policy: { pinnedKid: "k2" } }))).toBe("activate k2, create");
  });

  it("comes when the adopted key is revoked or lost: it can't be kept", () => {
    expect(stepsOf(planFor(adopted(), { policy: { revokedKids: [{ kid: "old" }] } }))).toMatch(
      /^activate k2, revoke old/,
    );
    const lost = adopted({ signer: active("old", { adoptedAtMs: 1, activatedAtMs: 1, canSign: false }) });
    const gateways = [{ name: "gw", ready: true, ack: { generation: 9, verifies: ["old", "k2"], signs: "old" } }];
    expect(planFor(lost, { gateways }).steps[0]).toMatchObject({ type: "activate", kid: "k2", why: "signerLost" });
  });

  it("still waits for publication, like any other", () => {
    const young = adopted({ standby: prepared("k2", { publishedAtMs: epoch - 29 * minute }) });
    expect(waitOf(planFor(young, { requests: ["spec:now"] }), "activate")).toBe(
      "activate k2 (request): propagation 1m",
    );
  });
});

describe("later rotations", () => {
  it("are as usual: the new signer is not an adopted key", () => {
    const ring = ringOf({ retiring: [verifyOnly("old", { adoptedAtMs: epoch - 9 * day })] });
    expect(stepsOf(planFor(ring, { policy: due }))).toMatch(/^activate k2/);
  });

  it("don't wait for a person again after a rollback to the adopted key", () => {
    const stored: Stored = {
      kind: "adoptable",
      generationFloor: 0,
      signer: { kid: "old", algorithm: "ES256", createdAtMs: epoch - 999 * day },
      verifyOnly: [],
    };
    const story = new Story();
    story.stored = stored;
    story.run(40 * day);
    expect(story.keys).toBe("old active, k1 prepared");
    story.requests = ["spec:now"];
    story.run(hour);
    expect(story.ring.signer.kid).toBe("k1");
    story.policy = { ...policy, pinnedKid: "old" };
    story.run(hour);
    expect(story.ring.signer.kid).toBe("old");
    story.policy = policy;
    story.run(30 * day - hour - 1);
    expect(story.ring.signer.kid).toBe("old");
    story.run(1);
    expect(story.ring.signer.kid).toBe("k2");
  });
});
