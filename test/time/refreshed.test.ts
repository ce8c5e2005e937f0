import { describe, expect, test } from "vitest";
import { Refreshed } from "../../src/time/refreshed.ts";
import { FakeClock, turn } from "../support/fake-clock.ts";

/** A source that answers when the test says so. */
class Source {
  readonly clock = new FakeClock();
  readonly told: unknown[] = [];
  asked = 0;
  #answer: (() => void) | undefined;
  readonly refreshed: Refreshed<number>;
  intervalMs: number | undefined;
  isAway = false;
  refreshMs = 100;

  constructor(more: { readonly patienceMs?: number }) {
    this.refreshed = new Refreshed<number>({
      ...more,
      clock: this.clock,
      intervalMs: 10,
      staleMs: 1000,
      tell: (problem) => this.told.push(problem),
      load: () =>
        new Promise((resolve, reject) => {
          const turnNumber = ++this.asked;
          this.#answer = () => (this.isAway ? reject(new Error("away")) : resolve(this.#loaded(turnNumber)));
        }),
    });
  }

  #loaded(value: number) {
    const { refreshMs, intervalMs } = this;
    return { value, refreshMs, ...(intervalMs !== undefined && { intervalMs }) };
  }

  async answer(): Promise<void> {
    this.#answer?.();
    await turn();
  }
}

async function started(more: { readonly patienceMs?: number } = {}): Promise<Source> {
  const source = new Source(more);
  void source.refreshed.start();
  await source.answer();
  return source;
}

describe("Refreshed", () => {
  test("loads again when the value says so, counted from its arrival", async () => {
    const { clock, refreshed, ...source } = await started();
    expect(refreshed.current()).toBe(1);
    expect(clock.waits).toEqual([source.refreshMs]);
  });

  test("asks a source that is away once per interval, says so each time, and once that it is back", async () => {
    const source = await started();
    source.isAway = true;
    await source.clock.advance(100);
    await source.answer();
    expect(source.clock.waits).toEqual([10]);
    await source.clock.advance(10);
    source.isAway = false;
    await source.answer();
    expect(source.told).toEqual([new Error("away"), undefined]);
    expect(source.refreshed.current()).toBe(3);
    expect(source.clock.waits).toEqual([100]);
  });

  test("who misses something is told that no load is due, before the interval; after it he waits for one", async () => {
    const source = await started();
    source.clock.freeze(9);
    expect(await source.refreshed.again()).toBe("not due");
    source.clock.freeze(1);
    const waiting = [source.refreshed.again(), source.refreshed.again()];
    await source.answer();
    expect(await Promise.all(waiting)).toEqual(["asked", "asked"]);
    expect(source.asked).toBe(2);
  });

  test("256 wait for a load, and the next one is turned away", async () => {
    const source = await started();
    source.clock.freeze(10);
    const waiting = Array.from({ length: 257 }, () => source.refreshed.again());
    expect(await waiting.at(-1)).toBe("crowded");
    await source.answer();
    expect(await waiting[255]).toBe("asked");
  });

  test("a value may shorten the interval, and who misses something waits so long for a load, once for all", async () => {
    const source = await started({ patienceMs: 4 });
    source.intervalMs = 5;
    await source.clock.advance(100);
    await source.answer();
    expect(await source.refreshed.again()).toBe("not due");
    source.clock.freeze(1);
    const waiting = [source.refreshed.again(), source.refreshed.again()];
    expect(source.clock.waits).toEqual([4]);
    await source.clock.advance(4);
    expect(source.asked).toBe(3);
    await source.answer();
    expect(await Promise.all(waiting)).toEqual(["asked", "asked"]);
    expect(source.clock.waits).toEqual([100]);
  });

  test("closed while somebody waits for a load that is not due, it lets him go and asks for nothing", async () => {
    const source = await started({ patienceMs: 10 });
    const waiting = source.refreshed.again();
    source.refreshed.close();
    expect(await waiting).toBe("asked");
    expect(source.asked).toBe(1);
    expect(source.clock.waits).toEqual([]);
  });

  test("closed, it asks for nothing any more", async () => {
    const source = await started();
    source.refreshed.close();
    expect(source.clock.waits).toEqual([]);
    source.clock.freeze(500);
    expect(await source.refreshed.again()).toBe("not due");
    expect(source.asked).toBe(1);
  });
});
