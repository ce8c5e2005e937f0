import { describe, expect, test } from "vitest";
import { isSeen, presumedRing, reported, toldReading } from "../../../src/operator/home/presume.ts";
import type { KubeObject } from "../../../src/kube/object.ts";
import { classify, type Reading } from "../../../src/ring/found.ts";
import { keysOf } from "../../../src/ring/ring.ts";
import { copy, found } from "../../support/found.ts";
import { active, omit, prepared, ringOf, verifyOnly } from "../../support/rings.ts";
import { epoch, hour, minute, policy } from "../../support/story.ts";

/** A ring as the public document tells it: no key can sign. */
const published = ringOf({
  signer: active("k1", { canSign: false }),
  standby: prepared("k2", { canSign: false }),
  retiring: [
    verifyOnly("k3", { canSign: false }),
    verifyOnly("k4", { canSign: false, quiescedAtMs: epoch }),
    omit(verifyOnly("k5", { canSign: false }), "activatedAtMs"),
  ],
});

const presumed = (nowMs: number, signerCanSign = true): readonly string[] => {
  const reading = presumedRing(published, { policy, nowMs, signerCanSign });
  if (reading.kind !== "ring") throw new TypeError("no ring");
  const able = keysOf(reading.ring).flatMap(({ kid, canSign }) => (canSign ? [kid] : []));
  expect(reading.halves).toEqual(able);
  return able;
};

describe("presumedRing", () => {
  test("has the halves that the rules keep: not of a key that never signed", () => {
    expect(presumed(epoch)).toEqual(["k1", "k2", "k3", "k4"]);
  });

  test("has no half of a signer that is known to be lost", () => {
    expect(presumed(epoch, false)).toEqual(["k2", "k3", "k4"]);
  });

  // Quiesced at the epoch, then its wait of 30 minutes and a rollback window of 2 hours
  test.each([
    [-1, true],
    [0, false],
    [1, false],
  ])("%i ms from the end of the rollback window the half is there: %s", (ms, isThere) => {
    expect(presumed(epoch + 30 * minute + 2 * hour + ms).includes("k4")).toBe(isThere);
  });
});

const withStatus = (status: object | undefined): KubeObject => ({
  apiVersion: "keyturn.dev/v1alpha1",
  kind: "JwtKeyRotation",
  metadata: { name: "gateway" },
  ...(status && { status }),
});
const stalled = (reason: string, message: string): KubeObject =>
  withStatus({ conditions: [{ type: "Stalled", status: "True", reason, message }] });

describe("toldReading", () => {
  const roundTrip = (role: "ring" | "signer", reading: Reading): Reading | undefined => {
    const verdict = classify(found({ [role]: reading, public: copy(5) }));
    if (verdict.kind !== "stalled") throw new TypeError("not stalled");
    return toldReading(stalled(verdict.reason, verdict.message), role);
  };

  test.each<[role: "ring" | "signer", reading: Reading]>([
    ["ring", { kind: "foreign", problem: "it was not made by Keyturn" }],
    ["signer", { kind: "foreign", problem: "it holds: colons; and more" }],
    ["ring", { kind: "unreadable", problem: "$.keys must be a list; really" }],
  ])("gives back what the controller found in the place of the %s object: %j", (role, reading) => {
    expect(roundTrip(role, reading)).toEqual(reading);
  });

  test("of another object says nothing", () => {
    const message = "the signer object is not Keyturn's: it is immutable";
    expect(toldReading(stalled("SecretConflict", message), "ring")).toBeUndefined();
    expect(toldReading(stalled("RingUnreadable", "whatever"), "signer")).toBeUndefined();
  });

  test("of a refused recovery is that the ring is unreadable", () => {
    const problem = "the recovery brings 20 keys";
    expect(toldReading(stalled("RecoveryRefused", problem), "ring")).toEqual({ kind: "unreadable", problem });
  });

  test.each([
    ["another stall", stalled("GatewaySilent", "x")],
    [
      "a stall that is over",
      withStatus({ conditions: [{ type: "Stalled", status: "False", reason: "RingUnreadable" }] }),
    ],
    ["no status", withStatus(undefined)],
  ])("of %s is nothing", (_, resource) => {
    expect(toldReading(resource, "ring")).toBeUndefined();
  });
});

test.each([
  [{ observedGeneration: -1 }, false],
  [{ observedGeneration: 0 }, true],
  [{ observedGeneration: 3 }, true],
  [undefined, false],
])("isSeen of the status %j is %s", (status, is) => {
  expect(isSeen(withStatus(status))).toBe(is);
});

test("reported finds conditions that hold", () => {
  const conditions = [
    { type: "Ready", status: "False", reason: "a" },
    { type: "Pinned", status: "True", reason: "b" },
  ];
  expect(reported(withStatus({ conditions }), "Pinned")?.reason).toBe("b");
  expect(reported(withStatus({ conditions }), "Ready")).toBeUndefined();
});
