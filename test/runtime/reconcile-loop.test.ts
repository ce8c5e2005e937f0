import { expect, onTestFinished, test } from "vitest";
import {
  type Reconcile,
  ReconcileLoop,
  type ReconcileLoopOptions,
  type ReconcileOutcome,
  type Work,
} from "../../src/runtime/reconcile-loop.ts";
import { FakeClock, turn } from "../support/fake-clock.ts";

/** A loop whose passes the test ends one by one. */
function start({ reconcile, urgencyOf, ...more }: Partial<ReconcileLoopOptions & Work> = {}) {
  const clock = new FakeClock();
  const passes: { key: string; signal: AbortSignal; end: PromiseWithResolvers<ReconcileOutcome> }[] = [];
  const failures: object[] = [];
  const results: string[] = [];
  const loop = new ReconcileLoop({
    name: "test",
    clock,
    chance: () => 1,
    workers: 2,
    backoff: { baseMs: 100, maxMs: 1000 },
    onError: (failure) => failures.push(failure),
    observer: { ended: (result, tookMs) => results.push(`${result} ${tookMs}`) },
    ...more,
  });
  const [stop, abandon] = [new AbortController(), new AbortController()];
  const waiting: Reconcile = (key, signal) => {
    const end = Promise.withResolvers<ReconcileOutcome>();
    passes.push({ key, signal, end });
    return end.promise;
  };
  const work = { reconcile: reconcile ?? waiting, ...(urgencyOf && { urgencyOf }) };
  const run = loop.run(work, { stop: stop.signal, abandon: abandon.signal });
  onTestFinished(() => abandon.abort());
  const end = async (index: number, outcome: ReconcileOutcome = {}): Promise<void> => {
    passes[index]?.end.resolve(outcome);
    await turn();
  };
  const fail = async (index: number, error: unknown = new Error("no")): Promise<void> => {
    passes[index]?.end.reject(error);
    await turn();
  };
  return { clock, loop, passes, failures, results, stop, abandon, run, end, fail };
}

test("ReconcileLoop works on as many keys at once as it has workers", async () => {
  const { loop, passes, end } = start();
  for (const key of ["a", "b", "c"]) loop.enqueue(key);
  await turn();
  expect(passes.map(({ key }) => key)).toEqual(["a", "b"]);
  await end(1);
  expect(passes.map(({ key }) => key)).toEqual(["a", "b", "c"]);
});

test("ReconcileLoop works on an emergency although every worker is at something else, and on one such alone", async () => {
  const { loop, passes, end } = start({ urgencyOf: (key) => (key.startsWith("!") ? "emergency" : "ordinary") });
  for (const key of ["a", "b", "c", "!d", "!e"]) loop.enqueue(key);
  await turn();
  expect(passes.map(({ key }) => key)).toEqual(["a", "b", "!d"]);
  await end(2);
  expect(passes.map(({ key }) => key)).toEqual(["a", "b", "!d", "!e"]);
});

test("ReconcileLoop comes back after the time that a pass asked for", async () => {
  const { clock, loop, passes, end, results } = start();
  loop.enqueue("a");
  await turn();
  await end(0, { requeueAfterMs: 5000 });
  await clock.advance(4999);
  expect(passes).toHaveLength(1);
  await clock.advance(1);
  expect(passes).toHaveLength(2);
  await end(1);
  expect([clock.waits, results]).toEqual([[], ["requeue_after 0", "success 0"]]);
});

test.each([["a rejection", false] as const, ["an exception", true] as const])(
  "ReconcileLoop contains %s, and tries again later and later",
  async (_, isSync) => {
    let passes = 0;
    const error = new TypeError("mistake");
    const { clock, loop, failures } = start({
      reconcile: (key) => {
        passes += 1;
        if (key === "fine") return Promise.resolve({});
        if (isSync) throw error;
        return Promise.reject(error);
      },
    });
    loop.enqueue("a");
    await turn();
    await clock.advance(100);
    await clock.advance(199);
    expect(passes).toBe(2);
    await clock.advance(1);
    expect(passes).toBe(3);
    expect(failures).toMatchObject([
      { key: "a", error, failures: 1, retryAfterMs: 100 },
      { failures: 2, retryAfterMs: 200 },
      { failures: 3, retryAfterMs: 400 },
    ]);
    loop.enqueue("fine");
    await turn();
    expect(passes).toBe(4);
  },
);

test("ReconcileLoop begins its back-off anew after a pass that worked", async () => {
  const { clock, loop, failures, end, fail } = start();
  loop.enqueue("a");
  await turn();
  await fail(0);
  await clock.advance(100);
  await end(1);
  loop.enqueue("a");
  await turn();
  await fail(2);
  expect(failures).toMatchObject([{ failures: 1 }, { failures: 1 }]);
});

test("ReconcileLoop.run lets passes end after stop, and begins none", async () => {
  const { loop, passes, stop, run, end } = start({ workers: 1 });
  loop.enqueue("a");
  loop.enqueue("b");
  await turn();
  stop.abort();
  expect(passes[0]?.signal.aborted).toBe(false);
  let isOver = false;
  void run.then(() => (isOver = true));
  await turn();
  expect(isOver).toBe(false);
  await end(0, { requeueAfterMs: 1 });
  await run;
  expect(passes.map(({ key }) => key)).toEqual(["a"]);
});

test("ReconcileLoop.run aborts the passes that it abandons", async () => {
  const { clock, loop, passes, abandon, run, fail } = start();
  loop.enqueue("a");
  await turn();
  abandon.abort();
  expect(passes[0]?.signal.aborted).toBe(true);
  await fail(0);
  await run;
  expect(clock.waits).toEqual([]);
});

test("ReconcileLoop.run ends at once when it was stopped before", async () => {
  const loop = new ReconcileLoop({
    name: "test",
    clock: new FakeClock(),
    chance: () => 0,
  });
  const passes: string[] = [];
  const reconcile = (key: string) => Promise.resolve(passes.push(key)).then(() => ({}));
  await loop.run({ keys: ["a"], reconcile }, { stop: AbortSignal.abort(), abandon: new AbortController().signal });
  expect([passes, loop.depth]).toEqual([[], 0]);
});

test("ReconcileLoop aborts a pass that takes too long, and no other", async () => {
  const { clock, loop, passes, fail, failures } = start({ timeoutMs: 60_000 });
  loop.enqueue("a");
  await turn();
  await clock.advance(30_000);
  loop.enqueue("b");
  await turn();
  await clock.advance(29_999);
  expect(passes[0]?.signal.aborted).toBe(false);
  await clock.advance(1);
  expect(passes.map(({ signal }) => signal.aborted)).toEqual([true, false]);
  await fail(0);
  expect(failures).toHaveLength(1);
});

test("ReconcileLoop comes back after the back-off that a pass asked for, and calls it no failure", async () => {
  const { clock, loop, passes, end, failures, results } = start();
  loop.enqueue("a");
  await turn();
  for (const [index, waitMs] of [10, 20, 40].entries()) {
    await end(index, { backoff: { baseMs: 10, maxMs: 1000 } });
    await clock.advance(waitMs - 1);
    expect(passes).toHaveLength(index + 1);
    await clock.advance(1);
    expect(passes).toHaveLength(index + 2);
  }
  await end(3);
  expect([failures, results.map((result) => result.split(" ")[0])]).toEqual([
    [],
    ["requeue_after", "requeue_after", "requeue_after", "success"],
  ]);
});

test("ReconcileLoop forgets what it is told while it does not run, and takes nothing along into the next run", async () => {
  const { clock, loop, passes, stop, run, end, fail } = start();
  loop.enqueue("a");
  await turn();
  await fail(0);
  stop.abort();
  await run;
  loop.enqueue("b");
  loop.enqueueAfter("c", 10);
  expect([loop.depth, loop.workingMs, clock.waits]).toEqual([0, [], []]);
  const seen: string[] = [];
  const again = new AbortController();
  const reconcile: Reconcile = (key) => Promise.resolve(seen.push(key)).then(() => ({}));
  const second = loop.run({ keys: ["d"], reconcile }, { stop: again.signal, abandon: again.signal });
  await clock.advance(1000);
  loop.enqueueAfter("e", 10);
  await clock.advance(10);
  again.abort();
  await second;
  expect([seen, passes.map(({ key }) => key)]).toEqual([["d", "e"], ["a"]]);
  await end(0);
});

test("ReconcileLoop serves by the urgency that the work gives a key", async () => {
  const clock = new FakeClock();
  const loop = new ReconcileLoop({ name: "test", clock, chance: () => 1, workers: 1 });
  const seen: string[] = [];
  const stop = new AbortController();
  const run = loop.run(
    {
      keys: ["a", "b", "c"],
      urgencyOf: (key) => (key === "c" ? "emergency" : "ordinary"),
      reconcile: (key) => {
        if (seen.push(key) === 3) stop.abort();
        return Promise.resolve({});
      },
    },
    { stop: stop.signal, abandon: stop.signal },
  );
  await run;
  expect(seen).toEqual(["c", "a", "b"]);
});
