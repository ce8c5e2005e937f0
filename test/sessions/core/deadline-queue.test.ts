import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DeadlineQueue } from "../../../src/sessions/core/deadline-queue.ts";

describe("DeadlineQueue", () => {
  it("gives what has come, the nearest first, and nothing before its time", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50)), fc.nat(50), (instants, nowMs) => {
        const queue = new DeadlineQueue();
        for (const atMs of instants) queue.add(atMs, String(atMs));
        const taken: number[] = [];
        for (let key = queue.take(nowMs); key !== undefined; key = queue.take(nowMs)) taken.push(Number(key));
        expect(taken).toEqual(instants.filter((atMs) => atMs <= nowMs).sort((a, b) => a - b));
        expect(queue.size).toBe(instants.length - taken.length);
        expect(queue.nextAtMs).toBe(Math.min(...instants.filter((atMs) => atMs > nowMs)));
      }),
    );
  });
});
