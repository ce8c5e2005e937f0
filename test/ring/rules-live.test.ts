import { describe, expect, it } from "vitest";
import { silentFromMs } from "../../src/ring/silence.ts";
import type { Gate, Step } from "../../src/ring/plan.ts";
import { applyStep } from "../../src/ring/steps.ts";
import { active, gatewayAt, inputOf, omit, planFor, ringOf, verifyOnly } from "../support/rings.ts";
import { epoch, hour, minute, policy, projectionOf, stepsOf } from "../support/story.ts";
import { planRotation } from "../../src/ring/planner.ts";

const patienceMs = policy.rotationWindowMs + policy.propagationMs;

describe("silentFromMs", () => {
  const gate = (change: Partial<Gate>): Gate => ({ step: "activate", waitsFor: [], ...change });
  const gateway = (name: string, runningSinceMs?: number) =>
    ({ kind: "gateway", name, ...(runningSinceMs !== undefined && { runningSinceMs }) }) as const;

  it.each<[string, Gate, number | undefined]>([
    ["a gate that is no barrier", gate({ waitsFor: [gateway("a")] }), undefined],
    ["a barrier without a gateway", gate({ sinceMs: epoch, waitsFor: [{ kind: "projections" }] }), undefined],
    ["a gateway that always ran", gate({ sinceMs: epoch, waitsFor: [gateway("a")] }), epoch + patienceMs],
    ["one that started before", gate({ sinceMs: epoch, waitsFor: [gateway("a", epoch - 1)] }), epoch + patienceMs],
    ["one that started after", gate({ sinceMs: epoch, waitsFor: [gateway("a", epoch + 1)] }), epoch + 1 + patienceMs],
    [
      "the first of two",
      gate({ sinceMs: epoch, waitsFor: [gateway("a", epoch + 9), gateway("b", epoch + 5)] }),
      epoch + 5 + patienceMs,
    ],
  ])("of %s", (_, of, ms) => {
    expect(silentFromMs(of, policy)).toBe(ms);
  });

  const restarted = { ...gateway("a", epoch - 9), restartedAtMs: epoch + 7 };
  it.each<[Step["type"], number]>([
    ["publish", epoch],
    ["quiesce", epoch],
    ["prune", epoch],
    // It may have been possible for weeks before it was asked for
    ["activate", epoch + 7],
  ])("of a gateway in a crash loop that holds up %s", (step, fromMs) => {
    expect(silentFromMs(gate({ step, sinceMs: epoch, waitsFor: [restarted] }), policy)).toBe(fromMs + patienceMs);
  });

  it("is when the planner wants to look again", () => {
    const ring = ringOf({ retiring: [verifyOnly("k0", { demotedAtMs: epoch })] });
    const plan = planFor(ring, { gateways: [{ name: "gw", ready: true }] });
    expect(plan.nextCheckAtMs).toBe(epoch + patienceMs + 1);
  });

  it("counts from the start of a gateway that came later", () => {
    const ring = ringOf({ retiring: [verifyOnly("k0", { demotedAtMs: epoch - hour })] });
    const plan = planFor(ring, { gateways: [{ name: "gw", ready: true, runningSinceMs: epoch - minute }] });
    expect(plan.nextCheckAtMs).toBe(epoch - minute + patienceMs + 1);
  });

  it.each([
    ["in the last moment of its patience", patienceMs, patienceMs + 1],
    ["once that has ended, and was told", patienceMs + 1, patienceMs + 1 + 24 * hour],
  ])("is when the planner wants to look again: %s", (...[, atMs, nextMs]) => {
    const ring = ringOf({ retiring: [verifyOnly("k0", { demotedAtMs: epoch })] });
    const plan = planFor(ring, { gateways: [{ name: "gw", ready: true }], nowMs: epoch + atMs });
    expect(plan.nextCheckAtMs).toBe(epoch + nextMs);
  });
});

describe("prune, although its time has come,", () => {
  const ring = ringOf({
    generation: 100,
    retiring: [verifyOnly("k0", { canSign: false, quiescedAtMs: epoch - 4 * hour })],
  });
  const { demotedInGeneration } = ring.retiring[0] ?? { demotedInGeneration: 0 };
  const withProjections = (signer: number, open: number) => {
    const at = (generation: number) => ({ ...projectionOf(ring), generation });
    const input = inputOf(ring);
    return planRotation({
      ...input,
      stored: { kind: "ring", ring, projections: { signer: at(signer), public: at(open) } },
    });
  };

  it.each<[string, readonly [number, number], string]>([
    ["waits while the signer object is older than the demotion", [demotedInGeneration - 1, demotedInGeneration], ""],
    ["waits while the public object is older than the demotion", [demotedInGeneration, demotedInGeneration - 1], ""],
    ["goes on when both are as new", [demotedInGeneration, demotedInGeneration], "prune k0"],
  ])("%s", (_, projected, steps) => {
    expect(stepsOf(withProjections(...projected))).toBe(steps);
  });

  it("waits for a gateway that signs with the key again", () => {
    const { ack } = gatewayAt(ring, "gw");
    const again = ack && { ...ack, signs: "k0" };
    expect(stepsOf(planFor(ring, { gateways: [{ name: "gw", ready: true, ...(again && { ack: again }) }] }))).toBe("");
  });

  it("says since when it waits, which is since its time has come", () => {
    const gateways = [{ name: "gw", ready: true, ack: { generation: 100, verifies: [], signs: "k0" } }];
    const sinceAt = (nowMs: number) =>
      planFor(ring, { gateways, nowMs }).gates.find((g) => g.step === "prune")?.sinceMs;
    const dueAtMs = epoch - 90 * minute;
    expect([sinceAt(dueAtMs - 1), sinceAt(dueAtMs), sinceAt(epoch)]).toEqual([undefined, dueAtMs, dueAtMs]);
  });

  it("does not wait for a gateway that has just started", () => {
    const ack = { generation: 0, verifies: [] };
    expect(stepsOf(planFor(ring, { gateways: [{ name: "gw", ready: false, ack }] }))).toBe("prune k0");
  });
});

describe("a revoked signer, where a person has pinned another key,", () => {
  const revoked = { revokedKids: [{ kid: "k1" }] };

  it("is followed by the pinned key, and the standby stays unseen", () => {
    const plan = planFor(ringOf({ retiring: [verifyOnly("k0")] }), { policy: { ...revoked, pinnedKid: "k0" } });
    expect(stepsOf(plan)).toMatch(/^activate k0, revoke k1/);
    expect(plan.steps[0]).toMatchObject({ why: "signerRevoked" });
    expect(stepsOf(plan)).not.toContain("activate k2");
  });

  it("leaves requests open: a pin handles none", () => {
    const plan = planFor(ringOf({ retiring: [verifyOnly("k0")], handledRequests: [] }), {
      requests: ["spec:a"],
      policy: { ...revoked, pinnedKid: "k0" },
    });
    expect(plan.steps[0]).toMatchObject({ handledRequests: [] });
  });

  it("is followed by the standby when the pinned key can't sign any more", () => {
    const stripped = ringOf({ retiring: [verifyOnly("k0", { canSign: false })] });
    expect(stepsOf(planFor(stripped, { policy: { ...revoked, pinnedKid: "k0" } }))).toMatch(/^activate k2, revoke k1/);
  });
});

describe("a requested recovery", () => {
  const rebuild = (why: Extract<Step, { type: "rebuild" }>["why"]) => {
    const remains = ringOf({ retiring: [verifyOnly("k0", { quiescedAtMs: 1, demotedAtMs: 1 })] });
    const rest = { halves: [], alsoVerify: [], profile: policy.profile, waitMs: minute };
    return applyStep(undefined, { type: "rebuild", remains, why, ...rest }, { nowMs: epoch, generation: 500 });
  };

  it("asks every barrier anew: the ring tells of a past that others have left behind", () => {
    const { signer, retiring } = rebuild("recoveryRequested");
    expect(signer).toEqual(omit(active("k1", { canSign: false }), "publishedAtMs"));
    for (const key of retiring) {
      expect(key).toMatchObject({ demotedAtMs: epoch, demotedInGeneration: 500 });
      expect(key).not.toHaveProperty("publishedAtMs");
      expect(key).not.toHaveProperty("quiescedAtMs");
    }
  });

  it("differs from a lost ring, whose newest copy tells the truth", () => {
    const { signer, retiring } = rebuild("ringLost");
    expect(signer.publishedAtMs).toBe(active("k1").publishedAtMs);
    expect(retiring.find((k) => k.kid === "k0")).toMatchObject({ quiescedAtMs: 1, demotedAtMs: 1 });
  });
});

describe("a ring that begins with keys brought along", () => {
  it("verifies each once, for a window, under the profile of adoption", () => {
    const own = { kid: "own", algorithm: "RS256", modulusBits: 2048, createdAtMs: 1 } as const;
    const input = inputOf(ringOf());
    const adoption = { ...input.policy, adoptionMaxTTLMs: 24 * hour };
    const stored = { kind: "nothing", generationFloor: 9, alsoVerify: [own, own] } as const;
    const [begin] = planRotation({ ...input, policy: adoption, stored }).steps;
    if (!begin) throw new TypeError("Cannot begin: there is no step");
    const ring = applyStep(undefined, begin, { nowMs: epoch, generation: 10, freshKid: "k1" });
    expect(ring.signer.kid).toBe("k1");
    expect(ring.retiring).toHaveLength(1);
    expect(ring.retiring[0]).toMatchObject({
      kid: "own",
      canSign: false,
      adoptedAtMs: epoch,
      demotedInGeneration: 10,
      profile: { algorithm: "RS256", maxTTLMs: 24 * hour },
    });
  });
});
