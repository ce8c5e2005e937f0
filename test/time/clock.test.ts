import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { momentOf, sleep, systemClock } from "../../src/time/clock.ts";
import { FakeClock } from "../support/fake-clock.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const day = 86_400_000;

test.each([
  ["a day", day],
  ["a day and a millisecond", day + 1],
  ["a year, which one timer can't wait for", 365 * day],
])("systemClock.after waits for %s, no millisecond less", (_, ms) => {
  const action = vi.fn();
  systemClock.after(ms, action);
  vi.advanceTimersByTime(ms - 1);
  expect(action).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(action).toHaveBeenCalledOnce();
});

test("systemClock.after never sets a timer beyond a day", () => {
  const timers = vi.spyOn(globalThis, "setTimeout");
  systemClock.after(40 * day, () => undefined);
  vi.advanceTimersByTime(40 * day);
  expect(timers.mock.calls.length).toBe(40);
  for (const [, ms] of timers.mock.calls) expect(ms).toBeLessThanOrEqual(day);
});

test("systemClock.after does nothing once it is cancelled, also in its second day", () => {
  const action = vi.fn();
  const cancel = systemClock.after(2 * day, action);
  vi.advanceTimersByTime(1.5 * day);
  cancel();
  vi.advanceTimersByTime(day);
  expect(action).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});

test("systemClock.after waits on when Node's timer fires a little early", () => {
  const action = vi.fn();
  const startedAtMs = performance.now();
  const now = vi.spyOn(performance, "now").mockReturnValue(startedAtMs);
  systemClock.after(10, action);
  now.mockReturnValue(startedAtMs + 9.6);
  vi.advanceTimersByTime(10);
  expect(action).not.toHaveBeenCalled();
  now.mockReturnValue(startedAtMs + 10);
  vi.advanceTimersByTime(1);
  expect(action).toHaveBeenCalledOnce();
  now.mockRestore();
});

test.each([0, -5, Number.NEGATIVE_INFINITY])("systemClock.after calls soon, never at once, for %d", (ms) => {
  const action = vi.fn();
  systemClock.after(ms, action);
  expect(action).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(action).toHaveBeenCalledOnce();
});

test("momentOf reads both clocks", () => {
  const clock = new FakeClock();
  expect(momentOf(clock)).toEqual({ nowMs: clock.nowMs(), monotonicMs: clock.monotonicMs() });
});

test("sleep ends with the signal and leaves no timer", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const slept = sleep(clock, 1000, stop.signal);
  expect(clock.waits).toEqual([1000]);
  stop.abort();
  await slept;
  expect(clock.waits).toEqual([]);
});
