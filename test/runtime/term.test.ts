import { expect, test } from "vitest";
import { watchLag } from "../../src/telemetry/lag.ts";
import { LeadershipLostError, Term } from "../../src/runtime/term.ts";
import { momentOf } from "../../src/time/clock.ts";
import { FakeClock } from "../support/fake-clock.ts";

function begin() {
  const clock = new FakeClock();
  return { clock, term: new Term(clock, 10_000, momentOf(clock)) };
}

test("Term ends at its deadline, counted from the beginning of the last renewal", async () => {
  const { clock, term } = begin();
  await clock.advance(6000);
  const at = momentOf(clock);
  await clock.advance(3000);
  term.renewed(at);
  await clock.advance(6999);
  expect([term.isHeld(), term.signal.aborted]).toEqual([true, false]);
  await clock.advance(1);
  expect([term.isHeld(), term.signal.aborted, clock.waits]).toEqual([false, true, []]);
});

test("Term takes no renewal whose answer comes after the deadline, also before anybody noticed", () => {
  const { clock, term } = begin();
  clock.freeze(9000);
  const at = momentOf(clock);
  clock.freeze(1000);
  term.renewed(at);
  expect([term.isHeld(), term.signal.aborted]).toEqual([false, true]);
});

test("Term goes on waiting when its timer rings early", () => {
  const clock = new FakeClock();
  let ring: () => void = () => undefined;
  const after = (_: number, action: () => void) => {
    ring = action;
    return () => undefined;
  };
  const early = { nowMs: clock.nowMs, monotonicMs: clock.monotonicMs, after };
  const term = new Term(early, 10_000, momentOf(clock));
  clock.freeze(9999);
  ring();
  expect(term.signal.aborted).toBe(false);
  clock.freeze(1);
  ring();
  expect(term.signal.aborted).toBe(true);
});

test("Term says why it was lost, the first reason only", () => {
  const { term } = begin();
  term.lose("first");
  term.lose("second");
  expect(term.lostBy).toBeInstanceOf(LeadershipLostError);
  expect(term.signal.reason).toMatchObject({ message: "Cannot go on as the leader: first" });
});

test("watchLag says how late each look was, until it is ended", async () => {
  const clock = new FakeClock();
  const late: number[] = [];
  const end = watchLag(clock, 500, (ms) => late.push(ms));
  await clock.advance(500);
  clock.freeze(1700);
  await clock.advance(0);
  end();
  await clock.advance(5000);
  expect([late, clock.waits]).toEqual([[0, 1200], []]);
});
