import { expect, onTestFinished, test } from "vitest";
import { Reflector } from "../../src/kube/reflector.ts";
import { configMaps } from "../../src/kube/resource.ts";
import { ReconcileLoop, type ReconcileOutcome } from "../../src/runtime/reconcile-loop.ts";
import { LeaderElector } from "../../src/runtime/election.ts";
import { leases } from "../../src/runtime/lease.ts";
import { runManager } from "../../src/runtime/manager.ts";
import { clientTo } from "../kube/support/clients.ts";
import { type FakeApi, fakeApi } from "../kube/support/fake-api.ts";
import { FakeClock, turn } from "../support/fake-clock.ts";

const lease = { namespace: "team", name: "keyturn" };

/** One process: a watch, a loop whose passes the test ends, and an election. */
async function start(fault: FakeApi["fault"] = () => false) {
  const { api, script } = await fakeApi();
  const clock = new FakeClock();
  const client = clientTo(script.server, { clock });
  const passes: { signal: AbortSignal; end: PromiseWithResolvers<ReconcileOutcome> }[] = [];
  const began = Promise.withResolvers<null>();
  const reflector = new Reflector({ client, resource: configMaps, selection: { namespace: "team" } });
  const elector = new LeaderElector({ client, lease, identity: "a", clock, chance: () => 0 });
  const closed: string[] = [];
  let terms = 0;
  const loop = new ReconcileLoop({ name: "test", clock, chance: () => 0 });
  const reconcile = (_: string, signal: AbortSignal): Promise<ReconcileOutcome> => {
    const end = Promise.withResolvers<ReconcileOutcome>();
    signal.addEventListener("abort", () => end.reject(new Error("aborted")));
    passes.push({ signal, end });
    began.resolve(null);
    return end.promise;
  };
  await client.create(configMaps, { metadata: { namespace: "team", name: "x" } });
  api.fault = fault;
  const stop = new AbortController();
  const run = runManager(
    {
      clock,
      reflectors: [reflector],
      elector,
      graceMs: 5000,
      server: { port: 0, close: async () => void closed.push("server") },
      lead: (_, signals) => {
        terms += 1;
        if (reflector.store.size === 0) began.resolve(null);
        const keys = reflector.store.list().map(({ metadata }) => metadata.name);
        return loop.run({ keys, reconcile }, signals);
      },
    },
    stop.signal,
  );
  onTestFinished(() => stop.abort());
  const holder = async (): Promise<unknown> => (await client.get(leases, lease))["spec"];
  return { api, clock, passes, began: began.promise, run, stop, closed, holder, terms: () => terms };
}

const isWatched = (url: URL): boolean => url.pathname.includes("configmaps");

test("runManager begins at once without a watch that is refused", async () => {
  const { run, stop, began, clock } = await start(({ url }, response) => {
    if (isWatched(url)) response.writeHead(403).end("{}");
    return isWatched(url);
  });
  const before = clock.nowMs();
  await began;
  expect(clock.nowMs()).toBe(before);
  stop.abort();
  await run;
});

test("runManager begins after four seconds without a watch that is not answered", async () => {
  const { run, stop, clock, terms } = await start(({ url }) => isWatched(url));
  await clock.armed(4000);
  await clock.advance(3999);
  expect(terms()).toBe(0);
  await clock.advance(1);
  expect(terms()).toBe(1);
  stop.abort();
  await run;
});

test("runManager begins when the watches have synced, and ends in order", async () => {
  const { api, clock, passes, began, run, stop, closed, holder } = await start();
  await began;
  expect(api.watches).toBe(1);
  stop.abort();
  await turn();
  expect([passes[0]?.signal.aborted, closed]).toEqual([false, []]);
  expect(await holder()).toMatchObject({ holderIdentity: "a" });
  passes[0]?.end.resolve({});
  await run;
  expect(await holder()).toMatchObject({ holderIdentity: "" });
  expect([closed, clock.waits]).toEqual([["server"], []]);
});

test("runManager ends passes that go on after their time", async () => {
  const { clock, passes, began, run, stop, holder } = await start();
  await began;
  stop.abort();
  await clock.armed(5000);
  await clock.advance(4999);
  expect(passes[0]?.signal.aborted).toBe(false);
  await clock.advance(1);
  expect(passes[0]?.signal.aborted).toBe(true);
  await run;
  expect(await holder()).toMatchObject({ holderIdentity: "" });
});

test("runManager ends passes at once when the leadership is lost, and leads again", async () => {
  const { api, clock, passes, began, terms, run, stop } = await start();
  await began;
  api.fault = ({ url }) => url.pathname.includes("leases");
  await clock.advance(10_000);
  expect(passes[0]?.signal.aborted).toBe(true);
  api.fault = () => false;
  for (let n = 0; terms() < 2 && n < 50; n++) {
    await clock.advance(500);
    for (let turns = 0; turns < 20; turns++) await turn();
  }
  expect(terms()).toBe(2);
  stop.abort();
  passes[1]?.end.resolve({});
  await run;
});
