import { describe, expect, test } from "vitest";
import { SilenceWatch } from "../../src/sessions/silence-watch.ts";
import { FakeClock } from "../support/fake-clock.ts";

function watched(withinMs = 100) {
  const clock = new FakeClock();
  const startMs = clock.monotonicMs();
  const silent: [string, number][] = [];
  const watch = new SilenceWatch<string>(clock, withinMs, (speaker) => {
    silent.push([speaker, clock.monotonicMs() - startMs]);
  });
  return { clock, watch, silent };
}

describe("SilenceWatch", () => {
  test("finds everybody in the very moment in which his time has passed, by one timer", async () => {
    const { clock, watch, silent } = watched();
    watch.heard("a");
    await clock.advance(30);
    watch.heard("b");
    watch.heard("c");
    expect(clock.waits).toHaveLength(1);
    await clock.advance(200);
    expect(silent).toEqual([
      ["a", 100],
      ["b", 130],
      ["c", 130],
    ]);
    expect(clock.waits).toEqual([]);
  });

  test("counts from the last word", async () => {
    const { clock, watch, silent } = watched();
    watch.heard("a");
    watch.heard("b");
    for (const ms of [60, 60, 60]) {
      await clock.advance(ms);
      watch.heard("a");
    }
    await clock.advance(99);
    expect(silent).toEqual([["b", 100]]);
    await clock.advance(1);
    expect(silent).toEqual([
      ["b", 100],
      ["a", 280],
    ]);
  });

  test("leaves nothing behind of whoever is forgotten", async () => {
    const { clock, watch, silent } = watched();
    watch.heard("a");
    watch.heard("b");
    watch.forget("a");
    expect(clock.waits).toHaveLength(1);
    watch.forget("b");
    expect(clock.waits).toEqual([]);
    watch.heard("c");
    await clock.advance(100);
    expect(silent).toEqual([["c", 100]]);
  });

  test("lets whoever is found silent speak again, and others be forgotten then", async () => {
    const clock = new FakeClock();
    const silent: string[] = [];
    const watch = new SilenceWatch<string>(clock, 100, (speaker) => {
      silent.push(speaker);
      watch.forget("b");
      if (silent.length === 1) watch.heard("a");
    });
    watch.heard("a");
    watch.heard("b");
    await clock.advance(100);
    expect(clock.waits).toEqual([100]);
    await clock.advance(100);
    expect(silent).toEqual(["a", "a"]);
    expect(clock.waits).toEqual([]);
  });
});
