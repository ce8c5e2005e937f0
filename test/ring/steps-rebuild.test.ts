import { describe, expect, it } from "vitest";
import type { AdoptableKey, Step } from "../../src/ring/plan.ts";
import { keysOf, type Ring } from "../../src/ring/ring.ts";
import { applyStep } from "../../src/ring/steps.ts";
import { active, omit, ringOf, settings, verifyOnly, withoutStandby } from "../support/rings.ts";
import { day, epoch, hour, minute, policy } from "../support/story.ts";

type Rebuild = Extract<Step, { type: "rebuild" }>;

const remains = ringOf({ retiring: [verifyOnly("b", { quiescedAtMs: 1 }), verifyOnly("a")] });
const brought: AdoptableKey = { kid: "mine", algorithm: "RS256", modulusBits: 2048, createdAtMs: 7 };
const rebuild = (change: Partial<Rebuild> = {}): Ring =>
  applyStep(
    undefined,
    {
      type: "rebuild",
      remains,
      halves: ["k1", "k2", "b"],
      why: "ringLost",
      alsoVerify: [],
      profile: { ...policy.profile, maxTTLMs: day },
      waitMs: 9 * minute,
      ...change,
    },
    { nowMs: epoch, generation: 500 },
  );

describe("rebuild", () => {
  it("keeps the thumbprint of a key that was brought", () => {
    const alsoVerify = [{ kid: "theirs", thumbprint: "T", algorithm: "ES256", createdAtMs: 1 } as const];
    expect(rebuild({ alsoVerify }).retiring[0]?.thumbprint).toBe("T");
  });

  it("keeps the signer with its facts", () => {
    expect(rebuild().signer).toStrictEqual(active("k1"));
  });

  it("brings the standby back as verify-only without its half: it may have signed", () => {
    const ring = rebuild();
    expect(ring.standby).toBeUndefined();
    expect(ring.retiring[0]).toStrictEqual(
      omit(verifyOnly("k2", { canSign: false, demotedAtMs: epoch, demotedInGeneration: 500 }), "activatedAtMs"),
    );
  });

  it("keeps the order and the facts of the keys that were on their way out", () => {
    expect(rebuild().retiring.slice(1)).toStrictEqual([
      verifyOnly("b", { quiescedAtMs: 1 }),
      verifyOnly("a", { canSign: false }),
    ]);
  });

  it.each([
    ["all of them", ["k1", "k2", "b", "a"], [true, false, true, true]],
    ["the signer's", ["k1"], [true, false, false, false]],
    ["none", [], [false, false, false, false]],
    ["a stranger's", ["k9"], [false, false, false, false]],
  ])("says who can sign by the halves that were found: %s", (...[, halves, canSign]) => {
    expect(keysOf(rebuild({ halves })).map((k) => k.canSign)).toStrictEqual(canSign);
  });

  it("does not believe what the remains say of halves: a public copy has none", () => {
    const blind = ringOf({ signer: active("k1", { canSign: false }) });
    expect(rebuild({ remains: blind, halves: ["k1"] }).signer.canSign).toBe(true);
  });

  it("works where nothing stood by", () => {
    expect(rebuild({ remains: withoutStandby() })).toStrictEqual(withoutStandby());
  });

  it("keeps what the ring remembers beside its keys", () => {
    const memory = {
      revoked: [{ kid: "r", revokedAtMs: 1 }],
      revokedBefore: { requestedMs: 2, effectiveMs: 2 },
      longerMaxAge: { maxAgeMs: 1, loweredAtMs: 1 },
      handledRequests: ["spec:a"],
      settings: { ...settings, clockSkewMs: 5 },
    };
    expect(rebuild({ remains: withoutStandby(memory) })).toStrictEqual(withoutStandby(memory));
  });

  it("verifies keys that a person brings along, for a window, under the policy's wait", () => {
    expect(rebuild({ alsoVerify: [brought] }).retiring[0]).toStrictEqual({
      kid: "mine",
      state: "verify-only",
      profile: { ...policy.profile, algorithm: "RS256", maxTTLMs: day },
      modulusBits: 2048,
      createdAtMs: 7,
      waitMs: 9 * minute,
      adoptedAtMs: epoch,
      canSign: false,
      windowMs: day + 2 * minute,
      demotedAtMs: epoch,
      demotedInGeneration: 500,
    });
    expect(keysOf(rebuild({ alsoVerify: [brought] })).map((k) => k.kid)).toStrictEqual(["k1", "mine", "k2", "b", "a"]);
  });

  it.each([
    ["the signer", "k1"],
    ["the standby", "k2"],
    ["a verify-only key", "a"],
    ["a revoked key", "r"],
  ])("brings no key twice, and no revoked one back: %s", (_, kid) => {
    const known = { ...remains, revoked: [{ kid: "r", revokedAtMs: 1 }] };
    const ring = rebuild({ remains: known, alsoVerify: [{ ...brought, kid }] });
    expect(keysOf(ring)).toStrictEqual(keysOf(rebuild({ remains: known })));
  });

  it("brings a key once that is named twice, and every other", () => {
    const ring = rebuild({ alsoVerify: [brought, { ...brought, createdAtMs: 8 }, { ...brought, kid: "yours" }] });
    expect(keysOf(ring).map((k) => k.kid)).toStrictEqual(["k1", "mine", "yours", "k2", "b", "a"]);
    expect(ring.retiring[0]?.createdAtMs).toBe(7);
  });

  it("keeps the windows that keys stored, and gives the standby the one in force", () => {
    const windows = ringOf({
      signer: active("k1", { windowMs: 5 * hour }),
      retiring: [verifyOnly("a", { windowMs: 7 * hour })],
    });
    const ring = rebuild({ remains: windows });
    expect(keysOf(ring).map((k) => (k.state === "prepared" ? 0 : k.windowMs))).toStrictEqual([
      5 * hour,
      2 * hour,
      7 * hour,
    ]);
  });
});
