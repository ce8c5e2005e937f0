import { describe, expect, test } from "vitest";
import { isSeen, presumedRing, reported, toldReading } from "../../../src/cluster/home/presume.ts";
import type { KubeObject } from "../../../src/kube/object.ts";
import { withReport } from "../../../src/controller/status-report.ts";
import type { Found, Reading } from "../../../src/ring/found.ts";
import { keysOf } from "../../../src/ring/ring.ts";
import { active, omit, prepared, ringOf, verifyOnly } from "../../support/rings.ts";
import { epoch, hour, minute, policy } from "../../support/story.ts";
import { reportOf, seeing } from "../support/resources.ts";

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
  /** The resource as a controller reports it that found this. */
  const reportedWith = (change: Partial<Found>): KubeObject => {
    const seen = seeing();
    const report = reportOf({ ...seen, found: { ...seen.found, ...change } });
    return withReport(withStatus(undefined), { report, nowMs: epoch }, []) ?? withStatus(undefined);
  };

  test.each<[role: "ring" | "signer", reading: Reading]>([
    ["ring", { kind: "foreign", problem: "it was not made by Keyturn" }],
    ["signer", { kind: "foreign", problem: "it holds: colons; and more" }],
    ["ring", { kind: "unreadable", problem: "$.keys must be a list; really" }],
    ["signer", { kind: "unreadable", problem: "keyring.json is missing" }],
    ["ring", { kind: "absent" }],
  ])("gives back what the controller found in the place of the %s object: %j", (role, reading) => {
    const resource = reportedWith({ [role]: reading });
    expect(toldReading(resource, role)).toEqual(reading);
    expect(toldReading(resource, role === "ring" ? "signer" : "ring")).toBeUndefined();
  });

  test("goes by the fields, whatever the words of a condition are", () => {
    const objects = [{ object: "ring", problem: "Foreign", message: "x" }];
    const conditions = [{ type: "Stalled", status: "True", reason: "RingUnreadable", message: "y" }];
    expect(toldReading(withStatus({ conditions, objects }), "ring")).toEqual({ kind: "foreign", problem: "x" });
    expect(toldReading(withStatus({ conditions, objects: [] }), "ring")).toBeUndefined();
  });

  test("of a problem that only a newer controller knows is that it can't be used", () => {
    const told = (message?: string) =>
      toldReading(withStatus({ objects: [{ object: "ring", problem: "TooOld", message }] }), "ring");
    expect(told("it is too old")).toEqual({ kind: "unreadable", problem: "it is too old" });
    expect(told()).toEqual({ kind: "unreadable", problem: "TooOld" });
  });

  test.each(["RingUnreadable", "RecoveryRefused"])(
    "of an older controller, which has no such field, is by the reason %s that the ring can't be used",
    (reason) => {
      const resource = stalled(reason, "the ring object can't be read: $.keys must be a list");
      const problem = "as the controller reports: the ring object can't be read: $.keys must be a list";
      expect(toldReading(resource, "ring")).toEqual({ kind: "unreadable", problem });
      expect(toldReading(resource, "signer")).toBeUndefined();
    },
  );

  test.each([
    ["another stall", stalled("GatewaySilent", "x")],
    [
      "a stall that is over",
      withStatus({ conditions: [{ type: "Stalled", status: "False", reason: "RingUnreadable" }] }),
    ],
    ["no status", withStatus(undefined)],
  ])("of %s of an older controller is nothing", (_, resource) => {
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
