import { expect, test, vi } from "vitest";
import { Bell } from "../../src/time/bell.ts";
import { FakeClock, turn } from "../support/fake-clock.ts";

const never = new AbortController().signal;

test("Bell.sleep ends after its time, and not before", async () => {
  const clock = new FakeClock();
  const ended = vi.fn();
  void new Bell(clock).sleep(1000, never).then(ended);
  await clock.advance(999);
  expect(ended).not.toHaveBeenCalled();
  await clock.advance(1);
  expect(ended).toHaveBeenCalledOnce();
});

test("Bell.ring before a sleep ends that one, and no second", async () => {
  const clock = new FakeClock();
  const bell = new Bell(clock);
  bell.ring();
  bell.ring();
  await bell.sleep(1000, never);
  void bell.sleep(1000, never);
  await turn();
  expect(clock.waits).toEqual([1000]);
});

test("Bell.ring during a sleep ends it, leaves no timer, and counts for that one alone", async () => {
  const clock = new FakeClock();
  const bell = new Bell(clock);
  const sleeping = bell.sleep(1000, never);
  bell.ring();
  await sleeping;
  expect(clock.waits).toEqual([]);
  void bell.sleep(500, never);
  await turn();
  expect(clock.waits).toEqual([500]);
});

test("Bell.sleep ends with the signal, as does every later one", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const bell = new Bell(clock);
  const sleeping = bell.sleep(Infinity, stop.signal);
  expect(clock.waits).toEqual([]);
  stop.abort();
  await sleeping;
  await bell.sleep(1000, stop.signal);
  expect(clock.waits).toEqual([]);
});

test("Bell.sleep of less than no time ends soon, on the machine's clock as well", async () => {
  await new Bell().sleep(-1, never);
});

test("Bell.sleep of more than a timer of Node.js holds does not end at once", async () => {
  const stop = new AbortController();
  const ended = vi.fn();
  const sleeping = new Bell().sleep(2 ** 40, stop.signal).then(ended);
  await turn();
  await turn();
  expect(ended).not.toHaveBeenCalled();
  stop.abort();
  await sleeping;
});
