import { expect, test } from "vitest";
import { RightOfWay, yielding } from "../../src/kube/right-of-way.ts";
import type { ClientTransport } from "../../src/kube/transport.ts";
import { FakeClock, turn } from "../support/fake-clock.ts";

function setUp() {
  const clock = new FakeClock();
  const rightOfWay = new RightOfWay(clock);
  const sent: string[] = [];
  const caller = {
    ...{ clock, chance: () => 0.5, serverNowMs: () => 7, serverDoubtMs: () => 1 },
    call: ({ what }: { what: string }) => Promise.resolve({ status: sent.push(what), body: {} }),
    open: ({ what }: { what: string }) => Promise.reject(new Error(String(sent.push(what)))),
  } as unknown as ClientTransport;
  const slow = yielding(caller, rightOfWay);
  const request = (what: string, signal?: AbortSignal) =>
    ({ method: "GET", path: "/", what, ...(signal && { signal }) }) as const;
  const urgent = Promise.withResolvers<string>();
  return { clock, rightOfWay, sent, slow, request, urgent };
}

test("yielding sends at once while nobody urgent is at work", async () => {
  const { slow, sent, request } = setUp();
  await slow.call(request("a"));
  expect(sent).toEqual(["a"]);
});

test("yielding sends nothing while somebody urgent is at work, and then all that waited", async () => {
  const { rightOfWay, slow, sent, request, urgent } = setUp();
  const work = rightOfWay.during(() => urgent.promise);
  const waiting = [slow.call(request("a")), slow.call(request("b"))];
  await turn();
  expect(sent).toEqual([]);
  urgent.resolve("done");
  expect(await work).toBe("done");
  await Promise.all(waiting);
  expect(sent).toEqual(["a", "b"]);
});

test("yielding waits for the last of several", async () => {
  const { rightOfWay, slow, sent, request, urgent } = setUp();
  const works = [rightOfWay.during(() => urgent.promise), rightOfWay.during(() => Promise.resolve("first"))];
  const waiting = slow.call(request("a"));
  await works[1];
  await turn();
  expect(sent).toEqual([]);
  urgent.resolve("second");
  await waiting;
  expect(sent).toEqual(["a"]);
});

test("yielding goes on when urgent work has failed", async () => {
  const { rightOfWay, slow, sent, request, urgent } = setUp();
  const work = rightOfWay.during(() => urgent.promise);
  const waiting = slow.call(request("a"));
  urgent.reject(new Error("no answer"));
  await expect(work).rejects.toThrow("no answer");
  await waiting;
  expect(sent).toEqual(["a"]);
});

test("yielding waits for a quarter of a second at the most", async () => {
  const { clock, rightOfWay, slow, sent, request, urgent } = setUp();
  void rightOfWay.during(() => urgent.promise);
  const waiting = slow.call(request("a"));
  await clock.advance(249);
  expect(sent).toEqual([]);
  await clock.advance(1);
  await waiting;
  expect(sent).toEqual(["a"]);
});

test("yielding passes on at once what its caller has stopped, and watches", async () => {
  const { rightOfWay, slow, sent, request, urgent } = setUp();
  void rightOfWay.during(() => urgent.promise);
  const stop = new AbortController();
  const stopped = slow.call(request("a", stop.signal));
  stop.abort();
  await stopped;
  await expect(slow.open(request("b"))).rejects.toThrow("2");
  expect(sent).toEqual(["a", "b"]);
});
