import { describe, expect, it } from "vitest";
import { conditionsOf, gateLine } from "../../src/ring/conditions.ts";
import { planRotation } from "../../src/ring/planner.ts";
import type { Gate } from "../../src/ring/plan.ts";
import type { Ring } from "../../src/ring/ring.ts";
import { lines } from "../support/conditions.ts";
import {
  type Change,
  active,
  gatewayAt,
  inputOf,
  omit,
  prepared,
  ringOf,
  silent,
  verifyOnly,
} from "../support/rings.ts";
import { day, epoch, hour, policy } from "../support/story.ts";

const ready = "Ready True SignerPublished: key k1 signs, and every verifier accepts it";
const idle = "Rotating False Idle: the schedule until 2026-12-13T00:00:00.000Z";
const notPinned = "Pinned False NotPinned: the schedule decides";
const runs = "Suspended False NotSuspended: the rotation runs";
const suspended = "Suspended True Suspended: only revocation runs until the suspension ends";
const acked = "has not acknowledged";

describe("conditionsOf a ring that is not ready yet", () => {
  const young = ringOf({ signer: omit(active("k1"), "publishedAtMs") });

  it("names whom the signer's publication waits for", () => {
    const message = `gw-silent ${acked}`;
    expect(lines(young, { gateways: [silent], nowMs: epoch - 10 * day }).slice(0, 2)).toStrictEqual([
      `Ready False Publishing: ${message}`,
      `Reconciling True Publishing: ${message}`,
    ]);
  });

  it("names the signer's gate, not another key's", () => {
    const two = ringOf({ standby: omit(prepared("k2"), "publishedAtMs"), signer: omit(active("k1"), "publishedAtMs") });
    const gateways = [{ name: "gw", ready: true, ack: { generation: 1, verifies: ["k1"] } }];
    expect(lines(two, { gateways, nowMs: epoch - 10 * day })[0]).toBe(
      "Ready False Publishing: the signer is being published",
    );
  });

  it("says so in the pass that publishes it as well", () => {
    const message = "the signer is being published";
    expect(lines(young)).toStrictEqual([
      `Ready False Publishing: ${message}`,
      `Reconciling True Publishing: ${message}`,
      idle,
      notPinned,
      runs,
    ]);
  });

  it("says that it waits for the end of a suspension", () => {
    const message = "the signer is being published";
    expect(lines(young, { policy: { suspend: true } })).toStrictEqual([
      `Ready False Suspended: ${message}`,
      `Reconciling True Suspended: ${message}`,
      "Rotating False Idle: the rotation is suspended",
      notPinned,
      suspended,
    ]);
  });

  it("says that the signer's half is lost, also when it is published", () => {
    const message = "the signer's private half is lost; the next key takes over";
    const standby = prepared("k2", { publishedAtMs: epoch - hour });
    const lost = ringOf({ signer: active("k1", { canSign: false }), standby });
    expect(lines(lost, { gateways: [gatewayAt(lost), silent] })).toStrictEqual([
      `Ready False SignerLost: ${message}`,
      `Reconciling True SignerLost: ${message}`,
      `Rotating True Activating: gw-silent ${acked}`,
      notPinned,
      runs,
    ]);
  });
});

describe("conditionsOf no ring", () => {
  const nothing = { stored: { kind: "nothing", generationFloor: 0 } } as const;
  const without = (change: Change = {}) => lines(ringOf(), { ...nothing, ...change });

  it("before the first write", () => {
    const message = "a new key (ES256) starts the ring as its signer";
    expect(without()).toStrictEqual([`Ready False NoRing: ${message}`, `Reconciling True NoRing: ${message}`, runs]);
  });

  it("in a pass that has nothing to say", () => {
    const input = inputOf(ringOf(), nothing);
    const plan = { ...planRotation(input), steps: [], gates: [] };
    expect(conditionsOf({ kind: "plan", input, plan }, false)[0]).toMatchObject({ message: "there is no ring yet" });
  });

  it("before a lost one is rebuilt", () => {
    const stored = {
      kind: "lost",
      generationFloor: 9,
      baseGeneration: 0,
      remains: ringOf(),
      halves: ["k1"],
      alsoVerify: [],
      why: "ringLost",
    } as const;
    expect(without({ stored })[1]).toBe("Reconciling True NoRing: the ring is rebuilt from what is left of it");
  });

  it("while suspended", () => {
    const message = "begin: the rotation is suspended";
    expect(without({ policy: { suspend: true } })).toStrictEqual([
      `Ready False NoRing: ${message}`,
      `Reconciling True NoRing: ${message}`,
      suspended,
    ]);
  });

  it("with a distrusted clock", () => {
    const message = "the clock is not to be trusted; only revocation runs until it is set right";
    expect(without({ clockTrusted: false })).toStrictEqual([
      `Ready False ClockSkew: ${message}`,
      `Stalled True ClockSkew: ${message}`,
      runs,
    ]);
  });
});

describe("conditionsOf what does not mend itself", () => {
  it.each([false, true])(
    "a stall takes Ready with it and says nothing of a ring nobody could read (suspended: %s)",
    (isSuspended) => {
      const stall = { kind: "stalled", reason: "SecretConflict", message: "the ring object is not Keyturn's" } as const;
      const because = { reason: "SecretConflict", message: "the ring object is not Keyturn's" };
      expect(conditionsOf(stall, isSuspended)).toStrictEqual([
        { type: "Ready", status: "False", ...because },
        { type: "Stalled", status: "True", ...because },
        expect.objectContaining({ type: "Suspended", status: isSuspended ? "True" : "False" }),
      ]);
    },
  );

  it("a distrusted clock", () => {
    const message = "the clock is not to be trusted; only revocation runs until it is set right";
    expect(lines(ringOf(), { clockTrusted: false, policy: { suspend: true, pinnedKid: "k1" } })).toStrictEqual([
      `Ready False ClockSkew: ${message}`,
      `Stalled True ClockSkew: ${message}`,
      "Rotating False Idle: the rotation is suspended",
      "Pinned True Pinned: key k1 stays the signer until it is unpinned",
      suspended,
    ]);
    expect(lines(ringOf(), { clockTrusted: false })).toContain("Rotating False Idle: the clock is not to be trusted");
  });

  const patienceMs = policy.rotationWindowMs + policy.propagationMs;
  const remedy = "repair or delete the pod, or set propagation.acknowledgements to Ignored";

  it.each([
    ["a millisecond before its patience ends", -1, false],
    ["at the end of its patience", 0, false],
    ["a millisecond after it", 1, true],
  ])("a silent gateway: %s", (...[, atMs, stalled]) => {
    const ring = ringOf({ retiring: [verifyOnly("k0", { demotedAtMs: epoch - patienceMs })] });
    const seen = lines(ring, { gateways: [silent], nowMs: epoch + atMs });
    const message = `gw-silent ${acked}; ${remedy}`;
    expect(seen.slice(0, 2)).toStrictEqual(
      stalled
        ? [`Ready False GatewaySilent: ${message}`, `Stalled True GatewaySilent: ${message}`]
        : [`Ready False GatewayBehind: gw-silent ${acked}`, `Reconciling True GatewayBehind: gw-silent ${acked}`],
    );
  });

  it.each<[string, Ring, Change]>([
    [
      "publication",
      ringOf({ standby: omit(prepared("k2", { createdAtMs: epoch - patienceMs - 1 }), "publishedAtMs") }),
      {},
    ],
    [
      "activation",
      ringOf({ standby: prepared("k2", { publishedAtMs: epoch - patienceMs - hour }) }),
      { requests: ["spec:now"] },
    ],
  ])("a silent gateway holds %s for longer than its patience", (...[, ring, change]) => {
    expect(lines(ring, { ...change, gateways: [silent] })).toContain(
      `Stalled True GatewaySilent: gw-silent ${acked}; ${remedy}`,
    );
  });

  it("but not projections that are late, which the next write mends", () => {
    const ring = ringOf({ retiring: [verifyOnly("k0", { demotedAtMs: epoch - 9 * day })] });
    const old = { generation: 99, kids: ["k0", "k1"] };
    const stored = { kind: "ring", ring, projections: { signer: old, public: old } } as const;
    expect(lines(ring, { stored })[0]).toBe(ready);
  });

  it("but not a gateway that holds nothing up", () => {
    const late = { ...silent, ack: { generation: 99, verifies: ["k1"] } };
    expect(lines(ringOf(), { gateways: [late] })[0]).toBe(ready);
  });
});

describe("lineOf", () => {
  const gateway: Gate = { step: "quiesce", kid: "k0", waitsFor: [{ kind: "gateway", name: "gw-1" }] };
  const standby: Gate = { step: "activate", why: "pin", waitsFor: [{ kind: "standby" }] };
  const schedule: Gate = { step: "activate", kid: "k2", waitsFor: [{ kind: "time", untilMs: epoch, of: "schedule" }] };
  const prune: Gate = { step: "prune", kid: "k0", waitsFor: [{ kind: "time", untilMs: epoch, of: "rotationWindow" }] };
  const done: Gate = { step: "create", waitsFor: [] };

  it.each([
    ["a gateway", "quiesce k0: gw-1 has not acknowledged"],
    ["what is missing", "activate: the next key is not published yet"],
    ["the next activation", "activate k2: the schedule until 2026-11-21T00:00:00.000Z"],
    ["another instant", "prune k0: the rotation window until 2026-11-21T00:00:00.000Z"],
  ])("names the gate that a person would ask about first: %s", (_, line) => {
    const order = [gateway, standby, schedule, prune];
    const from = order.slice(
      ["quiesce", "activate:", "activate k2", "prune"].findIndex((start) => line.startsWith(start)),
    );
    expect(gateLine([done, ...from])).toBe(line);
    expect(gateLine([...from.toReversed(), done])).toBe(line);
  });

  it("takes a gate for what weighs most in it", () => {
    const projections: Gate = { ...gateway, kid: "both", waitsFor: [{ kind: "projections" }, ...gateway.waitsFor] };
    expect(gateLine([standby, projections])).toMatch(/^quiesce both/);
    const pending: Gate = { ...prune, kid: "both", waitsFor: [...prune.waitsFor, { kind: "projections" }] };
    expect(gateLine([schedule, pending])).toMatch(/^prune both/);
  });

  it("names the first of equals", () => {
    expect(
      gateLine([
        { ...gateway, kid: "a" },
        { ...gateway, kid: "b" },
      ]),
    ).toMatch(/^quiesce a/);
  });

  it("shortens the kid", () => {
    expect(gateLine([{ ...prune, kid: "NzbLsXh8uDCcd-6MNwXF4W" }])).toMatch(/^prune NzbLsXh8…: /);
  });

  it("is nothing when nothing waits", () => {
    expect(gateLine([])).toBeUndefined();
    expect(gateLine([done])).toBeUndefined();
  });
});
