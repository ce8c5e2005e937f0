import { once } from "node:events";
import { describe, expect, onTestFinished, test } from "vitest";
import { LeaderElector, type ElectionOptions } from "../../src/runtime/election.ts";
import { fenced } from "../../src/runtime/fence.ts";
import { leases } from "../../src/runtime/lease.ts";
import type { Leadership } from "../../src/runtime/term.ts";
import { KubeClient } from "../../src/kube/client.ts";
import { configMaps } from "../../src/kube/resource.ts";
import { clientTo, removed } from "../kube/support/clients.ts";
import { type FakeApi, fakeApi } from "../kube/support/fake-api.ts";
import { FakeClock, turn } from "../support/fake-clock.ts";
import type { ScriptServer } from "../kube/support/script-server.ts";
import { isObject } from "../../src/parse/object.ts";

const lease = { namespace: "team", name: "keyturn" };

interface World {
  readonly api: FakeApi;
  readonly script: ScriptServer;
}

/** One process that wants to lead, on a clock of its own. */
function candidate({ script }: World, identity: string, more: Partial<ElectionOptions> = {}) {
  const clock = new FakeClock();
  const client = clientTo(script.server, { clock });
  const problems: unknown[] = [];
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  const elector = new LeaderElector({
    client,
    lease,
    identity,
    clock,
    chance: () => 0,
    onProblem: (problem) => {
      problems.push(problem);
      tell();
    },
    onHolder: tell,
    ...more,
  });
  const terms: Leadership[] = [];
  const stop = new AbortController();
  const run = elector.run(stop.signal, async (leadership) => {
    terms.push(leadership);
    tell();
    const either = AbortSignal.any([stop.signal, leadership.signal]);
    await once(either, "abort");
  });
  onTestFinished(() => stop.abort());
  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        listeners.delete(look);
        resolve();
      };
      listeners.add(look);
      look();
    });
  return {
    clock,
    client,
    elector,
    problems,
    terms,
    run,
    leads: (n = 1): Promise<void> => until(() => terms.length >= n),
    sees: (holder: string): Promise<void> => until(() => elector.holder === holder),
    failed: (n: number): Promise<void> => until(() => problems.length >= n),
    /** Lets the pause before the next try pass, and waits until that try has ended in the next pause. */
    tries: async (): Promise<void> => {
      await clock.armed(1900, 2000);
      await clock.advance(2000);
      await clock.armed(1900, 2000);
    },
    stop: async (): Promise<void> => {
      stop.abort();
      await run;
    },
  };
}

async function spec(client: KubeClient): Promise<Record<string, unknown>> {
  const { spec: found } = await client.get(leases, lease);
  return isObject(found) ? { ...found } : {};
}

/** Nothing is answered any more. */
const unplug = (api: FakeApi): void => void (api.fault = () => true);
const plug = (api: FakeApi): void => void (api.fault = () => false);

describe("LeaderElector", () => {
  test("makes the lease, renews it, and gives it back at the end", async () => {
    const world = await fakeApi();
    const a = candidate(world, "a");
    await a.leads();
    const first = await spec(a.client);
    expect(first).toMatchObject({ holderIdentity: "a", leaseDurationSeconds: 15, leaseTransitions: 0 });
    expect(first["renewTime"]).toMatch(/^2026-11-21T10:00:00\.\d{6}Z$/);
    await a.tries();
    const second = await spec(a.client);
    expect(second).toMatchObject({ acquireTime: first["acquireTime"], leaseTransitions: 0 });
    expect(second["renewTime"]).not.toBe(first["renewTime"]);
    expect(a.elector.isLeader).toBe(true);
    await a.stop();
    expect(await spec(a.client)).toMatchObject({ holderIdentity: "", leaseDurationSeconds: 1 });
    expect([a.elector.isLeader, a.problems, a.clock.waits]).toEqual([false, [], []]);
  });

  test("takes a lease that was given back at its next try", async () => {
    const world = await fakeApi();
    const a = candidate(world, "a");
    await a.leads();
    const b = candidate(world, "b");
    await b.sees("a");
    await a.stop();
    await b.clock.armed(2000);
    await b.clock.advance(2000);
    await b.leads();
    expect(await spec(b.client)).toMatchObject({ holderIdentity: "b", leaseTransitions: 1, leaseDurationSeconds: 15 });
  });

  test("waits for the whole duration after the last renewal that it saw, by its own clock", async () => {
    const world = await fakeApi();
    const a = candidate(world, "a");
    await a.leads();
    const b = candidate(world, "b");
    await b.sees("a");
    // a is frozen from now on; its clock may say what it wants
    for (let tries = 0; tries < 7; tries++) await b.tries();
    expect(b.terms).toEqual([]);
    await b.clock.armed(2000);
    await b.clock.advance(2000);
    await b.leads();
    expect(await spec(b.client)).toMatchObject({ holderIdentity: "b", leaseTransitions: 1 });
  });

  test("counts anew when the holder renews", async () => {
    const world = await fakeApi();
    const [a, b] = [candidate(world, "a"), candidate(world, "b")];
    await Promise.race([a.leads(), b.leads()]);
    const [leader, other] = a.terms.length > 0 ? [a, b] : [b, a];
    for (let tries = 0; tries < 20; tries++) {
      await leader.tries();
      await other.tries();
    }
    expect([leader.terms.length, other.terms.length, leader.elector.isLeader]).toEqual([1, 0, true]);
  });

  test("stops acting at the deadline when nobody answers, five seconds before another may follow", async () => {
    const world = await fakeApi();
    const a = candidate(world, "a");
    await a.leads();
    unplug(world.api);
    await a.clock.advance(9999);
    expect(a.elector.isLeader).toBe(true);
    expect(a.terms[0]?.signal.aborted).toBe(false);
    await a.clock.advance(1);
    expect(a.terms[0]?.signal.aborted).toBe(true);
    expect(a.elector.isLeader).toBe(false);
  });

  test("leads again when the server answers again", async () => {
    const world = await fakeApi();
    const a = candidate(world, "a");
    await a.leads();
    unplug(world.api);
    await a.clock.advance(10_000);
    plug(world.api);
    for (let n = 0; a.terms.length < 2 && n < 10; n++) {
      await a.clock.armed(1900, 2000);
      await a.clock.advance(2000);
      await Promise.race([a.leads(2), a.clock.armed(1900, 2000)]);
    }
    expect(a.terms).toHaveLength(2);
    expect(a.terms[1]?.isHeld()).toBe(true);
  });

  test("knows by the clocks that it was frozen, before any timer rings", async () => {
    const world = await fakeApi();
    const a = candidate(world, "a");
    await a.leads();
    a.clock.freeze(9999);
    expect(a.elector.isLeader).toBe(true);
    a.clock.freeze(1);
    expect(a.terms[0]?.isHeld()).toBe(false);
    expect(a.terms[0]?.signal.aborted).toBe(true);
  });

  test("knows by the wall clock that the machine slept", async () => {
    const world = await fakeApi();
    const a = candidate(world, "a");
    await a.leads();
    a.clock.setWall(a.clock.nowMs() + 10_000);
    expect(a.terms[0]?.isHeld()).toBe(false);
  });

  test.each([
    [4999, true],
    [5000, false],
  ])("resigns when the event loop stood still for 5 s: after %i ms it leads: %s", async (ms, expected) => {
    const world = await fakeApi();
    const a = candidate(world, "a", { retryPeriodMs: 8000 });
    await a.leads();
    a.clock.freeze(500 + ms);
    await a.clock.advance(0);
    expect(a.elector.isLeader).toBe(expected);
  });

  test("ends its term when the lease is another's all the same", async () => {
    const world = await fakeApi();
    const a = candidate(world, "a");
    await a.leads();
    await a.client.merge(leases, { ref: lease, body: { spec: { holderIdentity: "thief" } } });
    await a.clock.armed(2000);
    await a.clock.advance(2000);
    await a.sees("a");
    await a.clock.armed(1900, 2000);
    await a.clock.advance(2000);
    await a.failed(1);
    expect(String(a.problems[0])).toContain('the lease is held by "thief"');
    expect(await spec(a.client)).toMatchObject({ holderIdentity: "thief" });
  });

  test("keeps what others wrote into the lease", async () => {
    const world = await fakeApi();
    const a = candidate(world, "a");
    await a.leads();
    await a.client.merge(leases, { ref: lease, body: { metadata: { labels: { l: "1" } }, spec: { strategy: "x" } } });
    for (let tries = 0; tries < 2; tries++) await a.tries();
    const kept = await a.client.get(leases, lease);
    expect([kept.metadata.labels, kept["spec"]]).toMatchObject([{ l: "1" }, { strategy: "x", holderIdentity: "a" }]);
  });

  test("holds the lease until its work has ended", async () => {
    const world = await fakeApi();
    const { script } = world;
    const clock = new FakeClock();
    const client = clientTo(script.server, { clock });
    const elector = new LeaderElector({ client, lease, identity: "a", clock, chance: () => 0 });
    const [stop, started, work] = [new AbortController(), Promise.withResolvers<null>(), Promise.withResolvers<null>()];
    const run = elector.run(stop.signal, async () => {
      started.resolve(null);
      await work.promise;
    });
    await started.promise;
    stop.abort();
    await turn();
    await clock.armed(2000);
    await clock.advance(2000);
    await clock.armed(2000);
    expect(await spec(client)).toMatchObject({ holderIdentity: "a" });
    work.resolve(null);
    await run;
    expect(await spec(client)).toMatchObject({ holderIdentity: "" });
  });

  test("fails with its work, after it has given the lease back", async () => {
    const world = await fakeApi();
    const clock = new FakeClock();
    const client = clientTo(world.script.server, { clock });
    const elector = new LeaderElector({ client, lease, identity: "a", clock, chance: () => 0 });
    const run = elector.run(new AbortController().signal, () => Promise.reject(new Error("work")));
    await expect(run).rejects.toThrow("work");
    expect(await spec(client)).toMatchObject({ holderIdentity: "" });
  });

  test.each([
    { leaseDurationMs: 10_000, renewDeadlineMs: 10_000 },
    { renewDeadlineMs: 2400, retryPeriodMs: 2000 },
  ])("refuses times that don't fit: %o", async (times) => {
    const world = await fakeApi();
    expect(() => candidate(world, "a", times)).toThrow(TypeError);
  });
});

test("fenced sends reads, and no write from when the leadership is lost", async () => {
  const world = await fakeApi();
  const { clock, client, leads, terms } = candidate(world, "a");
  await leads();
  const guarded = new KubeClient(fenced(client.transport, terms[0] ?? expect.fail()));
  const object = await guarded.create(configMaps, { metadata: { namespace: "team", name: "x" } });
  clock.freeze(10_000);
  await expect(guarded.update(configMaps, { ...object, data: {} })).rejects.toMatchObject({ code: "Stopped" });
  await expect(removed(guarded, configMaps, { namespace: "team", name: "x" })).rejects.toMatchObject({
    code: "Stopped",
  });
  expect(await guarded.get(configMaps, { namespace: "team", name: "x" })).toEqual(object);
});

test("fenced sends no write again after a wait in which the leadership was lost", async () => {
  const world = await fakeApi();
  const { clock, client, leads, terms } = candidate(world, "a", { retryPeriodMs: 8000 });
  await leads();
  const guarded = new KubeClient(fenced(client.transport, terms[0] ?? expect.fail()));
  let posts = 0;
  world.api.fault = (call, response) => {
    if (call.method !== "POST") return false;
    posts += 1;
    response.writeHead(429, { "retry-after": "20" }).end();
    return true;
  };
  const create = guarded.create(configMaps, { metadata: { namespace: "team", name: "x" } });
  const refused = expect(create).rejects.toMatchObject({ code: "Stopped" });
  await clock.armed(20_000, 21_000);
  clock.freeze(21_000);
  await clock.advance(0);
  await refused;
  expect(posts).toBe(1);
});
