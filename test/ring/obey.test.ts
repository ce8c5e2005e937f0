import { describe, expect, it } from "vitest";
import { conditionsOf } from "../../src/ring/conditions.ts";
import { decide, type Observation } from "../../src/ring/decide.ts";
import { newestRing, type Found } from "../../src/ring/found.ts";
import { inForce, type Told } from "../../src/ring/obey.ts";
import { keysOf, type Ring } from "../../src/ring/ring.ts";
import { readRotation } from "../../src/ring/resource/rotation.ts";
import { active, prepared, ringOf, settings, withoutStandby } from "../support/rings.ts";
import { epoch, hour, minute, second } from "../support/story.ts";
import { resource, tokens } from "./resource/resource.ts";

const bad = { rotation: { schedule: "0 3 31 2 *" } };
const cutoff = (atMs: number): object => ({ revokeKeysCreatedBefore: new Date(atMs).toISOString() });
const told = (spec: object): Told => ({ rotation: readRotation(resource(spec)) });
const now = (ring?: Ring) => ({ ring, nowMs: epoch });

const foundOf = (ring: Ring | undefined): Found => {
  const reading = ring
    ? ({ kind: "ring", ring, halves: keysOf(ring).map(({ kid }) => kid) } as const)
    : ({ kind: "absent" } as const);
  return { ring: reading, signer: reading, public: reading, claims: [], nowMs: epoch };
};

/** What a pass sees of this spec and this ring. */
function seeing(what: Told, ring: Ring | undefined = ringOf()): Observation {
  const found = foundOf(ring);
  const said = inForce(what, { ring: newestRing(found), nowMs: epoch });
  const rotation = { namespace: "default", name: "gateway" };
  return { rotation, ...said, requests: [], gateways: [], found, clockTrusted: true };
}

function stepsOf(seen: Observation) {
  const decision = decide(seen);
  if (decision.kind !== "plan") throw new Error(decision.message);
  return decision.plan.steps;
}

describe("inForce", () => {
  it("takes a sound spec as it is, and refuses nothing", () => {
    const { rotation } = told({ revokedKids: [{ kid: "a" }], ...cutoff(epoch - hour) });
    expect("policy" in rotation && rotation.policy).toEqual(inForce({ rotation }, now(ringOf())).policy);
    expect(inForce({ rotation }, now(ringOf()))).not.toHaveProperty("refused");
  });

  it("of a spec that can't be used obeys the emergency, and says in one line why the rest is not in force", () => {
    const spec = { ...bad, activeKid: "k2", revokedKids: [{ kid: "a", reason: "leaked" }], ...cutoff(epoch - hour) };
    const { policy, refused } = inForce(told({ ...spec, rotationWindow: "1s" }), now(ringOf()));
    expect(policy).toMatchObject({
      pinnedKid: "k2",
      revokedKids: [{ kid: "a", reason: "leaked" }],
      revokeCreatedBeforeMs: epoch - hour,
      schedule: { kind: "onRequest" },
    });
    expect(refused).toMatchObject({ reason: "InvalidSpec", holds: true });
    expect(refused?.message).toMatch(
      /^spec\.rotation\.schedule: must have a day that exists.*; spec\.rotationWindow: /,
    );
  });

  it("takes the settings that the ring has stored, and the signer's profile as the spec before it had it", () => {
    const profile = { ...active("k1").profile, issuer: "https://before.example", maxTTLMs: 24 * hour };
    const ring = ringOf({ signer: active("k1", { profile, waitMs: 45 * minute }) });
    const { policy } = inForce(told({ ...bad, algorithm: "EdDSA", tokens: {} }), now(ring));
    expect(policy.profile).toEqual({ ...profile, maxTTLMs: settings.mintMaxTTLMs });
    expect(policy).toMatchObject({
      clockSkewMs: settings.clockSkewMs,
      rotationWindowMs: settings.rotationWindowMs,
      propagationMs: 45 * minute,
    });
  });

  it("takes the modulus of an RSA signer", () => {
    const profile = { ...active("k1").profile, algorithm: "RS256" } as const;
    const ring = ringOf({ signer: active("k1", { profile, modulusBits: 2048 }) });
    expect(inForce(told(bad), now(ring)).policy).toMatchObject({ modulusBits: 2048 });
  });

  it("reads suspend and acknowledgements where they can be read", () => {
    const spec = { ...bad, suspend: true, propagation: { minimum: "soon", acknowledgements: "Ignored" } };
    expect(inForce(told(spec), now(ringOf())).policy).toMatchObject({ suspend: true, acknowledgements: "Ignored" });
    const wrong = { ...bad, suspend: "yes", propagation: { acknowledgements: "Sometimes" } };
    expect(inForce(told(wrong), now(ringOf())).policy).toMatchObject({ suspend: false, acknowledgements: "Required" });
  });

  it("unites emergencies from elsewhere: revocations, the later cutoff, the last pin", () => {
    const emergencies = [
      { from: "a", revokedKids: [{ kid: "a", reason: "other" }, { kid: "b" }], revokeCreatedBeforeMs: epoch - minute },
      { from: "b", revokedKids: [{ kid: "c" }], revokeCreatedBeforeMs: epoch - hour, pinnedKid: "k2" },
    ];
    const { rotation } = told({ revokedKids: [{ kid: "a" }], activeKid: "k1", ...cutoff(epoch - 2 * hour) });
    expect(inForce({ rotation, emergencies }, now(ringOf())).policy).toMatchObject({
      revokedKids: [{ kid: "a" }, { kid: "b" }, { kid: "c" }],
      revokeCreatedBeforeMs: epoch - minute,
      pinnedKid: "k2",
    });
    const unpinned = [{ from: "a", revokedKids: [], pinnedKid: "" }];
    expect(inForce({ rotation, emergencies: unpinned }, now(ringOf())).policy).not.toHaveProperty("pinnedKid");
  });

  it.each([
    ["as far as a clock may be ahead", epoch + 30 * second, false],
    ["a moment further", epoch + 30 * second + 1, true],
    ["a slip of the century", Date.UTC(2126, 10, 21), true],
  ])("a cutoff in the future, %s", (_, atMs, isRefused) => {
    const { policy, refused } = inForce(told(cutoff(atMs)), now(ringOf()));
    expect(policy.revokeCreatedBeforeMs).toBe(isRefused ? undefined : atMs);
    const message = `spec.revokeKeysCreatedBefore: must not be more than 30 s in the future, is "${new Date(atMs).toISOString()}"; no key is revoked by it until then`;
    expect(refused).toEqual(isRefused ? { reason: "InvalidSpec", message, holds: false } : undefined);
  });

  it("a cutoff in the future takes nothing from one that has come, and none that the ring has obeyed already", () => {
    const emergencies = [{ from: "overrides.json", revokedKids: [], revokeCreatedBeforeMs: epoch - hour }];
    const later = epoch + 100 * hour;
    expect(inForce({ ...told(cutoff(later)), emergencies }, now(ringOf())).policy.revokeCreatedBeforeMs).toBe(
      epoch - hour,
    );
    const ring = ringOf({ revokedBefore: { requestedMs: later, effectiveMs: epoch - hour } });
    expect(inForce(told(cutoff(later)), now(ring))).not.toHaveProperty("refused");
  });

  it("tells of all that is refused, the spec first", () => {
    const refusals = [{ reason: "OverridesUnreadable", message: "Cannot read overrides.json: why", holds: false }];
    const { refused } = inForce({ ...told({ ...bad, ...cutoff(epoch + hour) }), refusals }, now(ringOf()));
    expect(refused).toMatchObject({ reason: "InvalidSpec", holds: true });
    expect(refused?.message).toMatch(/schedule: .*; Cannot read overrides\.json: why; spec\.revokeKeysCreatedBefore: /);
  });
});

describe("a pass under a spec that can't be used", () => {
  it("replaces a condemned signer by the standby, and does nothing else", () => {
    expect(stepsOf(seeing(told({ ...bad, revokedKids: [{ kid: "k1" }] }))).map(({ type }) => type)).toEqual([
      "activate",
      "revoke",
    ]);
    expect(stepsOf(seeing(told({ ...bad, algorithm: "EdDSA", tokens: { ...tokens, maxTTL: "2h" } })))).toEqual([]);
    expect(stepsOf(seeing(told(bad), withoutStandby()))).toEqual([]);
  });

  it("prefers a pinned key that can sign, and lets no other be pinned", () => {
    const ring = ringOf({ standby: prepared("k2"), retiring: [] });
    expect(stepsOf(seeing(told({ ...bad, activeKid: "k2" }), ring))).toEqual([]);
    expect(stepsOf(seeing(told({ ...bad, activeKid: "k1", revokedKids: [{ kid: "k1" }] }), ring))[0]).toMatchObject({
      type: "activate",
      kid: "k2",
    });
  });

  it("makes the key that replaces all of them by the old signer's profile", () => {
    const profile = { ...active("k1").profile, issuer: "https://before.example" };
    const ring = ringOf({ signer: active("k1", { profile }), standby: prepared("k2", { profile }) });
    const [first, second_] = stepsOf(seeing(told({ ...bad, tokens: "none", ...cutoff(epoch) }), ring));
    expect(first).toMatchObject({ type: "revokeBefore", effectiveMs: epoch });
    expect(second_).toMatchObject({ type: "create", as: "active", profile });
  });

  it("is Stalled with all that is wrong, beside the truth about the ring", () => {
    const seen = seeing(told(bad));
    const conditions = conditionsOf(decide(seen), false, { refused: seen.refused });
    expect(conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`)).toEqual([
      "Ready False InvalidSpec",
      "Stalled True InvalidSpec",
      "Rotating False Idle",
      "Pinned False NotPinned",
      "Suspended False NotSuspended",
    ]);
    expect(conditions[0]?.message).toContain("spec.rotation.schedule");
    expect(conditions[0]?.message).toContain("only revocation runs");
  });

  it("makes no ring where there is none", () => {
    const seen = seeing(told(bad), undefined);
    expect(stepsOf({ ...seen, found: foundOf(undefined) })).toEqual([]);
    const none = { ...seen, ...inForce(told(bad), now()), found: foundOf(undefined) };
    const conditions = conditionsOf(decide(none), false, { refused: none.refused });
    expect(conditions.map(({ type, reason }) => `${type} ${reason}`)).toEqual([
      "Ready InvalidSpec",
      "Stalled InvalidSpec",
      "Suspended NotSuspended",
    ]);
  });

  it("goes on rotating where a cutoff in the future alone is refused", () => {
    const [step] = stepsOf(seeing(told(cutoff(epoch + hour)), withoutStandby()));
    expect(step).toMatchObject({ type: "configure" });
    expect(stepsOf(seeing(told(cutoff(epoch + hour)))).some(({ type }) => type === "revokeBefore")).toBe(false);
  });

  it("stalls for what is wrong with the ring first, and tells of the spec beside it", () => {
    const seen = seeing(told(bad));
    const found = { ...seen.found, ring: { kind: "unreadable", problem: "why" } as const };
    const [ready] = conditionsOf(decide({ ...seen, found }), false, { refused: seen.refused });
    expect(ready).toMatchObject({ reason: "RingUnreadable" });
    expect(ready?.message).toContain("besides, spec.rotation.schedule");
  });
});
