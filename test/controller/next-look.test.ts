import { describe, expect, it } from "vitest";
import { nextLookMs } from "../../src/controller/next-look.ts";
import { decide, type Observation } from "../../src/ring/decide.ts";
import { ApiError } from "../../src/kube/kube-errors.ts";
import { seeing } from "../cluster/support/resources.ts";
import { epoch } from "../support/story.ts";
import { prepared, ringOf } from "../support/rings.ts";

const still: Observation = seeing();

/** @param chance - 0: as soon as may be, about 1: as late as may be */
function lookMs(observation: Observation, { count = 1, chance = 1, unseen = false } = {}): number {
  const error = new ApiError({ action: "list pods", status: 403, reason: "Forbidden", causes: [] }, "no");
  const seen = { observation, ...(unseen && { unseen: error }) };
  return nextLookMs({ seen, decision: decide(observation) }, { count, chance: () => chance });
}

describe("nextLookMs", () => {
  it.each([
    [1, 30_000],
    [30, 30_000],
    [31, 31_000],
    [3600, 3_600_000],
    [10_000, 3_600_000],
  ])("looks at one rotation a second in all, within half a minute and an hour: of %i each after %i ms", (count, ms) => {
    expect([lookMs(still, { count }), lookMs(still, { count, chance: 0 })]).toEqual([ms, ms * 0.8]);
  });

  it("comes when a step is due, if that is before", () => {
    const due = seeing(ringOf({ standby: prepared("k2", { publishedAtMs: epoch - 29 * 60_000 }) }));
    const decision = decide(due);
    const atMs = decision.kind === "plan" ? decision.plan.nextCheckAtMs : NaN;
    expect(lookMs(due, { count: 10_000 })).toBe(Math.min(3_600_000, atMs - epoch));
  });

  it.each<[what: string, change: Partial<Observation>, unseen: boolean]>([
    ["the clock is not trusted", { clockTrusted: false }, false],
    ["the ring can't be read", { found: { ...still.found, ring: { kind: "unreadable", problem: "no" } } }, false],
    ["a projection's place is taken", { found: { ...still.found, public: { kind: "foreign", problem: "no" } } }, false],
    ["the gateways can't be seen", {}, true],
  ])("looks for a remedy after half a minute, however many there are, while %s", (_, change, unseen) => {
    expect(lookMs({ ...still, ...change }, { count: 10_000, unseen })).toBe(30_000);
  });
});
