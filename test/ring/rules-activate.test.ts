import { describe, expect, it } from "vitest";
import type { GatewayView } from "../../src/ring/ack.ts";
import type { Schedule } from "../../src/ring/plan.ts";
import { handledLimit, keysOf, ordinaryKeyLimit } from "../../src/ring/ring.ts";
import { applyPlan } from "../../src/ring/steps.ts";
import {
  type Change,
  active,
  gatewayAt,
  leaving,
  omit,
  planFor,
  prepared,
  ringOf,
  silent,
  verifyOnly,
  waitOf,
  waitsOf,
  withoutStandby,
} from "../support/rings.ts";
import { day, epoch, hour, minute, policy, stepsOf, Story } from "../support/story.ts";

const due = { schedule: { kind: "interval", everyMs: 8 * day } } as const;
const request = { requests: ["spec:now"] };

describe("activation by schedule", () => {
  it.each([
    ["a millisecond before the interval ends", -1, "", "activate k2 (schedule): schedule 1ms"],
    ["when the interval ends", 0, "activate k2, create", undefined],
    ["after it", 1, "activate k2, create", undefined],
  ])("%s", (...[, atMs, steps, wait]) => {
    const plan = planFor(ringOf(), { policy: due, nowMs: epoch + atMs });
    expect(stepsOf(plan)).toBe(steps);
    if (wait !== undefined) expect(waitOf(plan, "activate")).toBe(wait);
  });

  it.each([
    ["a millisecond before the run", Date.UTC(2026, 11, 1, 2) - 1, ""],
    ["at the run", Date.UTC(2026, 11, 1, 2), "activate k2, create"],
    ["after many missed runs, once", Date.UTC(2029, 11, 1, 2), "activate k2, create"],
  ])("by cron: %s", (_, nowMs, steps) => {
    const schedule: Schedule = { kind: "cron", expression: "0 3 1 * *", timeZone: "Europe/Berlin" };
    expect(stepsOf(planFor(ringOf(), { policy: { schedule }, nowMs }))).toBe(steps);
  });

  it("on request only: never comes, and waits for nothing", () => {
    const plan = planFor(ringOf(), { policy: { schedule: { kind: "onRequest" } }, nowMs: epoch + 5000 * day });
    expect(stepsOf(plan)).toBe("");
    expect(waitsOf(plan)).toStrictEqual([]);
  });

  it("on request only: comes with a request", () => {
    expect(stepsOf(planFor(ringOf(), { ...request, policy: { schedule: { kind: "onRequest" } } }))).toBe(
      "activate k2, create",
    );
  });

  it("counts from the last activation, so that missed runs collapse into one", () => {
    const late = epoch + 100 * day;
    const plan = planFor(ringOf(), { policy: due, nowMs: late });
    const after = applyPlan(ringOf(), plan, ["k3"]);
    expect(after && waitOf(planFor(after, { policy: due, nowMs: late }), "activate")).toBe(
      "activate k3 (schedule): schedule 192h, propagation 30m",
    );
  });

  it("says why, and that it did not come early", () => {
    expect(planFor(ringOf(), { policy: due }).steps[0]).toStrictEqual({
      type: "activate",
      kid: "k2",
      why: "schedule",
      early: false,
      handledRequests: [],
    });
  });
});

describe("two clocks", () => {
  const published = (waitMs: number) => {
    const fresh = ringOf({ standby: omit(prepared("k2", { waitMs }), "publishedAtMs") });
    const plan = planFor(fresh, { waitsFromMs: epoch + 25_000, policy: { propagationMs: waitMs } });
    const after = applyPlan(fresh, plan, []);
    if (!after) throw new TypeError("there must be a ring");
    return after;
  };

  it.each([
    ["a wait counts from the later one", 30 * minute, "activate k2 (request): propagation 30m25s"],
    ["a wait of 0 counts from nothing", 0, undefined],
  ])("%s", (_, waitMs, wait) => {
    const plan = planFor(published(waitMs), { ...request, policy: { propagationMs: waitMs } });
    expect(stepsOf(plan)).toBe(wait === undefined ? "activate k2, create" : "");
    if (wait !== undefined) expect(waitOf(plan, "activate")).toBe(wait);
  });
});

describe("the propagation wait", () => {
  const ring = ringOf({ standby: prepared("k2", { publishedAtMs: epoch - 45 * minute, waitMs: 45 * minute }) });

  it.each([
    ["just before its end", -1, ""],
    ["at its end", 0, "activate k2, create"],
    ["after its end", 1, "activate k2, create"],
  ])("holds a request: %s", (_, atMs, steps) => {
    expect(stepsOf(planFor(ring, { ...request, nowMs: epoch + atMs }))).toBe(steps);
  });

  it("is the key's own, not the policy's", () => {
    const plan = planFor(ring, { ...request, nowMs: epoch - 5 * minute });
    expect(waitsOf(plan)).toContain("activate k2 (request): propagation 5m");
  });

  it("does not begin before publication", () => {
    const unpublished = omit(prepared("k2"), "publishedAtMs");
    const plan = planFor(ringOf({ standby: unpublished }), { ...request, gateways: [silent] });
    expect(stepsOf(plan)).toBe("");
    expect(waitOf(plan, "activate")).toBe("activate k2 (request): standby");
  });

  it("holds a schedule that is due as well, and both instants are named when neither has come", () => {
    const waitsFor = (everyMs: number) =>
      waitOf(planFor(ring, { policy: { schedule: { kind: "interval", everyMs } }, nowMs: epoch - minute }), "activate");
    expect(waitsFor(8 * day)).toBe("activate k2 (schedule): schedule 1m, propagation 1m");
    expect(waitsFor(7 * day)).toBe("activate k2 (schedule): propagation 1m");
  });

  it("holds the second of two requests in a row", () => {
    const story = new Story();
    story.run(hour);
    story.requests = ["spec:1"];
    story.settle();
    expect(story.keys).toBe("k2 active, k3 prepared, k1 verify-only");
    story.requests = ["spec:2"];
    story.settle();
    expect(story.keys).toBe("k2 active, k3 prepared, k1 verify-only");
    story.run(30 * minute - 1);
    expect(story.ring.signer.kid).toBe("k2");
    story.run(1);
    expect(story.ring.signer.kid).toBe("k3");
  });
});

describe("the gateways, asked once more before an activation", () => {
  const ack = { generation: 99, verifies: ["k1", "k2"], signs: "k1" };

  it.each<[string, GatewayView, boolean]>([
    ["accepts the key", { name: "gw", ready: true, ack }, true],
    ["accepts the key and gets no traffic yet", { name: "gw", ready: false, ack }, true],
    ["acked without the key", { name: "gw", ready: true, ack: { ...ack, verifies: ["k1"] } }, false],
    ["acked without the key and gets no traffic", { name: "gw", ready: false, ack: { ...ack, verifies: [] } }, false],
    ["says generation 0, whatever it lists", { name: "gw", ready: true, ack: { ...ack, generation: 0 } }, false],
    ["says generation 1", { name: "gw", ready: true, ack: { ...ack, generation: 1 } }, true],
    ["never acked and gets traffic", { name: "gw", ready: true }, false],
    ["gets no traffic and has said nothing", { name: "gw", ready: false }, false],
    [
      "gets no traffic, and promised by generation 0 to read first",
      { name: "gw", ready: false, ack: { ...ack, generation: 0 } },
      true,
    ],
  ])("one that %s", (_, gateway, passes) => {
    const plan = planFor(ringOf(), { ...request, gateways: [gateway] });
    expect(stepsOf(plan)).toBe(passes ? "activate k2, create" : "");
    if (!passes) expect(waitOf(plan, "activate")).toBe("activate k2 (request): gw");
  });

  it("hold it by one voice of many", () => {
    const plan = planFor(ringOf(), {
      ...request,
      gateways: [gatewayAt(ringOf(), "a"), silent, gatewayAt(ringOf(), "b")],
    });
    expect(waitOf(plan, "activate")).toBe("activate k2 (request): gw-silent");
  });

  it("are not asked when acknowledgements are ignored: time alone gates", () => {
    const gateways = [silent];
    expect(stepsOf(planFor(ringOf(), { ...request, gateways, policy: { acknowledgements: "Ignored" } }))).toBe(
      "activate k2, create",
    );
  });
});

describe("a request", () => {
  it.each([
    ["that was handled", ["spec:a"], ["spec:a"], ""],
    ["that is new", ["spec:a"], ["spec:b"], "activate k2, create"],
    ["of another origin with the same value", ["spec:a"], ["annotation:a"], "activate k2, create"],
    ["beside one that was handled", ["spec:a"], ["spec:a", "annotation:b"], "activate k2, create"],
    ["that was taken back before it was done", [], [], ""],
  ])("%s", (...[, handledRequests, requests, steps]) => {
    expect(stepsOf(planFor(ringOf({ handledRequests }), { requests }))).toBe(steps);
  });

  it("is done by the activation that follows it, together with the schedule and every other request", () => {
    const requests = ["spec:a", "annotation:b"];
    const plan = planFor(ringOf({ handledRequests: ["spec:0"] }), { policy: due, requests });
    expect(plan.steps[0]).toMatchObject({ why: "request", handledRequests: ["spec:0", "spec:a", "annotation:b"] });
  });

  it("is done by an activation for a changed profile, which takes precedence as the reason", () => {
    const signer = active("k1", { profile: { ...policy.profile, issuer: "https://old.example" } });
    expect(planFor(ringOf({ signer }), request).steps[0]).toMatchObject({
      why: "profile",
      handledRequests: ["spec:now"],
    });
  });

  const old = (count: number) => Array.from({ length: count }, (_, i) => `spec:${i}`);
  it.each([
    ["one below the limit", handledLimit - 1, 16, "spec:0"],
    ["at the limit", handledLimit, 16, "spec:1"],
    ["above the limit", handledLimit + 1, 16, "spec:2"],
  ])("is remembered among 16, the oldest goes: %s", (...[, count, length, oldest]) => {
    const [step] = planFor(ringOf({ handledRequests: old(count) }), request).steps;
    const handled = step?.type === "activate" ? step.handledRequests : [];
    expect(handled).toHaveLength(length);
    expect([handled[0], handled.at(-1)]).toStrictEqual([oldest, "spec:now"]);
  });

  it("is never forgotten while it is the current value of its origin", () => {
    const handledRequests = ["annotation:x", ...old(15)];
    const [step] = planFor(ringOf({ handledRequests }), { requests: ["annotation:x", "spec:now"] }).steps;
    const handled = step?.type === "activate" ? step.handledRequests : [];
    expect(handled).toStrictEqual(["annotation:x", ...old(15).slice(1), "spec:now"]);
  });
});

describe("the limit of 15 keys for ordinary steps", () => {
  const full = ordinaryKeyLimit;

  it.each([
    ["one below the limit", full - 3, "activate k2, create"],
    ["at the limit", full - 2, ""],
  ])("holds an activation, which is followed by a new standby: %s", (_, others, steps) => {
    const ring = ringOf({ retiring: leaving(others) });
    const plan = planFor(ring, request);
    expect(stepsOf(plan)).toBe(steps);
    if (steps === "") expect(waitOf(plan, "activate")).toBe("activate k2 (request): keyLimit");
    expect(keysOf(applyPlan(ring, plan, ["k3"]) ?? ring)).toHaveLength(full);
  });

  it("ends when the next old key is pruned", () => {
    const [oldest, ...others] = leaving(full - 2);
    const gone = oldest && { ...oldest, quiescedAtMs: epoch - day };
    const ring = ringOf({ retiring: gone ? [...others, gone] : others });
    expect(stepsOf(planFor(ring, request))).toBe("prune v1, activate k2, create");
  });

  it("does not hold a rollback, which adds no key", () => {
    const ring = ringOf({ retiring: leaving(full - 2) });
    expect(stepsOf(planFor(ring, { policy: { pinnedKid: "v1" } }))).toBe("activate v1");
  });

  it.each([
    ["is room", full - 2, "create"],
    ["is none", full - 1, ""],
  ])("holds the making of a standby when there %s", (_, others, steps) => {
    const plan = planFor(withoutStandby({ retiring: leaving(others) }));
    expect(stepsOf(plan)).toBe(steps);
    expect(waitOf(plan, "create")).toBe(steps === "" ? "create: keyLimit" : undefined);
  });
});

describe("sinceMs of a held activation", () => {
  const sinceOf = (change: Change, ring = ringOf()) =>
    planFor(ring, { gateways: [silent], ...change }).gates.find((g) => g.step === "activate")?.sinceMs;

  it.each([
    ["is absent before the schedule is due", epoch - 1, undefined],
    ["begins when the schedule is due", epoch, epoch],
    ["stays at that instant", epoch + day, epoch],
  ])("%s", (_, nowMs, since) => expect(sinceOf({ policy: due, nowMs })).toBe(since));

  it.each([
    ["is absent while propagation lasts", epoch - 1, undefined],
    ["begins with the end of the propagation wait, when that comes later", epoch, epoch],
  ])("%s", (_, nowMs, since) => {
    const ring = ringOf({ standby: prepared("k2", { publishedAtMs: epoch - 30 * minute }) });
    expect(sinceOf({ policy: { schedule: { kind: "interval", everyMs: day } }, nowMs }, ring)).toBe(since);
  });

  it("is absent for a key that is not published: publishing has a gate of its own", () => {
    const standby = omit(prepared("k2"), "publishedAtMs");
    expect(sinceOf(request, ringOf({ standby }))).toBeUndefined();
  });

  it("is absent while a person must ask for the first rotation after an adoption", () => {
    const signer = active("k1", { adoptedAtMs: 5, activatedAtMs: 5 });
    expect(sinceOf({ policy: due }, ringOf({ signer }))).toBeUndefined();
    expect(sinceOf(request, ringOf({ signer }))).toBe(epoch - 9 * day + 30 * minute);
  });

  it("is absent where nothing stands by", () => {
    expect(sinceOf({ ...request, gateways: [] }, withoutStandby({ retiring: leaving(14) }))).toBeUndefined();
    expect(sinceOf({ policy: { ...due } }, withoutStandby({ retiring: [verifyOnly("v")] }))).toBeUndefined();
  });
});
