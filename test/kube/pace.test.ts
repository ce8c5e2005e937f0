import { expect, test } from "vitest";
import { Pace, paced } from "../../src/kube/pace.ts";
import type { ClientTransport } from "../../src/kube/transport.ts";
import { FakeClock, turn } from "../support/fake-clock.ts";

function setUp({ perSecond = 10, burst = 2 } = {}) {
  const clock = new FakeClock();
  const pace = new Pace({ perSecond, burst, clock });
  const gone: string[] = [];
  const go = (name: string, isUrgent = false, signal?: AbortSignal): void =>
    void pace.turn(isUrgent, signal).then(() => gone.push(name));
  return { clock, pace, gone, go };
}

test("Pace lets a burst through at once, and then one after the other", async () => {
  const { clock, gone, go } = setUp();
  for (const name of ["a", "b", "c", "d"]) go(name);
  await turn();
  expect(gone).toEqual(["a", "b"]);
  await clock.advance(99);
  expect(gone).toEqual(["a", "b"]);
  await clock.advance(1);
  expect(gone).toEqual(["a", "b", "c"]);
  await clock.advance(100);
  expect(gone).toEqual(["a", "b", "c", "d"]);
});

test("Pace saves no more than a burst, however long nobody asks", async () => {
  const { clock, gone, go } = setUp();
  await clock.advance(60_000);
  for (const name of ["a", "b", "c"]) go(name);
  await turn();
  expect(gone).toEqual(["a", "b"]);
});

test("Pace lets the urgent go before all who wait", async () => {
  const { clock, gone, go } = setUp({ burst: 1 });
  for (const name of ["a", "b", "c"]) go(name);
  go("!", true);
  await clock.advance(100);
  expect(gone).toEqual(["a", "!"]);
  await clock.advance(200);
  expect(gone).toEqual(["a", "!", "b", "c"]);
});

test("Pace lets whoever is stopped go, and keeps no place for him", async () => {
  const { clock, gone, go } = setUp({ burst: 1 });
  const stop = new AbortController();
  go("a");
  go("b", false, stop.signal);
  go("c");
  stop.abort();
  go("d", false, stop.signal);
  await turn();
  expect(gone.toSorted()).toEqual(["a", "b", "d"]);
  await clock.advance(100);
  expect(gone).toContain("c");
});

test("paced holds back requests and watches until it is their turn", async () => {
  const { clock, pace } = setUp({ burst: 1 });
  const sent: string[] = [];
  const caller = {
    ...{ clock, chance: () => 0.5, serverNowMs: () => 7, serverDoubtMs: () => 1 },
    call: ({ what }: { what: string }) => Promise.resolve({ status: sent.push(what), body: {} }),
    open: ({ what }: { what: string }) => Promise.reject(new Error(String(sent.push(what)))),
  } as unknown as ClientTransport;
  const [slow, urgent] = [paced(caller, pace), paced(caller, pace, { isUrgent: true })];
  const request = (what: string) => ({ method: "GET", path: "/", what }) as const;
  const all = [slow.call(request("a")), slow.open(request("b")), urgent.call(request("c"))];
  void Promise.allSettled(all);
  await turn();
  expect(sent).toEqual(["a"]);
  await clock.advance(200);
  await turn();
  expect(sent).toEqual(["a", "c", "b"]);
  expect([slow.serverNowMs(), slow.serverDoubtMs(), slow.clock]).toEqual([7, 1, clock]);
});
