import { describe, expect, test } from "vitest";
import { nextRotation } from "../../src/ring/next-rotation.ts";
import { statusReport } from "../../src/ring/status.ts";
import { viewOf } from "../../src/ring/view.ts";
import type { View } from "../../src/ring/view.ts";
import { epoch, hour, minute, second } from "../support/story.ts";
import { StoryHome } from "../tools/support/story-home.ts";

const daily = { schedule: { kind: "interval", everyMs: 6 * hour } } as const;
const seen = async (home: StoryHome): Promise<View> => viewOf(await home.observe());

/** A second gateway comes, and says nothing; time passes. */
function silent(home: StoryHome, forMs: number): StoryHome {
  home.story.gateways = [...home.story.gateways, { name: "gw-2", ready: true }];
  home.story.nowMs += forMs;
  home.story.pass();
  return home;
}

describe("nextRotation", () => {
  test("is by the schedule", async () => {
    expect(nextRotation(await seen(StoryHome.settled(daily, ["gw-1"])))).toEqual({ atMs: epoch + 6 * hour });
  });

  test("is now while it is due", async () => {
    const home = StoryHome.settled(daily, ["gw-1"]);
    home.story.nowMs += 6 * hour;
    expect(nextRotation(await seen(home))).toEqual({ atMs: epoch + 6 * hour });
  });

  test("is unknown where only a request rotates", async () => {
    expect(nextRotation(await seen(StoryHome.settled({ schedule: { kind: "onRequest" } })))).toEqual({});
  });

  test("has no time but what it waits for, once it is due and a gateway has not answered", async () => {
    const view = await seen(silent(StoryHome.settled(daily, ["gw-1"]), 6 * hour));
    expect(nextRotation(view)).toEqual({
      waits: expect.objectContaining({ step: "activate", waitsFor: [{ kind: "gateway", name: "gw-2" }] }) as object,
    });
    expect(statusReport(view)).not.toHaveProperty("nextRotationTime");
  });

  test("keeps the instant before which it can't come, and says what else it waits for", async () => {
    const view = await seen(silent(StoryHome.settled(daily, ["gw-1"]), hour));
    expect(nextRotation(view)).toMatchObject({ atMs: epoch + 6 * hour, waits: { step: "activate" } });
    expect(statusReport(view).nextRotationTime).toBe("2026-11-21T06:00:00.000Z");
  });

  test("does not move on with the clock while a key is not published for a gateway's silence", async () => {
    const home = new StoryHome({ schedule: { kind: "interval", everyMs: hour }, propagationMs: 5 * minute });
    home.story.gateways = [{ name: "gw-2", ready: true }];
    home.story.pass();
    home.story.project();
    home.story.pass();
    home.story.project();
    const first = nextRotation(await seen(home));
    expect(first).toMatchObject({ waits: { waitsFor: [{ kind: "gateway", name: "gw-2" }] } });
    home.story.nowMs += 10 * second;
    expect(nextRotation(await seen(home))).toEqual(first);
    home.story.nowMs += 2 * hour;
    expect(nextRotation(await seen(home))).not.toHaveProperty("atMs");
  });
});
