import { describe, expect, it } from "vitest";
import type { Blocker, Gate, Step, Why } from "../../src/ring/plan.ts";
import { describeBlocker, describeGate, describeStep, shortKid } from "../../src/ring/describe.ts";
import { ringOf, settings } from "../support/rings.ts";
import { epoch, hour, minute, policy } from "../support/story.ts";

/** A thumbprint; ten characters of a kid are shown at most. */
const kid = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
const { profile } = policy;
const adoptable = { kid, algorithm: "RS256", createdAtMs: 1 } as const;
const rotation = { namespace: "default", name: "gateway" };
const fresh = { profile, waitMs: minute };
const handledRequests = ["spec:a"];
const rebuild = { type: "rebuild", remains: ringOf(), halves: [kid], alsoVerify: [], ...fresh } as const;
const activate = { type: "activate", kid, why: "schedule", early: false, handledRequests } as const;
const emergency = { type: "create", as: "active", ...fresh, handledRequests } as const;

describe("shortKid", () => {
  it.each([
    ["", ""],
    ["k1", "k1"],
    ["1234567890", "1234567890"],
    ["12345678901", "12345678…"],
    [kid, "NzbLsXh8…"],
  ])("of %j is %j", (long, short) => expect(shortKid(long)).toBe(short));
});

type Named = Step & { readonly kid?: string };
const steps: readonly (readonly [Named, string])[] = [
  [{ type: "begin", rotation, settings, ...fresh, handledRequests }, "a new key (ES256) starts the ring as its signer"],
  [
    { type: "begin", rotation, settings, ...fresh, handledRequests, kid },
    "key NzbLsXh8… (ES256) starts the ring as its signer",
  ],
  [
    {
      type: "begin",
      rotation,
      settings,
      ...fresh,
      alsoVerify: { keys: [adoptable, adoptable], profile },
      handledRequests,
    },
    "a new key (ES256) starts the ring as its signer, 2 more keys verify",
  ],
  [
    { type: "adopt", rotation, settings, ...fresh, signer: adoptable, verifyOnly: [], handledRequests },
    "key NzbLsXh8… (RS256) is adopted as the signer",
  ],
  [
    { type: "adopt", rotation, settings, ...fresh, signer: adoptable, verifyOnly: [adoptable], handledRequests },
    "key NzbLsXh8… (RS256) is adopted as the signer, 1 more key verifies",
  ],
  [
    {
      type: "adopt",
      rotation,
      settings,
      ...fresh,
      signer: adoptable,
      verifyOnly: [adoptable, adoptable],
      handledRequests,
    },
    "key NzbLsXh8… (RS256) is adopted as the signer, 2 more keys verify",
  ],
  [{ ...rebuild, why: "ringLost" }, "the ring is rebuilt from what is left of it"],
  [{ ...rebuild, why: "recoveryRequested" }, "the ring is rebuilt from what is left of it, as requested"],
  [
    { ...rebuild, why: "recoveryRequested", alsoVerify: [adoptable] },
    "the ring is rebuilt from what is left of it, as requested, 1 more key verifies",
  ],
  [{ type: "create", as: "prepared", ...fresh }, "a new key (ES256) is prepared"],
  [{ type: "create", as: "prepared", ...fresh, kid }, "key NzbLsXh8… (ES256) is prepared"],
  [{ ...emergency, why: "signerRevoked" }, "a new key (ES256) signs at once, because of the revocation of the signer"],
  [
    { ...emergency, why: "signerLost", kid },
    "key NzbLsXh8… (ES256) signs at once, because of the loss of the signer's private half",
  ],
  [{ type: "configure", settings, waitMs: minute }, "settings change: tokens live 1h at most, rotation window 2h"],
  [activate, "key NzbLsXh8… becomes the signer, because of the schedule"],
  [
    { ...activate, early: true },
    "key NzbLsXh8… becomes the signer, because of the schedule; not every verifier is known to have it",
  ],
  [{ type: "revoke", kid }, "key NzbLsXh8… is revoked"],
  [{ type: "revoke", kid, reason: "laptop stolen", evicts: kid }, "key NzbLsXh8… is revoked: laptop stolen"],
  [
    { type: "revokeBefore", requestedMs: epoch + hour, effectiveMs: epoch },
    "keys made before 2026-11-21T00:00:00.000Z are revoked",
  ],
  [{ type: "publish", kid }, "key NzbLsXh8… is published: every verifier accepts it"],
  [{ type: "unpublish", kid }, "key NzbLsXh8… is to be published anew: a projection lacked it"],
  [{ type: "quiesce", kid }, "key NzbLsXh8… is quiesced: nobody signs with it any more"],
  [{ type: "forget", kid }, "the private half of key NzbLsXh8… is forgotten"],
  [{ type: "prune", kid }, "key NzbLsXh8… is pruned: its last token has ended"],
  [{ type: "discard", kid }, "key NzbLsXh8… is discarded before it signed: the profile changed"],
];

describe("describeStep", () => {
  it.each(steps)("of a step $type: %s", (step, text) => expect(describeStep(step)).toBe(text));

  const reasons: Readonly<Record<Why, string>> = {
    schedule: "the schedule",
    request: "a request",
    profile: "a changed profile",
    pin: "a pin",
    signerLost: "the loss of the signer's private half",
    signerRevoked: "the revocation of the signer",
  };
  it.each(Object.entries(reasons))("says %s as a person would", (why, text) => {
    const step = { ...activate, kid: "k2", why: why as Why };
    expect(describeStep(step)).toBe(`key k2 becomes the signer, because of ${text}`);
  });

  it("never says more of a kid than its short form, and never undefined", () => {
    for (const [step] of steps) expect(describeStep(step)).not.toMatch(/undefined|null|NaN|NzbLsXh8u/);
  });
});

const blockers: readonly (readonly [Blocker, string])[] = [
  [{ kind: "time", untilMs: epoch, of: "schedule" }, "the schedule until 2026-11-21T00:00:00.000Z"],
  [{ kind: "time", untilMs: epoch, of: "propagation" }, "propagation until 2026-11-21T00:00:00.000Z"],
  [{ kind: "time", untilMs: epoch, of: "rotationWindow" }, "the rotation window until 2026-11-21T00:00:00.000Z"],
  [{ kind: "time", untilMs: epoch, of: "rollbackWindow" }, "the rollback window until 2026-11-21T00:00:00.000Z"],
  [{ kind: "gateway", name: "gw-1" }, "gw-1 has not acknowledged"],
  [{ kind: "gateway", name: "gw-1", ack: { generation: 0, verifies: [] } }, "gw-1 is starting"],
  [
    { kind: "gateway", name: "gw-1", ack: { generation: 7, verifies: [kid], signs: kid } },
    "gw-1 does not accept the key yet (its ring is of generation 7)",
  ],
  [{ kind: "projections" }, "the signer object and the public object have not been read back yet"],
  [{ kind: "standby" }, "the next key is not published yet"],
  [{ kind: "pinned" }, "the signer is pinned"],
  [{ kind: "pinUnknown", kid }, "the pinned key NzbLsXh8… is not in the ring"],
  [{ kind: "pinCannotSign", kid }, "the private half of the pinned key NzbLsXh8… is gone"],
  [{ kind: "adoption" }, "the first rotation after an adoption must be requested"],
  [{ kind: "keyLimit" }, "the ring is full; the next old key must be pruned first"],
  [{ kind: "suspended" }, "the rotation is suspended"],
  [{ kind: "clock" }, "the clock is not to be trusted"],
];

describe("describeBlocker", () => {
  it.each(blockers)("of a blocker $kind: %s", (blocker, text) => {
    expect(describeBlocker(blocker, "activate")).toBe(text);
  });

  it.each([
    [
      "that acked",
      { generation: 7, verifies: [], signs: kid },
      "gw-1 may still sign with it (its ring is of generation 7)",
    ],
    ["that is starting", { generation: 0, verifies: [] }, "gw-1 is starting"],
  ])("says of a gateway %s why a key is not quiesced", (_, ack, text) => {
    expect(describeBlocker({ kind: "gateway", name: "gw-1", ack }, "quiesce")).toBe(text);
  });

  it("says of a gateway that signs with an old key again why that is not pruned", () => {
    const ack = { generation: 7, verifies: [], signs: kid };
    expect(describeBlocker({ kind: "gateway", name: "gw-1", ack }, "prune")).toBe(
      "gw-1 may still sign with it (its ring is of generation 7)",
    );
  });

  it("shows instants as the caller likes", () => {
    const show = (ms: number) => `T+${(ms - epoch) / minute}m`;
    expect(describeBlocker({ kind: "time", untilMs: epoch + hour, of: "schedule" }, "activate", show)).toBe(
      "the schedule until T+60m",
    );
  });

  it("never says more of a kid than its short form, and never undefined", () => {
    for (const [blocker] of blockers)
      expect(describeBlocker(blocker, "activate")).not.toMatch(/undefined|null|NaN|NzbLsXh8u/);
  });
});

describe("describeGate", () => {
  const gate = (...waitsFor: readonly Blocker[]): Gate => ({ step: "quiesce", kid, waitsFor });

  it("says all that a step waits for, in a line, in the step's own words", () => {
    const ack = { generation: 7, verifies: [] };
    expect(describeGate(gate({ kind: "projections" }, { kind: "gateway", name: "gw-1", ack }))).toBe(
      "the signer object and the public object have not been read back yet, gw-1 may still sign with it (its ring is of generation 7)",
    );
  });

  it("shows instants as the caller likes", () => {
    const at = gate({ kind: "time", untilMs: epoch, of: "rotationWindow" });
    expect(describeGate(at, () => "midnight")).toBe("the rotation window until midnight");
  });

  it("says nothing of a gate that waits for nothing", () => {
    expect(describeGate(gate())).toBe("");
  });
});

describe("describeGate", () => {
  const gateways = (count: number): Gate => ({
    step: "publish",
    waitsFor: Array.from({ length: count }, (_, i) => ({ kind: "gateway", name: `gw-${i}` })),
  });

  it("names ten of many, and counts the others", () => {
    expect(describeGate(gateways(10))).toMatch(/gw-9 has not acknowledged$/);
    expect(describeGate(gateways(11))).toMatch(/gw-9 has not acknowledged, and 1 more$/);
    expect(describeGate(gateways(400))).toMatch(/gw-9 has not acknowledged, and 390 more$/);
  });
});
