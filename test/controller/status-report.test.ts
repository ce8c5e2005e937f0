import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../src/kube/object.ts";
import { lastStatus, stalledSinceMs } from "../../src/cluster/last-status.ts";
import { withTrouble } from "../../src/controller/status-report.ts";
import { urgencyOf } from "../../src/controller/urgency.ts";
import { gatewayAt, ringOf, silent } from "../support/rings.ts";
import { epoch, minute } from "../support/story.ts";
import { reported, resource, seeing } from "../cluster/support/resources.ts";

interface Written {
  readonly observedGeneration: number;
  readonly conditions: readonly Readonly<Record<string, unknown>>[];
  readonly history: readonly { readonly step: string }[];
  readonly [field: string]: unknown;
}
const written = (object: KubeObject | undefined): Written => object?.["status"] as Written;
const later = (seen: ReturnType<typeof seeing>, ms: number) => ({
  ...seen,
  found: { ...seen.found, nowMs: epoch + ms },
});
const timeOf = (object: KubeObject | undefined, type: string): unknown =>
  written(object).conditions.find((one) => one["type"] === type)?.["lastTransitionTime"];

describe("withReport", () => {
  it("says what the ring is, for the generation of the resource that it saw", () => {
    const ring = ringOf();
    const status = written(reported(resource(), seeing(ring, { gateways: [gatewayAt(ring), silent] }), []));
    expect(status).toMatchObject({
      observedGeneration: 3,
      activeKid: "k1",
      ringGeneration: 100,
      gateways: { expected: 2, acknowledged: 1, summary: "1/2", waitingFor: ["gw-silent"] },
      history: [],
    });
    expect(status.conditions.every((one) => one["observedGeneration"] === 3)).toBe(true);
  });

  it("is undefined when the resource says so already", () => {
    const once = reported(resource(), seeing(), []);
    expect(once).toBeDefined();
    expect(reported(once ?? resource(), later(seeing(), 5000), [])).toBeUndefined();
  });

  it("keeps the time of a condition until its status changes", () => {
    const once = reported(resource(), seeing(), []) ?? resource();
    const { conditions } = written(reported(once, later(seeing(ringOf({ generation: 101 })), minute), []));
    expect(conditions.every((one) => one["lastTransitionTime"] === timeOf(once, "Ready"))).toBe(true);
    const suspended = seeing(ringOf(), { policy: { ...seeing().policy, suspend: true } });
    const next = reported(once, later(suspended, minute), []);
    expect(timeOf(next, "Suspended")).not.toBe(timeOf(once, "Suspended"));
    expect(timeOf(next, "Ready")).toBe(timeOf(once, "Ready"));
  });

  it("remembers the highest generation while there is no ring", () => {
    const once = reported(resource(), seeing(), []) ?? resource();
    const claims = [{ by: "the status", generation: 100 }];
    const gone = seeing();
    const empty = { kind: "absent" } as const;
    const found = { ...gone.found, ring: empty, signer: empty, public: empty, claims };
    const next = reported(once, { ...gone, found }, []);
    expect(written(next)["ringGeneration"]).toBe(100);
    expect(lastStatus(next ?? resource()).ringGeneration).toBe(100);
  });

  it("keeps the last ten deeds, the newest first", () => {
    const deeds = Array.from({ length: 7 }, (_, i) => ({
      atMs: epoch + i,
      step: { type: "prune" as const, kid: `k${i}` },
    }));
    const once = reported(resource(), seeing(), deeds) ?? resource();
    const { history } = written(
      reported(
        once,
        seeing(),
        deeds.slice(0, 5).map(({ atMs }) => ({ atMs, step: { type: "publish" as const, kid: "n" } })),
      ),
    );
    expect(history.map(({ step }) => step)).toEqual([
      ...Array.from({ length: 5 }, () => "publish"),
      ...Array.from({ length: 5 }, () => "prune"),
    ]);
  });
});

describe("withTrouble", () => {
  it("takes Ready, and leaves what is known of the ring", () => {
    const once = reported(resource(), seeing(), []) ?? resource();
    const status = written(withTrouble(once, { reason: "ApiRefused", message: "no" }, { nowMs: epoch }));
    expect(status["activeKid"]).toBe("k1");
    expect(status.conditions.map((one) => `${String(one["type"])} ${String(one["status"])}`)).toEqual([
      "Ready False",
      "Stalled True",
      "Rotating False",
      "Pinned False",
      "Suspended False",
    ]);
  });

  it("says that a revocation that no pass has seen is pending, until a pass has", () => {
    const revoking = resource({ spec: { revokedKids: [{ kid: "k1" }] } });
    const once = withTrouble(revoking, { reason: "ApiRefused", message: "no" }, { nowMs: epoch });
    const [, , pending] = written(once).conditions;
    const message = "nobody knows whether a revocation is carried out: no";
    expect(pending).toMatchObject({ type: "RevocationPending", status: "True", message });
    expect(once && urgencyOf(once)).toBe("emergency");
    const carriedOut = reported(once ?? revoking, seeing(), []) ?? revoking;
    expect(written(carriedOut).conditions.map((one) => one["type"])).not.toContain("RevocationPending");
    const again = written(withTrouble(carriedOut, { reason: "ApiRefused", message: "no" }, { nowMs: epoch }));
    expect(again.conditions.map((one) => one["type"])).not.toContain("RevocationPending");
  });

  it("is undefined when the resource says so already", () => {
    const once = withTrouble(resource(), { reason: "ApiRefused", message: "no" }, { nowMs: epoch }) ?? resource();
    expect(withTrouble(once, { reason: "ApiRefused", message: "no" }, { nowMs: epoch + minute })).toBeUndefined();
  });
});

describe("stalledSinceMs", () => {
  const stalled = (reason: string, before = resource(), atMs = epoch): KubeObject =>
    withTrouble(before, { reason, message: reason }, { nowMs: atMs }) ?? before;

  it.each(["RingUnreadable", "RingRolledBack", "RecoveryRefused"])("is when %s began", (reason) => {
    expect(stalledSinceMs(stalled(reason))).toBe(epoch);
  });

  it("stays when the write of a recovery was refused: its request must go on to count", () => {
    expect(stalledSinceMs(stalled("ApiRefused", stalled("RingUnreadable"), epoch + minute))).toBe(epoch);
    expect(stalledSinceMs(stalled("RingUnreadable", stalled("ApiRefused"), epoch + minute))).toBe(epoch);
  });

  it.each(["SecretConflict", "ClockSkew", "GatewaySilent", "InvalidSpec"])("is never for %s", (reason) => {
    expect(stalledSinceMs(stalled(reason))).toBe(Infinity);
  });

  it("is never for a resource without a status, or without trouble", () => {
    expect(stalledSinceMs(resource())).toBe(Infinity);
    expect(stalledSinceMs(reported(resource(), seeing(), []) ?? resource())).toBe(Infinity);
  });

  it("is that of the first of several that a recovery ends, so that the request which was refused still counts", () => {
    expect(stalledSinceMs(stalled("RecoveryRefused", stalled("RingRolledBack"), epoch + minute))).toBe(epoch);
  });

  it("begins anew after a stall that a recovery does not end: an older request is not for this one", () => {
    expect(stalledSinceMs(stalled("RingRolledBack", stalled("GatewaySilent"), epoch + minute))).toBe(epoch + minute);
  });
});
