import { describe, expect, it } from "vitest";
import type { GatewayView } from "../../src/ring/ack.ts";
import { forgetAtMs, pruneAtMs } from "../../src/ring/rules/retire.ts";
import { gatewayAt, planFor, ringOf, settings, silent, verifyOnly, waitOf, waitsOf } from "../support/rings.ts";
import { epoch, hour, minute, policy, projectionOf, stepsOf } from "../support/story.ts";

const leavingRing = ringOf({ retiring: [verifyOnly("k0")] });
const quiesceWith = (...gateways: readonly GatewayView[]) => planFor(leavingRing, { gateways });

describe("quiesce", () => {
  it("passes at once when no gateway is expected", () => {
    expect(stepsOf(planFor(leavingRing))).toBe("quiesce k0");
  });

  it("passes when every gateway has acked a ring after the demotion and signs with another key", () => {
    const plan = quiesceWith(gatewayAt(leavingRing, "gw-1"), gatewayAt(leavingRing, "gw-2"));
    expect(stepsOf(plan)).toBe("quiesce k0");
  });

  const ack = { generation: 100, verifies: ["k0", "k1", "k2"] };
  it.each<[string, GatewayView, boolean]>([
    [
      "acked the generation just before the demotion",
      { name: "gw", ready: true, ack: { ...ack, generation: 99 } },
      false,
    ],
    ["acked the generation of the demotion", { name: "gw", ready: true, ack: { ...ack, generation: 100 } }, true],
    ["acked a later generation", { name: "gw", ready: true, ack: { ...ack, generation: 101 } }, true],
    [
      "acked a later generation and still signs with the key",
      { name: "gw", ready: true, ack: { ...ack, generation: 101, signs: "k0" } },
      false,
    ],
    ["is starting: generation 0", { name: "gw", ready: true, ack: { ...ack, generation: 0 } }, false],
    [
      "is starting and gets no traffic: it may have signed before",
      { name: "gw", ready: false, ack: { ...ack, generation: 0 } },
      false,
    ],
    ["never acked", silent, false],
    ["never acked and gets no traffic", { name: "gw", ready: false }, false],
    ["gets no traffic, and acked", { name: "gw", ready: false, ack }, true],
    ["mints nothing", { name: "gw", ready: true, ack }, true],
  ])("with a gateway that %s", (_, gateway, passes) => {
    const plan = quiesceWith(gateway);
    expect(stepsOf(plan)).toBe(passes ? "quiesce k0" : "");
    expect(waitOf(plan, "quiesce")).toBe(passes ? undefined : `quiesce k0: ${gateway.name}`);
  });

  it("waits for each gateway that may still sign, with what it last said", () => {
    const late = { name: "gw-late", ready: true, ack: { ...ack, generation: 99 } };
    const gate = quiesceWith(gatewayAt(leavingRing), late, silent).gates.find((g) => g.step === "quiesce");
    expect(gate).toStrictEqual({
      step: "quiesce",
      kid: "k0",
      waitsFor: [
        { kind: "gateway", name: "gw-late", ack: late.ack },
        { kind: "gateway", name: "gw-silent" },
      ],
      sinceMs: epoch - minute,
    });
  });

  it("asks no gateway when acknowledgements are ignored", () => {
    expect(stepsOf(planFor(leavingRing, { gateways: [silent], policy: { acknowledgements: "Ignored" } }))).toBe(
      "quiesce k0",
    );
  });

  const shown = projectionOf(leavingRing);
  it.each([
    ["both show the demotion", 100, 100, true],
    ["both are later", 101, 102, true],
    ["the signer object is one generation behind", 99, 100, false],
    ["the public object is one generation behind", 100, 99, false],
  ])("reads the projections: %s", (...[, signer, open, passes]) => {
    const projections = { signer: { ...shown, generation: signer }, public: { ...shown, generation: open } };
    const plan = planFor(leavingRing, { stored: { kind: "ring", ring: leavingRing, projections } });
    expect(stepsOf(plan)).toBe(passes ? "quiesce k0" : "");
    expect(waitOf(plan, "quiesce")).toBe(passes ? undefined : "quiesce k0: projections");
  });

  it.each([
    ["the signer object", { public: shown }],
    ["the public object", { signer: shown }],
    ["both", {}],
  ])("waits for the projections when %s can't be read, also without gateways", (_, projections) => {
    const plan = planFor(leavingRing, { stored: { kind: "ring", ring: leavingRing, projections } });
    expect(stepsOf(plan)).toBe("");
    expect(waitOf(plan, "quiesce")).toBe("quiesce k0: projections");
  });

  it("names projections and gateways together", () => {
    const stored = { kind: "ring", ring: leavingRing, projections: {} } as const;
    expect(waitOf(planFor(leavingRing, { stored, gateways: [silent] }), "quiesce")).toBe(
      "quiesce k0: projections, gw-silent",
    );
  });

  it("is decided for each key by itself", () => {
    const ring = ringOf({ retiring: [verifyOnly("k0", { demotedInGeneration: 101 }), verifyOnly("v1")] });
    const plan = planFor(ring, { gateways: [gatewayAt(ring)] });
    expect(stepsOf(plan)).toBe("quiesce v1");
    expect(waitOf(plan, "quiesce k0")).toBe("quiesce k0: projections, gw-1");
  });
});

describe("pruneAtMs", () => {
  const key = verifyOnly("k0", { waitMs: 30 * minute, windowMs: 2 * hour });

  it.each([
    ["the window that the key stored", 3 * hour, 2 * hour, hour, 3 * hour],
    ["the rotation window in force", 2 * hour, 4 * hour, hour, 4 * hour],
    ["the key's own maxTTL and twice the clock skew", 2 * hour, 2 * hour, 5 * hour, 5 * hour + 2 * minute],
  ])(
    "is the quiescence, the key's own wait and the longest of three: %s",
    (...[, windowMs, rotationWindowMs, maxTTLMs, most]) => {
      const old = { ...key, windowMs, profile: { ...key.profile, maxTTLMs } };
      expect(pruneAtMs(old, epoch, { ...settings, rotationWindowMs })).toBe(epoch + 30 * minute + most);
    },
  );

  it("counts the key's wait, not the policy's", () => {
    expect(pruneAtMs({ ...key, waitMs: 0 }, epoch, settings)).toBe(epoch + 2 * hour);
  });
});

describe("forgetAtMs", () => {
  it("is the quiescence, the key's own wait and the rollback window", () => {
    const at = forgetAtMs(verifyOnly("k0", { waitMs: 7 * minute }), epoch, { ...policy, rollbackWindowMs: hour });
    expect(at).toBe(epoch + hour + 7 * minute);
  });
});

describe("forget and prune", () => {
  /** Prunes at the epoch; its half goes half an hour earlier. */
  const key = verifyOnly("k0", { quiescedAtMs: epoch - 150 * minute });
  const ring = ringOf({ retiring: [key] });
  const rollbackWindow = { rollbackWindowMs: 90 * minute };

  it.each([
    [-30 * minute - 1, "", ["forget k0: rollbackWindow 1ms", "prune k0: rotationWindow 30m0.001s"]],
    [-30 * minute, "forget k0", ["prune k0: rotationWindow 30m"]],
    [-30 * minute + 1, "forget k0", ["prune k0: rotationWindow 29m59.999s"]],
    [-1, "forget k0", ["prune k0: rotationWindow 1ms"]],
    [0, "prune k0", []],
    [1, "prune k0", []],
  ])("%i ms around the end of the window", (atMs, steps, waits) => {
    const plan = planFor(ring, { policy: rollbackWindow, nowMs: epoch + atMs });
    expect(stepsOf(plan)).toBe(steps);
    expect(waitsOf(plan).slice(1)).toStrictEqual(waits);
  });

  it("forgets nothing twice", () => {
    const forgotten = ringOf({ retiring: [{ ...key, canSign: false }] });
    const plan = planFor(forgotten, { policy: rollbackWindow, nowMs: epoch - minute });
    expect(stepsOf(plan)).toBe("");
    expect(waitsOf(plan).slice(1)).toStrictEqual(["prune k0: rotationWindow 1m"]);
  });

  it("prunes at once when both windows have ended: forgetting first would be a write for nothing", () => {
    expect(stepsOf(planFor(ring, { policy: { rollbackWindowMs: 2 * hour }, nowMs: epoch }))).toBe("prune k0");
  });

  it("forgets as soon as the wait is over when the rollback window is 0", () => {
    const quiesced = ringOf({ retiring: [verifyOnly("k0", { quiescedAtMs: epoch - 30 * minute })] });
    expect(stepsOf(planFor(quiesced, { policy: { rollbackWindowMs: 0 } }))).toBe("forget k0");
    expect(stepsOf(planFor(quiesced, { policy: { rollbackWindowMs: 0 }, nowMs: epoch - 1 }))).toBe("");
  });

  it.each([
    ["lengthened", 3 * hour, "configure", "prune k0: rotationWindow 1h"],
    ["shortened", 90 * minute, "configure, prune k0", undefined],
  ])("follows a rotation window that was %s, within what the key stored", (...[, rotationWindowMs, steps, wait]) => {
    const plan = planFor(ringOf({ retiring: [{ ...key, canSign: false }] }), { policy: { rotationWindowMs } });
    expect(stepsOf(plan)).toBe(steps);
    expect(waitOf(plan, "prune")).toBe(wait);
  });

  it("does not hold a window that a later edit shortened below what was in force while the key signed", () => {
    const stored = ringOf({ retiring: [{ ...key, canSign: false, windowMs: 3 * hour }] });
    expect(waitOf(planFor(stored), "prune")).toBe("prune k0: rotationWindow 1h");
  });

  it.each([
    ["inside the rollback window", -hour],
    ["after the rollback window", -30 * minute],
    ["after the rotation window", 0],
    ["long after", 24 * hour],
  ])("never touches the pinned key: %s", (_, atMs) => {
    const plan = planFor(ring, {
      policy: { ...rollbackWindow, pinnedKid: "k0" },
      gateways: [silent],
      nowMs: epoch + atMs,
    });
    expect(stepsOf(plan)).toBe("");
    expect(waitOf(plan, "prune")).toBe("prune k0: pinned");
  });

  it("takes the key when the pin that kept it goes", () => {
    expect(stepsOf(planFor(ring, { nowMs: epoch + 24 * hour }))).toBe("prune k0");
  });

  it("lets every key go whose time has come, in one write", () => {
    const many = ringOf({ retiring: ["a", "b", "c"].map((kid) => ({ ...key, kid })) });
    expect(stepsOf(planFor(many))).toBe("prune a, prune b, prune c");
  });

  it("is not held by silent gateways: the key was quiesced before", () => {
    expect(stepsOf(planFor(ring, { gateways: [silent] }))).toBe("prune k0");
  });
});
