import { expect, test } from "vitest";
import { AwaitedCalls } from "../../src/grpc/awaited-calls.ts";
import type { GrpcStatus } from "../../src/grpc/codes.ts";
import { FakeClock } from "../support/fake-clock.ts";

function waiter(isOver = false) {
  const ends: string[] = [];
  return { isOver, ends, end: ({ code }: GrpcStatus) => void ends.push(code) };
}

test("a call is ended no sooner than its limit, and at the latest an eighth after it", async () => {
  const clock = new FakeClock();
  const waiting = new AwaitedCalls(800, clock);
  const first = waiter();
  waiting.enter(first);
  await clock.advance(50);
  const second = waiter();
  waiting.enter(second);
  await clock.advance(749);
  expect([first.ends, second.ends]).toEqual([[], []]);
  await clock.advance(101);
  expect([first.ends, second.ends]).toEqual([["DEADLINE_EXCEEDED"], ["DEADLINE_EXCEEDED"]]);
});

test("who left is not ended, nor is who has gone away; and without anybody no timer runs", async () => {
  const clock = new FakeClock();
  const waiting = new AwaitedCalls(800, clock);
  const [left, gone] = [waiter(), waiter(true)];
  const place = waiting.enter(left);
  waiting.enter(gone);
  waiting.leave(place);
  await clock.advance(5000);
  expect([left.ends, gone.ends, clock.waits]).toEqual([[], [], []]);
});

test("a place is used again by who comes next", async () => {
  const clock = new FakeClock();
  const waiting = new AwaitedCalls(800, clock);
  const [first, second] = [waiter(), waiter()];
  const place = waiting.enter(first);
  waiting.leave(place);
  waiting.leave(place);
  expect([waiting.enter(second), waiting.enter(waiter())]).toEqual([place, place + 1]);
  await clock.advance(900);
  expect([first.ends, second.ends]).toEqual([[], ["DEADLINE_EXCEEDED"]]);
});
