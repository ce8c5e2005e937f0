import { describe, expect, it } from "vitest";
import type { Step } from "../../src/ring/plan.ts";
import { keysOf, type Ring } from "../../src/ring/ring.ts";
import { applyStep } from "../../src/ring/steps.ts";
import { active, omit, prepared, ringOf, settings, verifyOnly, withoutStandby } from "../support/rings.ts";
import { day, epoch, hour } from "../support/story.ts";

const apply = (step: Step, ring: Ring = ringOf()) => applyStep(ring, step, { nowMs: epoch, generation: 101 });

describe("activate", () => {
  const step = (kid: string): Step => ({ type: "activate", kid, why: "request", early: false, handledRequests: ["x"] });

  it("puts the newest demotion first, with the generation of the write", () => {
    const ring = apply(step("k2"), ringOf({ retiring: [verifyOnly("k0")] }));
    expect(ring.retiring).toStrictEqual([
      verifyOnly("k1", { demotedAtMs: epoch, demotedInGeneration: 101 }),
      verifyOnly("k0"),
    ]);
    expect(ring.standby).toBeUndefined();
    expect(ring.handledRequests).toStrictEqual(["x"]);
  });

  it("of a verify-only key takes it out of the retiring ones and forgets that it was quiesced", () => {
    const ring = apply(
      step("k0"),
      ringOf({ retiring: [verifyOnly("k0", { quiescedAtMs: 1, windowMs: day }), verifyOnly("a")] }),
    );
    expect(ring.signer).toStrictEqual(active("k0", { activatedAtMs: epoch, windowMs: day }));
    expect(keysOf(ring).map((k) => k.kid)).toStrictEqual(["k0", "k2", "k1", "a"]);
  });

  it("gives the signer the longest window in force", () => {
    const longer = ringOf({ settings: { ...settings, rotationWindowMs: 9 * hour } });
    expect(apply(step("k2"), longer).signer.windowMs).toBe(9 * hour);
  });

  it("keeps every fact of the key", () => {
    const facts = { modulusBits: 4096, adoptedAtMs: 3, createdAtMs: 2, waitMs: 1, publishedAtMs: 4 };
    expect(apply(step("k2"), ringOf({ standby: prepared("k2", facts) })).signer).toStrictEqual(
      active("k2", { ...facts, activatedAtMs: epoch }),
    );
    const signer = active("k1", { ...facts, canSign: false, windowMs: 5 });
    expect(apply(step("k2"), ringOf({ signer })).retiring).toStrictEqual([
      verifyOnly("k1", { ...facts, canSign: false, windowMs: 5, demotedAtMs: epoch, demotedInGeneration: 101 }),
    ]);
  });

  it.each(["k1", "k9"])("changes nothing for the signer itself and for an unknown key: %s", (kid) => {
    expect(apply(step(kid))).toStrictEqual(ringOf());
  });
});

describe("steps on one key", () => {
  const ring = ringOf({
    signer: omit(active("k1"), "publishedAtMs"),
    standby: omit(prepared("k2"), "publishedAtMs"),
    retiring: [verifyOnly("a"), verifyOnly("b")],
  });

  it.each(["k1", "k2", "a", "b"])("publish stamps %s and nobody else", (kid) => {
    const after = apply({ type: "publish", kid }, ring);
    for (const [i, key] of keysOf(after).entries())
      expect(key).toStrictEqual(key.kid === kid ? { ...keysOf(ring)[i], publishedAtMs: epoch } : keysOf(ring)[i]);
  });

  it.each(["k1", "k2", "a", "b"])("unpublish takes the fact from %s and from nobody else", (kid) => {
    const known = keysOf(ring).reduce((now, key) => apply({ type: "publish", kid: key.kid }, now), ring);
    const after = apply({ type: "unpublish", kid }, known);
    for (const [i, key] of keysOf(known).entries())
      expect(keysOf(after)[i]).toStrictEqual(key.kid === kid ? omit(key, "publishedAtMs") : key);
  });

  it("unpublish works without a standby", () => {
    expect(apply({ type: "unpublish", kid: "k1" }, withoutStandby())).toStrictEqual(
      withoutStandby({ signer: omit(active("k1"), "publishedAtMs") }),
    );
  });

  it("publish works without a standby", () => {
    expect(apply({ type: "publish", kid: "k1" }, withoutStandby())).toStrictEqual(
      withoutStandby({ signer: active("k1", { publishedAtMs: epoch }) }),
    );
  });

  it("quiesce stamps one verify-only key", () => {
    expect(apply({ type: "quiesce", kid: "b" }, ring).retiring).toStrictEqual([
      verifyOnly("a"),
      verifyOnly("b", { quiescedAtMs: epoch }),
    ]);
  });

  it("forget takes the way back from one key", () => {
    expect(apply({ type: "forget", kid: "a" }, ring).retiring).toStrictEqual([
      verifyOnly("a", { canSign: false }),
      verifyOnly("b"),
    ]);
  });

  it("prune removes one verify-only key and nothing else", () => {
    expect(apply({ type: "prune", kid: "a" }, ring)).toStrictEqual({ ...ring, retiring: [verifyOnly("b")] });
    expect(apply({ type: "prune", kid: "k9" }, ring)).toStrictEqual(ring);
  });

  it("discard retires the standby it names, for a window in force, and no other", () => {
    const after = apply({ type: "discard", kid: "k2" }, ring);
    const facts = { canSign: false, demotedAtMs: epoch, demotedInGeneration: 101 };
    expect(after.standby).toBeUndefined();
    expect(after.retiring[0]).toStrictEqual(omit(omit(verifyOnly("k2", facts), "publishedAtMs"), "activatedAtMs"));
    expect(apply({ type: "discard", kid: "k9" }, ring)).toStrictEqual(ring);
    expect(apply({ type: "discard", kid: "k2" }, withoutStandby())).toStrictEqual(withoutStandby());
  });

  it("revoke removes the key, remembers the kid once, and evicts whom it was told to", () => {
    const full = { ...ring, revoked: ["x", "y", "z"].map((kid) => ({ kid, revokedAtMs: 1, reason: "old" })) };
    const after = apply({ type: "revoke", kid: "k2", reason: "stolen", evicts: "x" }, full);
    expect(keysOf(after).map((k) => k.kid)).toStrictEqual(["k1", "a", "b"]);
    expect(after.revoked.map((r) => r.kid)).toStrictEqual(["y", "z", "k2"]);
    expect(after.revoked[2]).toStrictEqual({ kid: "k2", revokedAtMs: epoch, reason: "stolen" });
    expect(apply({ type: "revoke", kid: "y" }, full).revoked.slice(1)).toStrictEqual([
      { kid: "z", revokedAtMs: 1, reason: "old" },
      { kid: "y", revokedAtMs: epoch },
    ]);
  });

  it("revokeBefore replaces what was remembered", () => {
    const before = ringOf({ revokedBefore: { requestedMs: 1, effectiveMs: 1 } });
    expect(apply({ type: "revokeBefore", requestedMs: 3, effectiveMs: 2 }, before)).toStrictEqual(
      ringOf({ revokedBefore: { requestedMs: 3, effectiveMs: 2 } }),
    );
  });
});
