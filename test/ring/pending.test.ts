import { describe, expect, it } from "vitest";
import type { GatewayView } from "../../src/ring/ack.ts";
import type { Observation } from "../../src/ring/decide.ts";
import type { Reading } from "../../src/ring/found.ts";
import { overdue, pendingCheckMs, pendingRevocations, revocationPatienceMs } from "../../src/ring/pending.ts";
import type { Policy } from "../../src/ring/plan.ts";
import type { Ring } from "../../src/ring/ring.ts";
import { viewOf } from "../../src/ring/view.ts";
import { active, gatewayAt, prepared, ringOf } from "../support/rings.ts";
import { epoch, policy } from "../support/story.ts";

const before = ringOf({ generation: 99 });
const after = ringOf({ signer: active("k2"), standby: prepared("k3"), revoked: [{ kid: "k1", revokedAtMs: epoch }] });
const holding = (ring: Ring): Reading => ({ kind: "ring", ring, halves: ["k1", "k2"] });
const revoking: Policy = { ...policy, revokedKids: [{ kid: "k1" }] };

/** Everything is carried out but for what is given. */
const seeing = (change: Partial<Observation["found"]> = {}, more: Partial<Observation> = {}): Observation => ({
  rotation: { namespace: "default", name: "gateway" },
  policy: revoking,
  requests: [],
  gateways: [gatewayAt(after)],
  found: { ring: holding(after), signer: holding(after), public: holding(after), claims: [], nowMs: epoch, ...change },
  clockTrusted: true,
  ...more,
});
const stillIn = (seen: Observation, ring = after) =>
  pendingRevocations(seen, ring).map((one) => one.stillIn.join(", "));

describe("pendingRevocations", () => {
  it("is empty once ring, projections and gateways have forgotten the key", () => {
    expect(stillIn(seeing())).toEqual([]);
  });

  it("names who still has the key", () => {
    expect(stillIn(seeing({ ring: holding(before) }), before)).toEqual(["the ring object"]);
    expect(stillIn(seeing({ signer: holding(before) }))).toEqual(["the signer object"]);
    expect(stillIn(seeing({ public: holding(before) }))).toEqual(["the public object"]);
    const gateways = [gatewayAt(after), gatewayAt(before, "gw-2")];
    expect(stillIn(seeing({}, { gateways }))).toEqual(["gateway gw-2"]);
    expect(stillIn(seeing({}, { gateways, policy: { ...revoking, acknowledgements: "Ignored" } }))).toEqual([]);
  });

  it("counts a gateway that does not say what it accepts, and has run since before", () => {
    const says = ", which does not say what it accepts";
    const since = (more: Partial<GatewayView>) =>
      stillIn(seeing({}, { gateways: [{ name: "gw-2", ready: true, runningSinceMs: epoch, ...more }] }));
    expect(since({})).toEqual([`gateway gw-2${says}`]);
    expect(since({ runningSinceMs: epoch + 1 })).toEqual([]);
    expect(since({ ready: false })).toEqual([`gateway gw-2${says}`]);
    expect(since({ ack: { generation: 0, verifies: [] } })).toEqual([`gateway gw-2${says}`]);
    expect(since({ ack: { generation: 0, verifies: [] }, ready: false })).toEqual([]);
  });

  it("names what can't be read where there is no ring, and whoever accepts the key where nothing is left", () => {
    const unreadable = { kind: "unreadable", problem: "not JSON" } as const;
    const absent = { kind: "absent" } as const;
    const none = { ring: absent, signer: absent, public: absent };
    const without = (seen: Observation) =>
      pendingRevocations(seen, undefined).map(({ what, stillIn }) => [what, ...stillIn]);
    const unread = "the ring object, which can't be read";
    expect(without(seeing({ ...none, ring: unreadable }))).toEqual([["key k1", unread]]);
    expect(without(seeing(none, { gateways: [gatewayAt(before)] }))).toEqual([["key k1", "gateway gw-1"]]);
    expect(without(seeing(none))).toEqual([]);
    const cutoff = { policy: { ...policy, revokeCreatedBeforeMs: 0 } };
    expect(without(seeing({ ...none, ring: unreadable }, cutoff))).toEqual([
      ["every key made before 1970-01-01T00:00:00.000Z", unread],
    ]);
    expect(without(seeing(none, cutoff))).toEqual([]);
  });

  it("counts keys that were made before the instant", () => {
    const cutoff = (atMs: number): Partial<Observation> => ({ policy: { ...policy, revokeCreatedBeforeMs: atMs } });
    const ring = ringOf();
    const none = { gateways: [] };
    const all = { ring: holding(ring), signer: { kind: "absent" }, public: { kind: "absent" } } as const;
    expect(stillIn(seeing(all, { ...cutoff(epoch), ...none }), ring)).toEqual(["the ring object", "the ring object"]);
    expect(stillIn(seeing(all, { ...cutoff(1), ...none }), ring)).toEqual([]);
    const done = { ...ring, revokedBefore: { requestedMs: epoch, effectiveMs: 1 } };
    expect(stillIn(seeing(all, { ...cutoff(epoch), ...none }), done)).toEqual([]);
  });
});

describe("overdue", () => {
  it.each([
    [revocationPatienceMs - 1, 0],
    [revocationPatienceMs, 1],
  ])("gives gateways and projections their time: after %i ms there are %i", (afterMs, count) => {
    expect(overdue(pendingRevocations(seeing({ signer: holding(before) }), after), epoch + afterMs)).toHaveLength(
      count,
    );
  });

  it("gives a ring none that can't take it up", () => {
    expect(overdue(pendingRevocations(seeing({ ring: holding(before) }), before), epoch)).toHaveLength(1);
  });
});

describe("pendingCheckMs", () => {
  it.each([
    [[], Infinity],
    [[{}], revocationPatienceMs],
    [[{ sinceMs: epoch - 1 }, {}], revocationPatienceMs - 1],
    [[{ sinceMs: epoch - revocationPatienceMs }], revocationPatienceMs],
  ])("of %j is %d", (pending, ms) => {
    expect(
      pendingCheckMs(
        pending.map((one) => ({ what: "key k1", stillIn: ["x"], ...one })),
        epoch,
      ),
    ).toBe(ms);
  });
});

describe("the condition RevocationPending", () => {
  const linesOf = (seen: Observation) =>
    viewOf(seen).conditions.map((one) => `${one.type} ${one.status} ${one.reason}`);

  it("is there while a revocation is overdue, and takes Ready with it", () => {
    const late = seeing({ public: holding(before), nowMs: epoch + revocationPatienceMs });
    expect(linesOf(late)).toContain("RevocationPending True RevocationPending");
    expect(linesOf(late)).toContain("Ready False RevocationPending");
    expect(linesOf(seeing()).join()).not.toContain("RevocationPending");
  });

  it("is there beside a stall, whose reason stands", () => {
    const claims = [{ by: "gw-9", generation: 1000 }];
    const old = seeing({ ring: holding(before), signer: holding(before), public: holding(before), claims });
    expect(linesOf(old)).toContain("Ready False RingRolledBack");
    expect(linesOf(old)).toContain("RevocationPending True RevocationPending");
  });
  it("is there beside a stall while no ring can be read", () => {
    const unreadable = { kind: "unreadable", problem: "not JSON" } as const;
    const lines = linesOf(seeing({ ring: unreadable, signer: { kind: "absent" }, public: { kind: "absent" } }));
    expect(lines).toContain("Stalled True RingUnreadable");
    expect(lines).toContain("RevocationPending True RevocationPending");
  });
});
