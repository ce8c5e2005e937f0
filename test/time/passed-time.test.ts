import { describe, expect, test } from "vitest";
import { PassedTime } from "../../src/time/passed-time.ts";
import { FakeClock } from "../support/fake-clock.ts";

describe("PassedTime", () => {
  function driven() {
    const clock = new FakeClock();
    return { clock, time: new PassedTime(clock) };
  }

  test("goes with the monotonic clock", () => {
    const { clock, time } = driven();
    expect(time.nowMs()).toBe(0);
    clock.freeze(1500);
    expect(time.nowMs()).toBe(1500);
  });

  test.each([
    ["an hour back", -3_600_000, 0],
    ["a second ahead, as by slewing", 1000, 0],
    ["more than that ahead, as after sleep", 1001, 1001],
  ])("with a wall clock that was set %s it goes on by what has passed", (_, byMs, moreMs) => {
    const { clock, time } = driven();
    clock.freeze(100);
    clock.setWall(clock.nowMs() + byMs);
    expect(time.nowMs()).toBe(100 + moreMs);
    clock.freeze(100);
    expect(time.nowMs()).toBe(200 + moreMs);
  });
});
