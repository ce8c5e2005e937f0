import { describe, expect, it } from "vitest";
import { conflictIn, decide, type Observation } from "../../src/ring/decide.ts";
import type { Found, Reading } from "../../src/ring/found.ts";
import { forecast } from "../../src/ring/forecast.ts";
import type { Policy } from "../../src/ring/plan.ts";
import { planRotation } from "../../src/ring/planner.ts";
import { gatewayAt, inputOf, ringOf } from "../support/rings.ts";
import { epoch, policy, stepsOf } from "../support/story.ts";

const ring = ringOf();
const reading: Reading = { kind: "ring", ring, halves: ["k1", "k2"] };
const found: Found = { ring: reading, signer: reading, public: reading, claims: [], nowMs: epoch };
const seen = (change: Partial<Observation> = {}): Observation => ({
  rotation: { namespace: "default", name: "gateway" },
  policy,
  requests: ["spec:now"],
  gateways: [gatewayAt(ring)],
  found,
  clockTrusted: true,
  ...change,
});

describe("decide", () => {
  it("plans with everything that was read, at the instant of the reading", () => {
    const input = inputOf(ring, { requests: ["spec:now"], gateways: [gatewayAt(ring)] });
    expect(decide(seen())).toStrictEqual({ kind: "plan", input, plan: planRotation(input) });
  });

  it("hands on policy, gateways and the verdict on the clock", () => {
    const decision = decide(seen({ policy: { ...policy, suspend: true }, gateways: [], clockTrusted: false }));
    expect(decision).toMatchObject({ input: { policy: { suspend: true }, gateways: [], clockTrusted: false } });
  });

  const foreign: Reading = { kind: "foreign", problem: "it has no label of ours" };

  it("plans nothing where nothing can go on before a person acts", () => {
    expect(decide(seen({ found: { ...found, ring: foreign } }))).toStrictEqual({
      kind: "stalled",
      reason: "SecretConflict",
      message: "the ring object is not Keyturn's: it has no label of ours",
    });
  });

  describe.each(["signer", "public"] as const)("where the %s object is somebody else's", (object) => {
    const elsewhere: Found = { ...found, [object]: foreign };
    const condemning: Policy = { ...policy, revokedKids: [{ kid: "k1" }] };

    it("revokes all the same", () => {
      const decision = decide(seen({ found: elsewhere, policy: condemning }));
      expect(decision.kind === "plan" && stepsOf(decision.plan)).toBe("activate k2, revoke k1");
    });

    it("does nothing else, and says why", () => {
      const decision = decide(seen({ found: elsewhere }));
      expect(decision.kind === "plan" && stepsOf(decision.plan)).toBe("");
      expect(conflictIn(decision)).toEqual({
        reason: "SecretConflict",
        message: `the ${object} object is not Keyturn's: it has no label of ours`,
      });
    });

    it("forecasts nothing: it does not go away by itself", () => {
      const decision = decide(seen({ found: elsewhere }));
      expect(decision.kind === "plan" && forecast(decision.input, 1e12)).toEqual([]);
    });
  });

  it("rebuilds a ring whose object is gone, from what is left", () => {
    const decision = decide(seen({ found: { ...found, ring: { kind: "absent" } } }));
    expect(decision.kind === "plan" && stepsOf(decision.plan)).toBe("rebuild, create");
  });
});
