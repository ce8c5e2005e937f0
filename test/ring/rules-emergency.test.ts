import { describe, expect, it } from "vitest";
import { keysOf, revokedLimit, type Revocation } from "../../src/ring/ring.ts";
import { planRotation, rotationRules } from "../../src/ring/planner.ts";
import { applyPlan } from "../../src/ring/steps.ts";
import {
  active,
  gatewayAt,
  inputOf,
  omit,
  planFor,
  prepared,
  ringOf,
  silent,
  verifyOnly,
  waitsOf,
  withoutStandby,
} from "../support/rings.ts";
import { day, epoch, hour, minute, stepsOf, Story } from "../support/story.ts";

const revoke = (...kids: readonly string[]) => ({ policy: { revokedKids: kids.map((kid) => ({ kid })) } });
const cutoff = (revokeCreatedBeforeMs: number) => ({ policy: { revokeCreatedBeforeMs } });
const reason = "created before the revocation instant";

describe("revocation of a kid", () => {
  it("promotes the standby before the signer goes, and prepares the next, in one write", () => {
    expect(stepsOf(planFor(ringOf(), revoke("k1")))).toBe("activate k2, revoke k1, create");
  });

  it("makes a key that signs at once when nothing stands by", () => {
    const [create, ...others] = planFor(withoutStandby(), revoke("k1")).steps;
    expect(create).toMatchObject({ type: "create", as: "active", why: "signerRevoked", waitMs: 30 * minute });
    expect(others.map((s) => s.type)).toStrictEqual(["revoke", "create"]);
  });

  it("makes a key that signs at once when the standby is condemned too", () => {
    const plan = planFor(ringOf(), revoke("k1", "k2"));
    expect(stepsOf(plan)).toBe("create, revoke k2, revoke k1, create");
    expect(plan.steps[0]).toMatchObject({ as: "active" });
    expect(plan.steps[3]).toMatchObject({ as: "prepared" });
  });

  it("replaces a condemned standby and leaves the signer alone", () => {
    expect(stepsOf(planFor(ringOf(), revoke("k2")))).toBe("revoke k2, create");
  });

  it("drops a verify-only key inside its window", () => {
    const ring = ringOf({ retiring: [verifyOnly("k0")] });
    expect(stepsOf(planFor(ring, revoke("k0")))).toBe("revoke k0");
  });

  it("remembers a kid that was never seen, so that a restored backup can't bring it back", () => {
    const plan = planFor(ringOf(), { policy: { revokedKids: [{ kid: "stolen", reason: "laptop" }] } });
    expect(plan.steps).toStrictEqual([{ type: "revoke", kid: "stolen", reason: "laptop" }]);
    expect(applyPlan(ringOf(), plan, [])?.revoked).toStrictEqual([
      { kid: "stolen", revokedAtMs: epoch, reason: "laptop" },
    ]);
  });

  it("does nothing for a kid that is remembered, also with another reason", () => {
    const ring = ringOf({ revoked: [{ kid: "old", revokedAtMs: epoch - day }] });
    expect(planFor(ring, { policy: { revokedKids: [{ kid: "old", reason: "new words" }] } }).steps).toStrictEqual([]);
  });

  it("takes a key that the ring remembers as revoked, though the spec names it no more", () => {
    const ring = ringOf({ retiring: [verifyOnly("k0")], revoked: [{ kid: "k0", revokedAtMs: 1, reason: "stolen" }] });
    expect(planFor(ring).steps).toStrictEqual([{ type: "revoke", kid: "k0", reason: "stolen" }]);
  });

  it.each([
    ["adopted and called otherwise", { kid: "theirs", thumbprint: "T" }, { kid: "mine", thumbprint: "T" }],
    ["adopted before, under its thumbprint now", { kid: "theirs", thumbprint: "T" }, { kid: "T" }],
    ["revoked by its thumbprint", { kid: "T" }, { kid: "mine", thumbprint: "T" }],
  ])("takes a revoked key whatever it is called now: %s", (_, was, { kid, ...is }) => {
    const ring = ringOf({ retiring: [verifyOnly(kid, is)], revoked: [{ ...was, revokedAtMs: 1, reason: "stolen" }] });
    expect(planFor(ring).steps).toStrictEqual([{ type: "revoke", kid, reason: "stolen" }]);
  });

  it("leaves a key alone that is neither the revoked one nor called like it", () => {
    const ring = ringOf({
      retiring: [verifyOnly("mine", { thumbprint: "T" })],
      revoked: [{ kid: "theirs", thumbprint: "U", revokedAtMs: 1 }],
    });
    expect(stepsOf(planFor(ring))).not.toContain("revoke");
  });

  it("replaces an adopted signer that is named by the kid that it has", () => {
    const ring = ringOf({ signer: active("theirs", { thumbprint: "T" }) });
    expect(stepsOf(planFor(ring, revoke("theirs")))).toBe("activate k2, revoke theirs, create");
  });

  it("remembers the thumbprint of a revoked key that is called otherwise", () => {
    const ring = ringOf({ retiring: [verifyOnly("theirs", { thumbprint: "T" })] });
    expect(applyPlan(ring, planFor(ring, revoke("theirs")), [])?.revoked).toStrictEqual([
      { kid: "theirs", thumbprint: "T", revokedAtMs: epoch },
    ]);
  });

  it("leaves no trace of the key but its revocation", () => {
    const ring = ringOf({ retiring: [verifyOnly("k0")] });
    const after = applyPlan(ring, planFor(ring, revoke("k0", "k1", "k2")), ["k3", "k4"]);
    expect(after && keysOf(after).map((k) => k.kid)).toStrictEqual(["k3", "k4"]);
    expect(after?.revoked.map((r) => r.kid)).toStrictEqual(["k2", "k1", "k0"]);
  });

  it.each([
    ["a silent gateway", { gateways: [silent] }, {}],
    ["a suspension", {}, { suspend: true }],
    ["a distrusted clock", { clockTrusted: false }, {}],
    ["a pin on the key itself", {}, { pinnedKid: "k1" }],
    ["a pin on another key", {}, { pinnedKid: "k9" }],
  ])("is not held by %s", (_, change, edit) => {
    const plan = planFor(ringOf(), { ...change, policy: { ...edit, ...revoke("k1").policy } });
    expect(stepsOf(plan)).toMatch(/^activate k2, revoke k1/);
  });

  it("handles the open requests: a new key signs, which is what they asked for", () => {
    const plan = planFor(ringOf({ handledRequests: ["spec:a"] }), { ...revoke("k1"), requests: ["spec:b"] });
    expect(plan.steps[0]).toMatchObject({ type: "activate", handledRequests: ["spec:a", "spec:b"] });
  });

  it("handles the open requests with a key made on the spot as well", () => {
    const plan = planFor(withoutStandby(), { ...revoke("k1"), requests: ["spec:b"] });
    expect(plan.steps[0]).toMatchObject({ type: "create", handledRequests: ["spec:b"] });
  });

  it("promotes the standby whatever its profile, before the standby could be discarded for it", () => {
    const other = prepared("k2", { profile: { ...prepared("k2").profile, algorithm: "ES512" } });
    const plan = planFor(ringOf({ standby: other }), revoke("k1"));
    expect(stepsOf(plan)).toBe("activate k2, revoke k1, create");
    expect(waitsOf(plan)).toContain("activate (new 1) (profile): standby");
  });

  it("makes the emergency key under the policy, with the longest wait that caches may need", () => {
    const longerMaxAge = { maxAgeMs: 50 * minute, loweredAtMs: epoch - day };
    const profile = { ...active("k1").profile, algorithm: "RS256" as const };
    const plan = planFor(withoutStandby({ longerMaxAge }), {
      policy: { ...revoke("k1").policy, profile, modulusBits: 3072 },
    });
    expect(plan.steps[0]).toMatchObject({ type: "create", profile, modulusBits: 3072, waitMs: 50 * minute });
  });
});

describe("the rules that revoke, without the one that replaces the signer", () => {
  it("never touch the signer: there is always one", () => {
    const others = rotationRules.emergency.filter((rule) => rule.name !== "replaceCondemnedSigner");
    const input = inputOf(ringOf(), { policy: { revokedKids: [{ kid: "k1" }, { kid: "k2" }] } });
    const rules = { emergency: others, ordinary: [] };
    expect(stepsOf(planRotation(input, rules))).toBe("revoke k2");
  });
});

describe("early, on the standby that replaces a revoked signer", () => {
  const earlyOf = (publishedAgoMs: number | undefined, gateways = [gatewayAt(ringOf())]) => {
    const unpublished = omit(prepared("k2"), "publishedAtMs");
    const standby =
      publishedAgoMs === undefined ? unpublished : prepared("k2", { publishedAtMs: epoch - publishedAgoMs });
    const [step] = planFor(ringOf({ standby }), { ...revoke("k1"), gateways }).steps;
    return step?.type === "activate" ? step.early : step;
  };

  it.each([
    ["is not published", undefined, true],
    ["misses the last millisecond of its wait", 30 * minute - 1, true],
    ["has waited to the millisecond", 30 * minute, false],
    ["has waited longer", 30 * minute + 1, false],
  ])("is told when the key %s", (_, publishedAgoMs, early) => expect(earlyOf(publishedAgoMs)).toBe(early));

  it("is true while a gateway does not accept the key", () => {
    expect(earlyOf(day, [gatewayAt(ringOf()), silent])).toBe(true);
  });
});

describe("revokeKeysCreatedBefore", () => {
  const twoAges = ringOf({
    signer: active("k1", { createdAtMs: epoch - 2 * hour }),
    standby: prepared("k2", { createdAtMs: epoch - hour }),
    retiring: [verifyOnly("k0", { createdAtMs: epoch - 3 * hour, quiescedAtMs: epoch })],
  });

  it.each([
    ["just after the oldest", epoch - 3 * hour + 1, "revokeBefore, revoke k0"],
    ["exactly the oldest's", epoch - 3 * hour, "revokeBefore"],
    ["just before the oldest", epoch - 3 * hour - 1, "revokeBefore"],
    ["between signer and standby", epoch - hour, "revokeBefore, activate k2, revoke k1, revoke k0, create"],
    ["just after the standby", epoch - hour + 1, "revokeBefore, create, revoke k2, revoke k1, revoke k0, create"],
    ["now", epoch, "revokeBefore, create, revoke k2, revoke k1, revoke k0, create"],
    ["in the future", epoch + day, "revokeBefore, create, revoke k2, revoke k1, revoke k0, create"],
  ])("revokes the keys made before its value: %s", (_, value, steps) =>
    expect(stepsOf(planFor(twoAges, cutoff(value)))).toBe(steps),
  );

  it("says why, on every key that it takes", () => {
    const revoked = applyPlan(twoAges, planFor(twoAges, cutoff(epoch)), ["k3", "k4"])?.revoked;
    expect(revoked).toStrictEqual(["k2", "k1", "k0"].map((kid): Revocation => ({ kid, revokedAtMs: epoch, reason })));
  });

  it("keeps the reason of the spec for a key that both name", () => {
    const policy = { revokeCreatedBeforeMs: epoch - 2 * hour, revokedKids: [{ kid: "k0", reason: "laptop" }] };
    expect(planFor(twoAges, { policy }).steps).toContainEqual({ type: "revoke", kid: "k0", reason: "laptop" });
  });

  it.each([
    ["its value, when that lies in the past", epoch - 1, epoch - 1],
    ["its value, when that is now", epoch, epoch],
    ["the first pass that sees it, when it lies in the future", epoch + 1, epoch],
  ])("takes effect at %s", (_, requestedMs, effectiveMs) =>
    expect(planFor(twoAges, cutoff(requestedMs)).steps[0]).toStrictEqual({
      type: "revokeBefore",
      requestedMs,
      effectiveMs,
    }),
  );

  it("in the future does not condemn the keys that replace the old ones", () => {
    const story = new Story();
    story.settle();
    story.nowMs += hour;
    story.policy = { ...story.policy, revokeCreatedBeforeMs: epoch + 5 * day };
    story.settle();
    expect(story.keys).toBe("k3 active, k4 prepared");
    story.run(10 * day);
    expect(story.keys).toBe("k3 active, k4 prepared");
  });

  it("does nothing when the same value is read again", () => {
    const ring = ringOf({ revokedBefore: { requestedMs: epoch - 20 * day, effectiveMs: epoch - 20 * day } });
    expect(planFor(ring, cutoff(epoch - 20 * day)).steps).toStrictEqual([]);
  });

  it("does nothing when it is lowered below what took effect", () => {
    const ring = ringOf({ revokedBefore: { requestedMs: epoch - 20 * day, effectiveMs: epoch - 20 * day } });
    expect(planFor(ring, cutoff(epoch - 20 * day - 1)).steps).toStrictEqual([]);
  });

  it("takes effect once more when it is raised", () => {
    const ring = ringOf({ revokedBefore: { requestedMs: epoch - 20 * day, effectiveMs: epoch - 20 * day } });
    expect(stepsOf(planFor(ring, cutoff(epoch)))).toBe("revokeBefore, create, revoke k2, revoke k1, create");
  });

  it("takes effect when a value of the far future is corrected to one after the keys made since", () => {
    const ring = ringOf({ revokedBefore: { requestedMs: epoch + 999 * day, effectiveMs: epoch - 20 * day } });
    expect(stepsOf(planFor(ring, cutoff(epoch)))).toBe("revokeBefore, create, revoke k2, revoke k1, create");
  });

  it("does nothing when a value of the far future is corrected to one before it took effect", () => {
    const ring = ringOf({ revokedBefore: { requestedMs: epoch + 999 * day, effectiveMs: epoch - 20 * day } });
    expect(planFor(ring, cutoff(epoch - 20 * day)).steps).toStrictEqual([]);
  });

  it("never takes effect earlier than before, when it is raised by a clock that was set back", () => {
    const ring = ringOf({ revokedBefore: { requestedMs: epoch + hour, effectiveMs: epoch + hour } });
    expect(planFor(ring, cutoff(epoch + 2 * hour)).steps[0]).toStrictEqual({
      type: "revokeBefore",
      requestedMs: epoch + 2 * hour,
      effectiveMs: epoch + hour,
    });
  });

  it("makes replacements no older than itself when the clock is behind, so that it ends", () => {
    const ring = ringOf({ revokedBefore: { requestedMs: epoch + hour, effectiveMs: epoch + hour } });
    const plan = planFor(ring, cutoff(epoch + hour));
    expect(stepsOf(plan)).toBe("create, revoke k2, revoke k1, create");
    const after = applyPlan(ring, plan, ["k3", "k4"]);
    expect(after && keysOf(after).map((k) => k.createdAtMs)).toStrictEqual([epoch + hour, epoch + hour]);
  });

  it("holds after it was removed from the spec: what it condemned stays condemned", () => {
    const ring = ringOf({
      retiring: [verifyOnly("k0", { createdAtMs: epoch - 21 * day })],
      revokedBefore: { requestedMs: epoch - 20 * day, effectiveMs: epoch - 20 * day },
    });
    expect(planFor(ring).steps).toStrictEqual([{ type: "revoke", kid: "k0", reason }]);
  });
});

describe("the list of revocations", () => {
  const remembered = (count: number): readonly Revocation[] =>
    Array.from({ length: count }, (_, i) => ({ kid: `r${i}`, revokedAtMs: epoch - day + i }));
  const after = (revoked: readonly Revocation[], ...kids: readonly string[]) => {
    const input = inputOf(ringOf({ revoked }), revoke(...kids));
    return applyPlan(ringOf({ revoked }), planFor(ringOf({ revoked }), { policy: input.policy }), [])?.revoked;
  };

  it.each([
    ["one below the limit", revokedLimit - 1, 256, "r0"],
    ["at the limit", revokedLimit, 256, "r1"],
  ])("keeps to 256 and lets the oldest go: %s", (...[, count, length, oldest]) => {
    const revoked = after(remembered(count), "new");
    expect(revoked).toHaveLength(length);
    expect(revoked?.[0]?.kid).toBe(oldest);
    expect(revoked?.at(-1)?.kid).toBe("new");
  });

  it("never lets go of a kid that the spec names", () => {
    const revoked = after(remembered(revokedLimit), "r0", "r1", "new", "newer");
    expect(revoked).toHaveLength(256);
    expect(revoked?.slice(0, 3).map((r) => r.kid)).toStrictEqual(["r0", "r1", "r4"]);
  });

  it("names the evicted kid in the step, so that people can be told", () => {
    const plan = planFor(ringOf({ revoked: remembered(revokedLimit) }), revoke("k2"));
    expect(plan.steps[0]).toStrictEqual({ type: "revoke", kid: "k2", evicts: "r0" });
  });

  it("evicts nobody for a kid that it has already", () => {
    const ring = ringOf({ retiring: [verifyOnly("r5")], revoked: remembered(revokedLimit) });
    expect(planFor(ring).steps).toStrictEqual([{ type: "revoke", kid: "r5" }]);
  });
});

describe("requests that stood in the resource when it was made", () => {
  const requests = ["spec:new", "annotation:open"];
  const firstRequests = ["spec:new"];

  it("count as seen, once, and rotate nothing", () => {
    const ring = ringOf({ handledRequests: ["spec:old"] });
    const plan = planFor(ring, { requests: ["spec:new"], firstRequests });
    expect(plan.steps).toEqual([{ type: "seeRequests", handledRequests: ["spec:old", "spec:new"] }]);
    expect(planFor(ringOf({ handledRequests: ["spec:new"] }), { requests: ["spec:new"], firstRequests }).steps).toEqual(
      [],
    );
  });

  it("are no reason to forget what another origin asks for", () => {
    const [first, next] = planFor(ringOf(), { requests, firstRequests }).steps;
    expect(first).toEqual({ type: "seeRequests", handledRequests: ["spec:new"] });
    expect(next).toMatchObject({ type: "activate", why: "request" });
  });

  it("are remembered while the rotation is held: they must not count later", () => {
    const change = { requests: ["spec:new"], firstRequests, policy: { suspend: true } };
    expect(planFor(ringOf(), change).steps.map(({ type }) => type)).toEqual(["seeRequests"]);
  });

  it("that no longer stand there are none", () => {
    expect(planFor(ringOf(), { requests: [], firstRequests }).steps).toEqual([]);
  });
});
