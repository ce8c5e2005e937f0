import { expect, onTestFinished, test } from "vitest";
import { ReconcileLoop, type ReconcileLoopOptions, type ReconcileOutcome } from "../../src/runtime/reconcile-loop.ts";
import { FakeClock, turn } from "../support/fake-clock.ts";

/** A controller whose passes the test ends one by one. */
function start(more: Partial<ReconcileLoopOptions> = {}) {
  const clock = new FakeClock();
  const passes: { key: string; signal: AbortSignal; end: PromiseWithResolvers<ReconcileOutcome> }[] = [];
  const failures: object[] = [];
  const results: string[] = [];
  const controller = new ReconcileLoop({
    name: "test",
    reconcile: (key, signal) => {
      const end = Promise.withResolvers<ReconcileOutcome>();
      passes.push({ key, signal, end });
      return end.promise;
    },
    clock,
    chance: () => 1,
    workers: 2,
    backoff: { baseMs: 100, maxMs: 1000 },
    onError: (failure) => failures.push(failure),
    observer: { ended: (result, tookMs) => results.push(`${result} ${tookMs}`) },
    ...more,
  });
  const [stop, abandon] = [new AbortController(), new AbortController()];
  const run = controller.run({ stop: stop.signal, abandon: abandon.signal });
  onTestFinished(() => abandon.abort());
  const end = async (index: number, outcome: ReconcileOutcome = {}): Promise<void> => {
    passes[index]?.end.resolve(outcome);
    await turn();
  };
  const fail = async (index: number, error: unknown = new Error("no")): Promise<void> => {
    passes[index]?.end.reject(error);
    await turn();
  };
  return { clock, controller, passes, failures, results, stop, abandon, run, end, fail };
}

test("Controller works on as many keys at once as it has workers", async () => {
  const { controller, passes, end } = start();
  for (const key of ["a", "b", "c"]) controller.enqueue(key);
  await turn();
  expect(passes.map(({ key }) => key)).toEqual(["a", "b"]);
  await end(1);
  expect(passes.map(({ key }) => key)).toEqual(["a", "b", "c"]);
});

test("Controller comes back after the time that a pass asked for", async () => {
  const { clock, controller, passes, end, results } = start();
  controller.enqueue("a");
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
  "Controller contains %s, and tries again later and later",
  async (_, isSync) => {
    let passes = 0;
    const error = new TypeError("mistake");
    const { clock, controller, failures } = start({
      reconcile: (key) => {
        passes += 1;
        if (key === "fine") return Promise.resolve({});
        if (isSync) throw error;
        return Promise.reject(error);
      },
    });
    controller.enqueue("a");
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
    controller.enqueue("fine");
    await turn();
    expect(passes).toBe(4);
  },
);

test("Controller begins its back-off anew after a pass that worked", async () => {
  const { clock, controller, failures, end, fail } = start();
  controller.enqueue("a");
  await turn();
  await fail(0);
  await clock.advance(100);
  await end(1);
  controller.enqueue("a");
  await turn();
  await fail(2);
  expect(failures).toMatchObject([{ failures: 1 }, { failures: 1 }]);
});

test("Controller.run lets passes end after stop, and begins none", async () => {
  const { controller, passes, stop, run, end } = start({ workers: 1 });
  controller.enqueue("a");
  controller.enqueue("b");
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

test("Controller.run aborts the passes that it abandons", async () => {
  const { clock, controller, passes, abandon, run, fail } = start();
  controller.enqueue("a");
  await turn();
  abandon.abort();
  expect(passes[0]?.signal.aborted).toBe(true);
  await fail(0);
  await run;
  expect(clock.waits).toEqual([]);
});

test("Controller.run ends at once when it was stopped before", async () => {
  const controller = new ReconcileLoop({
    name: "test",
    reconcile: () => Promise.resolve({}),
    clock: new FakeClock(),
    chance: () => 0,
  });
  controller.enqueue("a");
  await controller.run({ stop: AbortSignal.abort(), abandon: new AbortController().signal });
  expect(controller.queue.depth).toBe(0);
});

test("Controller aborts a pass that takes too long, and no other", async () => {
  const { clock, controller, passes, fail, failures } = start({ timeoutMs: 60_000 });
  controller.enqueue("a");
  await turn();
  await clock.advance(30_000);
  controller.enqueue("b");
  await turn();
  await clock.advance(29_999);
  expect(passes[0]?.signal.aborted).toBe(false);
  await clock.advance(1);
  expect(passes.map(({ signal }) => signal.aborted)).toEqual([true, false]);
  await fail(0);
  expect(failures).toHaveLength(1);
});
