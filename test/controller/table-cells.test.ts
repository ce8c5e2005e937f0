import { describe, expect, it } from "vitest";
import { columnsOf } from "../../src/controller/table-cells.ts";
import { withTrouble } from "../../src/controller/status-report.ts";
import { active, omit, prepared, ringOf, silent } from "../support/rings.ts";
import { day, epoch, hour, minute, policy } from "../support/story.ts";
import { reported, reportOf, resource, seeing } from "../cluster/support/resources.ts";

const kid = "aHcKS3QoUYVKMpzjXJpnjDeRfdbib_skl1BO-nssL6l";
const report = reportOf(seeing());
const nextIn = (ms: number): string | undefined =>
  columnsOf({ ...report, nextRotationTime: new Date(epoch + ms).toISOString() }, epoch).next;

describe("columnsOf", () => {
  it("cuts a kid, and leaves a short one", () => {
    expect(columnsOf({ ...report, activeKid: kid }, epoch).active).toBe("aHcKS3Qo…");
    expect(columnsOf(report, epoch).active).toBe("k1");
    expect(columnsOf(omit(report, "activeKid"), epoch)).not.toHaveProperty("active");
  });

  it.each([
    [29 * day + 1, "30d"],
    [29 * day, "29d"],
    [2 * day, "2d"],
    [2 * day - 1, "48h"],
    [2 * hour, "2h"],
    [2 * hour - 1, "120m"],
    [20 * minute + 1, "30m"],
    [1, "10m"],
    [0, "now"],
    [-day, "now"],
  ])("rounds %d ms up to %s", (ms, text) => {
    expect(nextIn(ms)).toBe(text);
  });

  it.each([
    ["suspended", seeing(ringOf(), { policy: { ...policy, suspend: true } })],
    ["pinned", seeing(ringOf(), { policy: { ...policy, pinnedKid: "k1" } })],
    ["pinned", seeing(ringOf(), { policy: { ...policy, pinnedKid: "nobody" } })],
    ["on request", seeing(ringOf(), { policy: { ...policy, schedule: { kind: "onRequest" } } })],
    [
      "waits",
      seeing(ringOf({ standby: prepared("k2", { publishedAtMs: epoch - hour }) }), {
        requests: ["spec:now"],
        gateways: [{ name: "gw", ready: true, ack: { generation: 99, verifies: ["k1"] } }],
      }),
    ],
    ["22d", seeing()],
  ])("says %s", (next, seen) => {
    expect(columnsOf(reportOf(seen), epoch).next).toBe(next);
  });
});

/** What a status must not say beside READY False. */
const foretold = ["nextRotationTime", "plan", "gateways"];
const statusOf = (object: object | undefined): Record<string, unknown> =>
  (object as { status: Record<string, unknown> }).status;

describe("the status of a rotation that is not Ready", () => {
  it("names no time for the next one, though the schedule has one", () => {
    const seen = seeing(ringOf(), { gateways: [silent] });
    expect(reportOf(seen)).toHaveProperty("nextRotationTime");
    const status = statusOf(reported(resource(), seen, []));
    expect(status).not.toHaveProperty("nextRotationTime");
    expect(status["columns"]).toEqual({ active: "k1" });
  });

  it("names none where a write is refused, or another controller writes", () => {
    const rival = { reason: "Quarrel", message: "100 writes in a minute" };
    const status = statusOf(reported(resource(), seeing(ringOf(), { rival }), []));
    expect(status).not.toHaveProperty("nextRotationTime");
    expect(status["columns"]).toEqual({ active: "k1" });
  });

  it("has nothing that an earlier pass foresaw or counted once nothing can be seen any more", () => {
    const before = reported(resource(), seeing(ringOf({ signer: active(kid) })), []) ?? resource();
    for (const field of foretold) expect(statusOf(before)).toHaveProperty(field);
    const trouble = { reason: "ApiFailing", message: "the API server does not answer" };
    const status = statusOf(withTrouble(before, trouble, { nowMs: epoch }));
    for (const field of foretold) expect(status).not.toHaveProperty(field);
    expect(status).toMatchObject({ activeKid: kid, columns: { active: "aHcKS3Qo…" }, waitingFor: trouble.message });
  });

  it("says nothing of a ring that there never was", () => {
    const made = resource({ status: { observedGeneration: -1 } });
    const status = statusOf(withTrouble(made, { reason: "ApiRefused", message: "no" }, { nowMs: epoch }));
    expect(status).not.toHaveProperty("columns");
  });
});
