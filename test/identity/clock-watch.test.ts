import { describe, expect, it } from "vitest";
import { ClockWatch, type Wakeable } from "../../src/identity/clock-watch.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { dayMs, secondMs, startMs } from "./support/pairs.ts";

class Waiter implements Wakeable {
  readonly #name: string;
  readonly #heard: string[];
  wakeAtMs: number;

  constructor(name: string, wakeAtMs: number, heard: string[]) {
    this.#name = name;
    this.wakeAtMs = wakeAtMs;
    this.#heard = heard;
  }

  wake(): void {
    this.#heard.push(this.#name);
    this.wakeAtMs = Infinity;
  }

  setBack(byMs: number): void {
    this.#heard.push(`${this.#name} back ${byMs}`);
    this.wakeAtMs -= byMs;
  }
}

const scene = (): {
  clock: FakeClock;
  watch: ClockWatch;
  heard: string[];
  add: (name: string, inMs: number) => Waiter;
} => {
  const clock = new FakeClock(startMs);
  const watch = new ClockWatch(clock);
  const heard: string[] = [];
  const add = (name: string, inMs: number): Waiter => {
    const waiter = new Waiter(name, startMs + inMs, heard);
    watch.add(waiter);
    return waiter;
  };
  return { clock, watch, heard, add };
};

describe("ClockWatch", () => {
  it("wakes each at its time, with one timer for all of them", async () => {
    const { clock, heard, add } = scene();
    add("late", 20 * secondMs);
    add("soon", 5 * secondMs);
    for (let n = 0; n < 1000; n++) add(`never ${n}`, Infinity);
    expect(clock.waits).toEqual([5 * secondMs]);
    await clock.advance(5 * secondMs - 1);
    expect(heard).toEqual([]);
    await clock.advance(1);
    expect(heard).toEqual(["soon"]);
    expect(clock.waits).toEqual([15 * secondMs]);
    await clock.advance(15 * secondMs);
    expect(heard).toEqual(["soon", "late"]);
  });

  it("looks every 30 s, however long it is until the first", async () => {
    const { clock, heard, add } = scene();
    add("late", dayMs);
    expect(clock.waits).toEqual([30 * secondMs]);
    clock.setWall(startMs + dayMs);
    await clock.advance(30 * secondMs);
    expect(heard).toEqual(["late"]);
  });

  it("hears of a time that came nearer, and asks too early for one that went away", async () => {
    const { clock, watch, heard, add } = scene();
    const one = add("one", 20 * secondMs);
    one.wakeAtMs = startMs + 3 * secondMs;
    watch.changed(one);
    expect(clock.waits).toEqual([3 * secondMs]);
    one.wakeAtMs = startMs + 10 * secondMs;
    watch.changed(one);
    await clock.advance(3 * secondMs);
    expect(heard).toEqual([]);
    await clock.advance(7 * secondMs);
    expect(heard).toEqual(["one"]);
  });

  it("tells all of them once that the clock was set back", async () => {
    const { clock, heard, add } = scene();
    add("a", 60 * secondMs);
    add("b", dayMs);
    clock.setWall(startMs - dayMs);
    await clock.advance(60 * secondMs);
    expect(heard).toEqual([`a back ${dayMs}`, `b back ${dayMs}`, "a"]);
  });

  it("has no timer for nobody, and says nothing of what happened to the clock meanwhile", async () => {
    const { clock, watch, heard, add } = scene();
    const one = add("one", secondMs);
    watch.delete(one);
    expect(clock.waits).toEqual([]);
    watch.changed(one);
    expect(clock.waits).toEqual([]);
    clock.setWall(startMs - dayMs);
    add("two", -dayMs + secondMs);
    await clock.advance(secondMs);
    expect(heard).toEqual(["two"]);
    expect(watch.size).toBe(1);
  });
});
