import { describe, expect, test } from "vitest";
import { WorkQueue } from "../../src/runtime/queue.ts";
import { FakeClock, turn } from "../support/fake-clock.ts";

function newQueue(chance = 1) {
  const clock = new FakeClock();
  const log: string[] = [];
  const observer = {
    added: () => void log.push("added"),
    retried: () => void log.push("retried"),
    taken: (ms: number) => void log.push(`taken after ${ms}`),
    finished: (ms: number) => void log.push(`finished after ${ms}`),
  };
  const backoff = { baseMs: 100, maxMs: 1000 };
  return { clock, log, queue: new WorkQueue({ clock, chance: () => chance, backoff, observer }) };
}

/** The keys that can be had at once. */
async function ready(queue: WorkQueue): Promise<string[]> {
  const keys: string[] = [];
  while (queue.depth > 0) keys.push((await queue.take()) ?? "");
  return keys;
}

describe("WorkQueue.take", () => {
  test("hands out first what came first, each key once", async () => {
    const { queue } = newQueue();
    for (const key of ["b", "a", "b", "c", "a"]) queue.add(key);
    expect(await ready(queue)).toEqual(["b", "a", "c"]);
  });

  test("hands out an emergency first, then what was begun, then all else", async () => {
    const { queue } = newQueue();
    queue.add("a");
    queue.add("b", "begun");
    queue.add("c", "emergency");
    queue.add("d", "begun");
    queue.add("e", "emergency");
    expect(queue.depth).toBe(5);
    expect(await ready(queue)).toEqual(["c", "e", "b", "d", "a"]);
  });

  test("serves a key that waits as its most urgent reason has it, and never less", async () => {
    const { queue, log } = newQueue();
    for (const key of ["a", "b", "c"]) queue.add(key);
    queue.add("b", "emergency");
    queue.add("b");
    expect(await ready(queue)).toEqual(["b", "a", "c"]);
    expect(log.filter((line) => line === "added")).toHaveLength(3);
  });

  test("keeps the urgency of what was added while it was worked on, or is to be added later", async () => {
    const { queue, clock } = newQueue();
    queue.add("a");
    expect(await queue.take()).toBe("a");
    queue.add("b");
    queue.add("a");
    queue.add("a", "emergency");
    queue.done("a");
    queue.addAfter("c", 10, "begun");
    await clock.advance(10);
    expect(await ready(queue)).toEqual(["a", "c", "b"]);
  });

  test.each([[{ emergency: 20, ordinary: 10 }], [{ ordinary: 20, emergency: 10 }], [{ ordinary: 10, emergency: 20 }]])(
    "of what is to be added later keeps the earliest instant and the most urgent reason: %o",
    async (times) => {
      const { queue, clock } = newQueue();
      queue.addAfter("b", 10);
      for (const [urgency, ms] of Object.entries(times)) queue.addAfter("a", ms, urgency as keyof typeof times);
      await clock.advance(10);
      expect(await ready(queue)).toEqual(["a", "b"]);
    },
  );

  test("waits for a key, and serves those who wait in their order", async () => {
    const { queue } = newQueue();
    const got: string[] = [];
    void queue.take().then((key) => got.push(`first ${key}`));
    void queue.take().then((key) => got.push(`second ${key}`));
    queue.add("a");
    queue.add("b");
    await turn();
    expect(got).toEqual(["first a", "second b"]);
  });

  test("never hands a key to two, and hands it out again if it was added meanwhile", async () => {
    const { queue } = newQueue();
    queue.add("a");
    await queue.take();
    queue.add("a");
    queue.add("a");
    expect(queue.depth).toBe(0);
    queue.done("a");
    expect(await ready(queue)).toEqual(["a"]);
    queue.done("a");
    expect(queue.depth).toBe(0);
  });

  test("puts a key that comes again behind those that wait", async () => {
    const { queue } = newQueue();
    for (const key of ["a", "b", "c"]) queue.add(key);
    await queue.take();
    queue.add("a");
    queue.done("a");
    expect(await ready(queue)).toEqual(["b", "c", "a"]);
  });

  test("is undefined after shutDown, also for those who wait already", async () => {
    const { clock, queue } = newQueue();
    const waiting = queue.take();
    queue.addAfter("a", 1000);
    queue.shutDown();
    queue.add("b");
    queue.addAfter("c", 1);
    expect([await waiting, await queue.take(), clock.waits]).toEqual([undefined, undefined, []]);
  });
});

describe("WorkQueue.takeEmergency", () => {
  test("gets an emergency before whoever waits for anything, and nothing else", async () => {
    const { queue } = newQueue();
    const [urgent, any, later] = [queue.takeEmergency(), queue.take(), queue.take()];
    queue.add("a", "begun");
    queue.add("b", "emergency");
    queue.add("c");
    expect([await any, await urgent, await later]).toEqual(["a", "b", "c"]);
  });

  test("leaves the next emergency to whoever waits for anything", async () => {
    const { queue } = newQueue();
    const [any, urgent] = [queue.take(), queue.takeEmergency()];
    queue.add("a", "emergency");
    queue.add("b", "emergency");
    expect([await urgent, await any]).toEqual(["a", "b"]);
  });

  test("never hands out what somebody works on", async () => {
    const { queue } = newQueue();
    queue.add("a");
    await queue.take();
    const urgent = queue.takeEmergency();
    queue.add("a", "emergency");
    queue.add("b", "emergency");
    expect(await urgent).toBe("b");
    queue.done("a");
    expect(await queue.takeEmergency()).toBe("a");
  });

  test("is undefined after shutDown", async () => {
    const { queue } = newQueue();
    const urgent = queue.takeEmergency();
    queue.shutDown();
    expect(await urgent).toBeUndefined();
  });
});

describe("WorkQueue.addAfter", () => {
  test.each([
    [999, []],
    [1000, ["a"]],
  ])("adds after 1000 ms: after %i there is %o", async (ms, keys) => {
    const { clock, queue } = newQueue();
    queue.addAfter("a", 1000);
    await clock.advance(ms);
    expect(await ready(queue)).toEqual(keys);
  });

  test.each([0, -5, NaN])("adds at once after %d", async (ms) => {
    const { queue } = newQueue();
    queue.addAfter("a", ms);
    expect(await ready(queue)).toEqual(["a"]);
  });

  test("adds by the earliest of several, once", async () => {
    const { clock, queue } = newQueue();
    for (const ms of [500, 200, 900]) queue.addAfter("a", ms);
    queue.addAfter("b", 300);
    await clock.advance(200);
    expect(await ready(queue)).toEqual(["a"]);
    queue.done("a");
    await clock.advance(1000);
    expect(await ready(queue)).toEqual(["b"]);
    expect(clock.waits).toEqual([]);
  });

  test("is over when the key is taken for another reason", async () => {
    const { clock, queue } = newQueue();
    queue.addAfter("a", 1000);
    queue.add("a");
    queue.done((await queue.take()) ?? "");
    await clock.advance(5000);
    expect(await ready(queue)).toEqual([]);
  });

  test("counts again when it is asked for during the pass", async () => {
    const { clock, queue } = newQueue();
    queue.add("a");
    await queue.take();
    queue.addAfter("a", 1000);
    await clock.advance(1000);
    expect(await ready(queue)).toEqual([]);
    queue.done("a");
    expect(await ready(queue)).toEqual(["a"]);
  });

  test("sets one timer, however many wait", () => {
    const { clock, queue } = newQueue();
    for (let n = 1000; n > 0; n--) queue.addAfter(`key-${n}`, n * 10);
    expect(clock.waits).toEqual([10]);
  });
});

describe("WorkQueue.retry", () => {
  test.each([
    [1, [100, 200, 400, 800, 1000, 1000]],
    [0, [50, 100, 200, 400, 500, 500]],
  ])("doubles from key to bound, by chance down to the half: %d", (chance, waits) => {
    const { queue } = newQueue(chance);
    expect(waits.map(() => queue.retry("a"))).toEqual(waits);
  });

  test("tries an emergency again within five seconds, however often it was tried", () => {
    const queue = new WorkQueue({ clock: new FakeClock(), chance: () => 1, backoff: { baseMs: 4000, maxMs: 300_000 } });
    const after = (urgency: "emergency" | "ordinary") => [1, 2, 3].map(() => queue.retry(urgency, { urgency }));
    expect(after("emergency")).toEqual([4000, 5000, 5000]);
    expect(after("ordinary")).toEqual([4000, 8000, 16_000]);
  });

  test("counts for each key, until it is forgotten", () => {
    const { queue } = newQueue();
    queue.retry("a");
    queue.retry("a");
    expect(queue.retry("b")).toBe(100);
    expect([queue.retriesOf("a"), queue.retriesOf("b")]).toEqual([2, 1]);
    queue.forgetRetries("a");
    expect(queue.retry("a")).toBe(100);
  });
});

test("QueueObserver hears of everything, with its times", async () => {
  const { clock, log, queue } = newQueue();
  queue.add("a");
  queue.add("a");
  await clock.advance(30);
  await queue.take();
  expect(queue.workingMs).toEqual([0]);
  await clock.advance(20);
  expect(queue.workingMs).toEqual([20]);
  queue.retry("a");
  queue.done("a");
  queue.done("a");
  expect(log).toEqual(["added", "taken after 30", "retried", "finished after 20"]);
});
