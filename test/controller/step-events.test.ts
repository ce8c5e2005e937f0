import { describe, expect, it } from "vitest";
import type { NamedStep } from "../../src/ring/forecast.ts";
import { withTrouble } from "../../src/controller/status-report.ts";
import { eventsOf, stallEvents, warningEvent } from "../../src/controller/step-events.ts";
import { ringOf } from "../support/rings.ts";
import { policy } from "../support/story.ts";
import { reported, resource, seeing } from "../cluster/support/resources.ts";

const fresh = { profile: policy.profile, waitMs: 0, kid: "k3" };
const activate = { type: "activate", kid: "k2", why: "request", handledRequests: [] } as const;

describe("eventsOf", () => {
  const rows: readonly (readonly [NamedStep, string])[] = [
    [{ ...activate, early: false }, "Normal KeyActivated"],
    [{ ...activate, early: true }, "Warning KeyActivatedEarly"],
    [{ type: "create", as: "prepared", ...fresh }, "Normal KeyPrepared"],
    [
      { type: "create", as: "active", why: "signerRevoked", handledRequests: [], ...fresh },
      "Warning KeyActivatedEarly",
    ],
    [{ type: "prune", kid: "k1" }, "Normal KeyPruned"],
    [{ type: "publish", kid: "k1" }, "Normal KeyPublished"],
    [{ type: "unpublish", kid: "k1" }, "Warning KeyUnpublished"],
    [{ type: "quiesce", kid: "k1" }, "Normal KeyQuiesced"],
    [{ type: "forget", kid: "k1" }, "Normal PrivateHalfForgotten"],
    [{ type: "discard", kid: "k1" }, "Normal KeyDiscarded"],
    [{ type: "revoke", kid: "k1", reason: "stolen" }, "Normal KeyRevoked"],
  ];
  it.each(rows)("$type", (step, expected) => {
    const [told, ...more] = eventsOf([step]);
    expect(`${told?.type ?? ""} ${told?.reason ?? ""}`).toBe(expected);
    expect(told?.note).not.toBe("");
    expect(more).toEqual([]);
  });

  it("tell which revocation is forgotten when the list is full", () => {
    const [, evicted] = eventsOf([{ type: "revoke", kid: "k1", evicts: "k0" }]);
    expect(evicted).toMatchObject({ type: "Warning", reason: "RevocationForgotten" });
    expect(evicted?.note).toContain("k0");
  });
});

describe("eventsOf a write", () => {
  const revoke = (n: number, reason?: string): NamedStep => ({
    type: "revoke",
    kid: `kid-${n}`,
    ...(reason !== undefined && { reason }),
  });

  it("tells of what happens to several keys once, and names them all", () => {
    const published = ["k1", "k2"].map((kid): NamedStep => ({ type: "publish", kid }));
    const steps: readonly NamedStep[] = [...published, { type: "quiesce", kid: "k0" }];
    expect(eventsOf(steps).map(({ reason, note }) => `${reason}: ${note}`)).toEqual([
      "KeyPublished: key k1 is published: every verifier accepts it; key k2 is published: every verifier accepts it",
      "KeyQuiesced: key k0 is quiesced: nobody signs with it any more",
    ]);
  });

  it("tells of a new ring and its first standby once, and of a later standby by itself", () => {
    const rotation = { namespace: "default", name: "gateway" };
    const begun = { rotation, settings: ringOf().settings, handledRequests: [] };
    const begin: NamedStep = { type: "begin", ...begun, ...fresh, kid: "k1" };
    const standby: NamedStep = { type: "create", as: "prepared", ...fresh, kid: "k2" };
    expect(eventsOf([begin, standby])).toMatchObject([
      { reason: "RingCreated", note: "key k1 (ES256) starts the ring as its signer; key k2 (ES256) is prepared" },
    ]);
    const rotated = eventsOf([{ ...activate, early: false }, standby]);
    expect(rotated.map(({ reason }) => reason)).toEqual(["KeyActivated", "KeyPrepared"]);
  });

  it("tells of many revocations once, with their number, the first of their names and each reason once", () => {
    const steps = Array.from({ length: 12 }, (_, n) => revoke(n, n < 6 ? "stolen" : "also stolen"));
    const [told, ...more] = eventsOf([{ ...activate, early: true }, ...steps]);
    expect(told).toMatchObject({ type: "Normal", reason: "KeyRevoked", isUrgent: true });
    expect(told?.note).toBe(
      "12 keys are revoked: kid-0, kid-1, kid-2, kid-3, kid-4, kid-5, kid-6, kid-7, kid-8, kid-9, and 2 more; stolen; also stolen",
    );
    expect(more.map(({ reason }) => reason)).toEqual(["KeyActivatedEarly"]);
  });

  it("tells of one by itself, and of each that is forgotten for many", () => {
    expect(eventsOf([revoke(1)])).toMatchObject([{ reason: "KeyRevoked", note: "key kid-1 is revoked" }]);
    const full = eventsOf([{ ...revoke(1), evicts: "k0" } as NamedStep, revoke(2)]);
    expect(full.map(({ reason }) => reason)).toEqual(["KeyRevoked", "RevocationForgotten"]);
  });

  it.each<[NamedStep, boolean]>([
    [{ ...activate, early: false }, false],
    [{ ...activate, early: true }, true],
    [revoke(1), true],
    [{ type: "prune", kid: "k1" }, false],
  ])("%j is urgent: %s", (step, urgent) => {
    expect(eventsOf([step])).toMatchObject([{ isUrgent: urgent }]);
  });
});

it("what others state in a form that does not count is told, and is not urgent", () => {
  expect(warningEvent("x").isUrgent).not.toBe(true);
});

describe("stallEvents", () => {
  const well = reported(resource(), seeing(), []) ?? resource();
  const stalled = (reason: string) => withTrouble(well, { reason, message: `${reason} it is` }, { nowMs: 0 }) ?? well;

  it("tell of a stall once, and of its end", () => {
    expect(stallEvents(well, well)).toEqual([]);
    expect(stallEvents(well, stalled("ApiRefused"))).toMatchObject([
      { type: "Warning", reason: "ApiRefused", note: "ApiRefused it is" },
    ]);
    expect(stallEvents(stalled("ApiRefused"), stalled("ApiRefused"))).toEqual([]);
    expect(stallEvents(stalled("ApiRefused"), stalled("InvalidSpec"))).toMatchObject([{ reason: "InvalidSpec" }]);
    expect(stallEvents(stalled("ApiRefused"), well)).toMatchObject([{ type: "Normal", reason: "NoLongerStalled" }]);
  });
});
