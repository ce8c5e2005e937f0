import { describe, expect, it } from "vitest";
import { linesOf, lines } from "../support/conditions.ts";
import type { GatewayView } from "../../src/ring/ack.ts";
import type { Ring } from "../../src/ring/ring.ts";
import {
  type Change,
  active,
  gatewayAt,
  leaving,
  omit,
  prepared,
  ringOf,
  silent,
  verifyOnly,
  withoutStandby,
} from "../support/rings.ts";
import { epoch, hour, minute, policy, projectionOf, Story } from "../support/story.ts";

/** Accepts the signer, and nothing newer. */
const late: GatewayView = { name: "gw-late", ready: true, ack: { generation: 99, verifies: ["k1"] } };
const lacks = "does not accept the key yet (its ring is of generation 99)";
const maySign = "may still sign with it (its ring is of generation 99)";
const ready = "Ready True SignerPublished: key k1 signs, and every verifier accepts it";
const idle = "Rotating False Idle: the schedule until 2026-12-13T00:00:00.000Z";
const notPinned = "Pinned False NotPinned: the schedule decides";
const runs = "Suspended False NotSuspended: the rotation runs";

describe("conditionsOf a ring that is well", () => {
  it("at rest", () => expect(lines(ringOf())).toStrictEqual([ready, idle, notPinned, runs]));

  it("between two keys", () => expect(lines(withoutStandby())[0]).toBe(ready));

  it("on request only", () => {
    const rotating = "Rotating False Idle: rotation is on request only";
    expect(lines(ringOf(), { policy: { schedule: { kind: "onRequest" } } })).toStrictEqual([
      ready,
      rotating,
      notPinned,
      runs,
    ]);
  });

  it.each<[string, Ring, Change, string]>([
    [
      "a requested rotation waits for propagation",
      ringOf({ standby: prepared("k2", { publishedAtMs: epoch }) }),
      { requests: ["spec:now"] },
      "Rotating True Activating: propagation until 2026-11-21T00:30:00.000Z",
    ],
    [
      "a rotation that is due waits for a gateway",
      ringOf({ standby: prepared("k2", { publishedAtMs: epoch - hour }) }),
      { requests: ["spec:now"], gateways: [late] },
      `Rotating True Activating: gw-late ${lacks}`,
    ],
    [
      "a rotation that is due waits for room",
      ringOf({ retiring: leaving(13) }),
      { requests: ["spec:now"] },
      "Rotating True Activating: the ring is full; the next old key must be pruned first",
    ],
    [
      "a changed profile waits for its first key",
      ringOf({
        standby: omit(prepared("k2", { createdAtMs: epoch }), "publishedAtMs"),
        signer: active("k1", { profile: { ...policy.profile, issuer: "old" } }),
      }),
      { gateways: [gatewayAt(ringOf()), late] },
      "Rotating True Activating: the next key is not published yet",
    ],
    [
      "the old signer may still be at work",
      ringOf({ retiring: [verifyOnly("k0")] }),
      { gateways: [late] },
      `Rotating True HandingOver: gw-late ${maySign}`,
    ],
    [
      "the old signer is quiesced in this very pass",
      ringOf({ retiring: [verifyOnly("k0")] }),
      {},
      "Rotating True HandingOver: key k0 is being demoted",
    ],
    [
      "the old signer is the second on its way out",
      ringOf({ retiring: [verifyOnly("a", { quiescedAtMs: epoch }), verifyOnly("b")] }),
      { gateways: [late] },
      `Rotating True HandingOver: gw-late ${maySign}`,
    ],
    [
      "an old standby, which never signed, goes before it",
      ringOf({ retiring: [omit(verifyOnly("a", { demotedInGeneration: 101 }), "activatedAtMs"), verifyOnly("b")] }),
      { gateways: [late] },
      `Rotating True HandingOver: gw-late ${maySign}`,
    ],
    [
      "a changed profile finds no room for its first key",
      ringOf({
        retiring: leaving(13),
        signer: active("k1", { profile: { ...policy.profile, issuer: "old" } }),
        standby: prepared("k2", { profile: { ...policy.profile, issuer: "old" } }),
      }),
      {},
      "Rotating True Activating: the next key is not published yet",
    ],
    ["the old signer is quiesced", ringOf({ retiring: [verifyOnly("k0", { quiescedAtMs: epoch })] }), {}, idle],
    [
      "a discarded standby goes: it never signed",
      ringOf({ retiring: [omit(verifyOnly("k0"), "activatedAtMs")] }),
      { gateways: [{ ...late, ack: { generation: 99, verifies: ["k1", "k2"] } }] },
      idle,
    ],
    [
      "an adoption waits for a person",
      ringOf({ signer: active("k1", { adoptedAtMs: 5, activatedAtMs: 5 }) }),
      { gateways: [late] },
      `Rotating False AdoptionPending: the first rotation after an adoption must be requested, gw-late ${lacks}`,
    ],
    [
      "an adoption waits for a person and for its schedule",
      ringOf({ signer: active("k1", { adoptedAtMs: epoch, activatedAtMs: epoch }) }),
      {},
      "Rotating False AdoptionPending: the schedule until 2026-12-21T00:00:00.000Z, the first rotation after an adoption must be requested",
    ],
  ])("stays Ready while %s", (...[, ring, change, rotating]) => {
    expect(lines(ring, change)).toStrictEqual([ready, rotating, notPinned, runs]);
  });

  it.each<[string, readonly GatewayView[], string]>([
    ["has never acknowledged", [silent], "gw-silent has not acknowledged"],
    [
      "gets traffic, and says that it starts",
      [{ ...late, ack: { generation: 0, verifies: ["k1"] } }],
      "gw-late is starting",
    ],
    ["has a ring without it", [{ ...late, ack: { generation: 99, verifies: ["k0"] } }], `gw-late ${lacks}`],
  ])("is not Ready while a gateway %s, whatever an earlier pass stored", (_, gateways, message) => {
    expect(lines(ringOf(), { gateways }).slice(0, 2)).toStrictEqual([
      `Ready False GatewayBehind: ${message}`,
      `Reconciling True GatewayBehind: ${message}`,
    ]);
    expect(lines(ringOf(), { gateways, policy: { acknowledgements: "Ignored" } })[0]).toBe(ready);
    const starting = gateways.map((one) => ({ ...one, ready: false, ack: { generation: 0, verifies: [] } }));
    expect(lines(ringOf(), { gateways: starting })[0]).toBe(ready);
  });

  it.each(["signer", "public"] as const)("is not Ready while the %s object is gone, or lacks the signer", (object) => {
    const ring = ringOf();
    const whole = { signer: projectionOf(ring), public: projectionOf(ring) };
    const gone = object === "signer" ? { public: whole.public } : { signer: whole.signer };
    const lines1 = lines(ring, { stored: { kind: "ring", ring, projections: gone } });
    expect(lines1[0]).toBe(
      `Ready False ProjectionMissing: the ${object} object is not there, or can't be read; it is written again`,
    );
    const lacking = { ...whole, [object]: { generation: 99, kids: ["k2"] } };
    const lines2 = lines(ring, { stored: { kind: "ring", ring, projections: lacking } });
    expect(lines2[0]).toBe(
      `Ready False ProjectionMissing: the ${object} object lacks key k1, which signs; it is written again`,
    );
  });

  it("stays Ready, without Reconciling or Stalled, in every pass of a healthy rotation", () => {
    const story = new Story();
    story.gateways = [{ name: "gw-1", ready: true, ack: { generation: 0, verifies: [] } }];
    story.run(hour);
    story.requests = ["spec:now"];
    const seen = new Set<string>();
    for (let i = 0; i < 12; i++) {
      for (const line of linesOf(story.input)) seen.add(line.split(" ").slice(0, 2).join(" "));
      if (story.pass().steps.length > 0) story.project();
      else story.acked("gw-1").nowMs += 30 * minute;
    }
    expect(story.keys).toBe("k2 active, k3 prepared");
    expect([...seen].sort()).toStrictEqual([
      "Pinned False",
      "Ready True",
      "Rotating False",
      "Rotating True",
      "Suspended False",
    ]);
  });
});

describe("conditionsOf a pin", () => {
  const k0 = verifyOnly("k0", { quiescedAtMs: epoch });
  const pinned = "Rotating False Idle: the signer is pinned";

  it("is not taken for revoked because others are", () => {
    const facts = { revoked: [{ kid: "k9", revokedAtMs: epoch }] };
    expect(lines(ringOf(facts), { policy: { pinnedKid: "k1" } })[2]).toMatch(/^Pinned True/);
  });

  it.each<[string, string, Partial<Ring>, Change, string, string]>([
    ["the signer", "k1", {}, {}, pinned, "Pinned True Pinned: key k1 stays the signer until it is unpinned"],
    [
      "a key that is on its way",
      "k0",
      { retiring: [k0] },
      { gateways: [late] },
      `Rotating True Activating: gw-late ${lacks}`,
      "Pinned False Activating: key k0 is not the signer yet",
    ],
    [
      "a key that is not in the ring",
      "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
      {},
      {},
      "Rotating False Idle: the pinned key NzbLsXh8… is not in the ring",
      "Pinned False PinnedKeyUnknown: key NzbLsXh8… is not in the ring",
    ],
    [
      "a key without its private half",
      "k0",
      { retiring: [{ ...k0, canSign: false }] },
      {},
      "Rotating False Idle: the private half of the pinned key k0 is gone",
      "Pinned False PinnedKeyCannotSign: the private half of key k0 is gone",
    ],
    [
      "a key that is revoked",
      "k0",
      { revoked: [{ kid: "k0", revokedAtMs: epoch }] },
      {},
      idle,
      "Pinned False PinnedKeyRevoked: key k0 is revoked; rotation goes on as if unpinned",
    ],
  ])("on %s", (...[, pinnedKid, facts, change, rotating, pin]) => {
    expect(lines(ringOf(facts), { ...change, policy: { pinnedKid } })).toStrictEqual([ready, rotating, pin, runs]);
  });
});
