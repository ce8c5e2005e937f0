import { describe, expect, it } from "vitest";
import type { GatewayView } from "../../src/ring/ack.ts";
import type { Projection, Stored } from "../../src/ring/plan.ts";
import { applyPlan } from "../../src/ring/steps.ts";
import { active, gatewayAt, omit, planFor, prepared, ringOf, silent, verifyOnly, waitOf } from "../support/rings.ts";
import { day, epoch, minute, projectionOf, stepsOf } from "../support/story.ts";

const standby = omit(prepared("k2", { createdAtMs: epoch - minute }), "publishedAtMs");
const signer = omit(active("k1", { createdAtMs: epoch - minute }), "publishedAtMs");
const ring = ringOf({ standby });
const shown = projectionOf(ring);
const stored = (projections: Extract<Stored, { kind: "ring" }>["projections"]): Stored => ({
  kind: "ring",
  ring,
  projections,
});

describe("publish", () => {
  it("passes at once when both projections show the kid and no gateway is expected", () => {
    expect(planFor(ring).steps).toStrictEqual([{ type: "publish", kid: "k2" }]);
  });

  const stale: Projection = { generation: 99, kids: ["k1"] };
  it.each<[string, Stored, boolean]>([
    ["both show it", stored({ signer: shown, public: shown }), true],
    [
      "both show it in an older generation",
      stored({ signer: { ...shown, generation: 1 }, public: { ...shown, generation: 1 } }),
      true,
    ],
    ["the signer object does not", stored({ signer: stale, public: shown }), false],
    ["the public object does not", stored({ signer: shown, public: stale }), false],
    ["a newer generation does not", stored({ signer: shown, public: { ...stale, generation: 101 } }), false],
    ["the signer object is unreadable", stored({ public: shown }), false],
    ["the public object is unreadable", stored({ signer: shown }), false],
    ["neither can be read", stored({}), false],
  ])("reads the kid live in both projections: %s", (_, found, passes) => {
    const plan = planFor(ring, { stored: found });
    expect(stepsOf(plan)).toBe(passes ? "publish k2" : "");
    expect(waitOf(plan, "publish")).toBe(passes ? undefined : "publish k2: projections");
  });

  const ack = { generation: 100, verifies: ["k1", "k2"], signs: "k1" };
  it.each<[string, GatewayView, boolean]>([
    ["accepts the key", { name: "gw", ready: true, ack }, true],
    ["mints nothing and accepts the key", { name: "gw", ready: true, ack: { generation: 1, verifies: ["k2"] } }, true],
    ["acked a ring without the key", { name: "gw", ready: true, ack: { ...ack, verifies: ["k1"] } }, false],
    [
      "acked a ring without the key, and gets no traffic",
      { name: "gw", ready: false, ack: { ...ack, verifies: ["k1"] } },
      false,
    ],
    ["says generation 0", { name: "gw", ready: true, ack: { ...ack, generation: 0 } }, false],
    ["never acked", silent, false],
    ["runs and has said nothing: it may answer soon", { name: "gw", ready: false }, false],
    [
      "gets no traffic, and promised by generation 0 to read first,",
      { name: "gw", ready: false, ack: { ...ack, generation: 0 } },
      true,
    ],
  ])("asks every gateway: one that %s", (_, gateway, passes) => {
    const plan = planFor(ring, { gateways: [gatewayAt(ring, "other"), gateway] });
    expect(stepsOf(plan)).toBe(passes ? "publish k2" : "");
    expect(waitOf(plan, "publish")).toBe(passes ? undefined : `publish k2: ${gateway.name}`);
  });

  it("says what it waits for and since when: the creation of the key", () => {
    const plan = planFor(ring, { stored: stored({}), gateways: [silent] });
    expect(plan.gates.find((g) => g.step === "publish")).toStrictEqual({
      step: "publish",
      kid: "k2",
      waitsFor: [{ kind: "projections" }, { kind: "gateway", name: "gw-silent" }],
      sinceMs: epoch - minute,
    });
  });

  it("waits since the adoption, not since the creation, of a key that was taken over", () => {
    const adopted = ringOf({ signer: { ...signer, adoptedAtMs: epoch - 5 } });
    const gate = planFor(adopted, { gateways: [silent] }).gates.find((g) => g.step === "publish");
    expect(gate?.sinceMs).toBe(epoch - 5);
  });

  it("waits since the last demotion, when that was later: a recovery asks anew for keys made long ago", () => {
    const demotions = [-2, -1, -3].map((ms) => verifyOnly(`v${ms}`, { demotedAtMs: epoch + ms, quiescedAtMs: epoch }));
    const plan = planFor({ ...ring, retiring: demotions }, { gateways: [silent] });
    expect(plan.gates.find((g) => g.step === "publish")?.sinceMs).toBe(epoch - 1);
    const before = planFor(
      { ...ring, retiring: [verifyOnly("v", { demotedAtMs: epoch - day })] },
      { gateways: [silent] },
    );
    expect(before.gates.find((g) => g.step === "publish")?.sinceMs).toBe(epoch - minute);
  });

  it("asks no gateway when acknowledgements are ignored, but reads the projections", () => {
    const policy = { acknowledgements: "Ignored" } as const;
    expect(stepsOf(planFor(ring, { gateways: [silent], policy }))).toBe("publish k2");
    expect(waitOf(planFor(ring, { gateways: [silent], policy, stored: stored({}) }), "publish")).toBe(
      "publish k2: projections",
    );
  });

  it("is recorded for every key that lacks it, the signer and old keys included, each by itself", () => {
    const old = omit(verifyOnly("k0", { quiescedAtMs: epoch }), "publishedAtMs");
    const bare = ringOf({ signer, standby, retiring: [old] });
    expect(stepsOf(planFor(bare))).toBe("publish k1, publish k2, publish k0");
    const gateways = [{ name: "gw", ready: true, ack: { ...ack, verifies: ["k2"] } }];
    const plan = planFor(bare, { gateways });
    expect(stepsOf(plan)).toBe("publish k2");
    expect(waitOf(plan, "publish k1")).toBe("publish k1: gw");
  });

  it("is recorded once", () => {
    expect(planFor(ringOf()).steps).toStrictEqual([]);
  });

  it("never happens in the pass that makes the key: planning time is not publication time", () => {
    const plan = planFor(ringOf({ standby }), { policy: { revokedKids: [{ kid: "k2" }] } });
    expect(stepsOf(plan)).toBe("revoke k2, create");
    expect(waitOf(plan, "publish")).toBe("publish (new 1): projections");
  });
});

describe("unpublish", () => {
  const published = ringOf({
    retiring: [verifyOnly("k0", { publishedAtMs: epoch - day, quiescedAtMs: epoch - minute })],
  });
  const all = projectionOf(published);
  const without = (kid: string): Projection => ({ generation: 99, kids: all.kids.filter((k) => k !== kid) });
  const found = (projections: Extract<Stored, { kind: "ring" }>["projections"]): Stored => ({
    kind: "ring",
    ring: published,
    projections,
  });
  const requests = ["spec:now"];

  it.each<[string, Extract<Stored, { kind: "ring" }>["projections"], string]>([
    ["the public object lacks the standby", { signer: all, public: without("k2") }, "unpublish k2"],
    ["the signer object lacks it", { signer: without("k2"), public: all }, "unpublish k2"],
    ["a newer one lacks it", { signer: all, public: { ...without("k2"), generation: 101 } }, "unpublish k2"],
    ["the signer is lacking", { signer: all, public: without("k1") }, "unpublish k1, activate k2, create"],
    ["an old key is lacking", { signer: all, public: without("k0") }, "unpublish k0, activate k2, create"],
    ["an older one has every key", { signer: all, public: { ...all, generation: 1 } }, "activate k2, create"],
    ["one is gone: nobody was shown it without the key", { signer: all }, "activate k2, create"],
  ])("before activation, when %s", (_, projections, steps) => {
    expect(stepsOf(planFor(published, { requests, stored: found(projections) }))).toBe(steps);
  });

  it("makes the wait begin anew, with the pass that reads the key back", () => {
    const plan = planFor(published, { requests, stored: found({ signer: all, public: without("k2") }) });
    const after = applyPlan(published, plan, []);
    if (!after) throw new TypeError("there must be a ring");
    const seen = planFor(after, { requests });
    expect(stepsOf(seen)).toBe("publish k2");
    const again = applyPlan(after, seen, []);
    expect(again && waitOf(planFor(again, { requests }), "activate")).toBe("activate k2 (request): propagation 30m");
  });

  it.each([
    ["a suspension", { policy: { suspend: true } }],
    ["a clock that is not to be trusted", { clockTrusted: false }],
  ])("is not held by %s: no later pass sees what this one mends", (_, held) => {
    const plan = planFor(published, { ...held, requests, stored: found({ signer: all, public: without("k2") }) });
    expect(stepsOf(plan)).toBe("unpublish k2");
  });

  it("comes before a revocation of the signer, so that the standby is said to sign early", () => {
    const plan = planFor(published, {
      policy: { revokedKids: [{ kid: "k1" }] },
      stored: found({ signer: all, public: without("k2") }),
    });
    expect(plan.steps[1]).toMatchObject({ type: "activate", kid: "k2", early: true });
  });

  it("is not planned for a key that was never published", () => {
    expect(
      stepsOf(planFor(ring, { stored: stored({ signer: shown, public: { generation: 99, kids: ["k1"] } }) })),
    ).toBe("");
  });
});
