import { describe, expect, test } from "vitest";
import { ApiError } from "../../src/kube/kube-errors.ts";
import { Reflector } from "../../src/kube/reflector.ts";
import { configMaps } from "../../src/kube/resource.ts";
import { clientTo } from "./support/clients.ts";
import { turn } from "../support/fake-clock.ts";
import { bookmark, endMs, gone, list, object, reflect, stream } from "./support/reflecting.ts";
import { cut, json, type Reply, scriptServer, stall, status } from "./support/script-server.ts";

describe("Reflector", () => {
  test("lists, and then watches from there with bookmarks, its selectors and a time of its own", async () => {
    const { reflector, script, seen } = await reflect([list("7", object("x", "5")), stall]);
    const { url } = await script.called(2);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: "7",
      timeoutSeconds: "15",
      labelSelector: "k=v",
    });
    expect(seen()).toEqual(["added x"]);
    expect(reflector.store.byKey("a/x")?.apiVersion).toBe("v1");
  });

  test.each([
    [0, 15, "12"],
    [0.999999, 15, "18"],
    [0, 450, "360"],
    [0.999999, 450, "540"],
    [0, 1, "1"],
  ])(
    "asks for a fifth less or more than it is told: chance %d of %d s is %s",
    async (chance, watchSeconds, seconds) => {
      const script = await scriptServer([list("7"), stall]);
      const client = clientTo(script.server, { chance: () => chance });
      const stop = new AbortController();
      const run = new Reflector({ client, resource: configMaps, watchSeconds }).run(stop.signal);
      expect((await script.called(2)).url.searchParams.get("timeoutSeconds")).toBe(seconds);
      stop.abort();
      await run;
    },
  );

  test("has synced when the list has come, not before", async () => {
    const { reflector, script } = await reflect([stall]);
    await script.called(1);
    expect([reflector.hasSynced, reflector.silenceMs()]).toEqual([false, undefined]);
    const other = await reflect([list("7"), stall]);
    await other.reflector.synced();
    expect([other.reflector.hasSynced, other.reflector.silenceMs()]).toEqual([true, 0]);
  });

  test("takes added, changed and deleted objects, frozen", async () => {
    const watch = stream();
    const { reflector, seen, changed } = await reflect([list("7", object("x", "5")), watch.reply]);
    await watch.event("ADDED", object("y", "8"));
    await watch.event("MODIFIED", object("x", "9"));
    await watch.event("DELETED", object("y", "10"));
    await changed(4);
    expect(seen()).toEqual(["added x", "added y", "updated x", "deleted y"]);
    expect(reflector.store.list().map(({ metadata }) => metadata.resourceVersion)).toEqual(["9"]);
    expect(Object.isFrozen(reflector.store.list()[0]?.metadata)).toBe(true);
  });

  test("reads events whose characters lie across chunks", async () => {
    const watch = stream();
    const { reflector, changed } = await reflect([list("7"), watch.reply]);
    const bytes = Buffer.from(`${JSON.stringify({ type: "ADDED", object: { ...object("x", "8"), text: "ü🔑" } })}\n`);
    const half = bytes.indexOf("ü") + 1;
    await watch.write(bytes.subarray(0, half));
    await turn();
    await watch.write(bytes.subarray(half));
    await changed(1);
    expect(reflector.store.byKey("a/x")?.["text"]).toBe("ü🔑");
  });

  test("goes on from the last bookmark when the server ends the watch in its time, at once", async () => {
    const [watch, next] = [stream(), stream()];
    const { clock, script, asked } = await reflect([list("7"), watch.reply, next.reply]);
    await script.called(2);
    await watch.event("BOOKMARK", bookmark("20"));
    await clock.armed(endMs);
    await clock.advance(15_000);
    await watch.end();
    expect(await asked(3)).toBe("watch from 20");
  });

  test.each([
    ["14.5 s are its time", 14_500, "watch from 20"],
    ["a moment less is too early, as when it shuts down", 14_499, "list"],
  ])("of 15 s that it asked for, %s", async (_, livedMs, next) => {
    const watch = stream();
    const { clock, script, asked } = await reflect([list("7"), watch.reply, stall]);
    await script.called(2);
    await watch.event("BOOKMARK", bookmark("20"));
    await clock.armed(endMs);
    await clock.advance(livedMs);
    await watch.end();
    if (next === "list") await clock.armed(500).then(() => clock.advance(500));
    expect(await asked(3)).toBe(next);
  });

  test("waits with jitter when the server ends each watch at once", async () => {
    const end: Reply = (response) => void response.end();
    const turns = Array.from({ length: 8 }, () => [list("7"), end]).flat();
    const { clock, script } = await reflect(turns);
    for (const [n, waitMs] of [500, 1000, 2000, 4000, 8000, 15_000, 15_000].entries()) {
      await clock.armed(waitMs);
      expect(script.calls).toHaveLength(2 * n + 2);
      await clock.advance(waitMs);
    }
  });

  test("has recovered when it watches again, and not when it could list: a watch may be forbidden alone", async () => {
    const forbidden = status(403, "Forbidden");
    const recovered = Promise.withResolvers<undefined>();
    const replies = [list("7"), forbidden, list("7"), forbidden, list("7"), stream().reply];
    let recoveries = 0;
    const onRecovery = (): void => {
      recoveries += 1;
      recovered.resolve(undefined);
    };
    const { asked, backOff, failed, reflector } = await reflect(replies, { onRecovery });
    for (const n of [1, 2]) {
      await failed(n);
      expect([reflector.trouble, recoveries]).toEqual([expect.any(ApiError), 0]);
      await backOff();
      expect(await asked(2 * n + 2)).toBe("watch from 7");
    }
    await recovered.promise;
    expect([reflector.trouble, recoveries]).toEqual([undefined, 1]);
  });

  test("begins its back-off anew after a watch that lived for ten seconds", async () => {
    const long = stream();
    const refused = status(403, "Forbidden");
    const turns = [list("7"), refused, list("7"), refused, list("7"), refused, list("7"), long.reply];
    const { clock, script } = await reflect([...turns, list("7"), stall]);
    for (const waitMs of [500, 1000, 2000]) {
      await clock.armed(waitMs);
      await clock.advance(waitMs);
    }
    await script.called(8);
    await clock.armed(endMs);
    await clock.advance(10_000);
    await long.end();
    await clock.armed(500);
  });

  test("lists anew after a cut: the server may come back with another past", async () => {
    const watch = stream();
    const { asked, backOff, changed, failed, problems } = await reflect([list("7"), watch.reply, stall]);
    await watch.event("ADDED", object("x", "8"));
    await changed(1);
    await watch.cut();
    await failed(1);
    await backOff();
    expect(await asked(3)).toBe("list");
    expect(problems).toMatchObject([{ code: "Unreachable" }]);
  });

  test.each([
    ["500", status(500, "InternalError")],
    ["403", status(403, "Forbidden")],
    ["a cut", cut],
    ["no HTTP", ((_, { socket }) => void socket.end("garbage\r\n\r\n")) satisfies Reply],
  ])("lists anew after %s instead of a watch", async (_, reply) => {
    const { asked, backOff, failed } = await reflect([list("7"), reply, stall]);
    await failed(1);
    await backOff();
    expect(await asked(3)).toBe("list");
  });

  test("goes on where it was, and calls it no problem, when the server turned a watch away for a moment (429)", async () => {
    const { clock, script, asked, problems } = await reflect([list("7"), status(429, "TooManyRequests"), stall]);
    await script.called(2);
    await clock.armed(100);
    await clock.advance(100);
    expect(await asked(3)).toBe("watch from 7");
    expect(problems).toEqual([]);
  });

  test("lists anew after 410, and tells what changed meanwhile", async () => {
    const replies = [
      list("7", object("x", "5"), object("y", "5")),
      status(410, "Expired"),
      list("30", object("y", "9")),
    ];
    const { asked, clock, problems, seen, changed } = await reflect([...replies, stall]);
    await clock.armed(500);
    await clock.advance(500);
    await changed(4);
    expect(seen()).toEqual(["added x", "added y", "deleted x", "updated y"]);
    expect([await asked(3), await asked(4)]).toEqual(["list", "watch from 30"]);
    expect(problems).toEqual([]);
  });

  test.each([
    ["an ERROR event of 500", { type: "ERROR", object: { kind: "Status", code: 500 } }],
    ["an event of an unknown type", { type: "NEW", object: object("x", "8") }],
    ["an event without an object", { type: "ADDED" }],
    ["an object without a resourceVersion", { type: "ADDED", object: { metadata: { name: "x" } } }],
    ["an object of another kind", { type: "ADDED", object: { ...object("x", "8"), kind: "Pod" } }],
    ["a bookmark without a resourceVersion", { type: "BOOKMARK", object: {} }],
    ["a state that is older than the one before", { type: "ADDED", object: object("x", "6") }],
    ["a bookmark that is older", { type: "BOOKMARK", object: bookmark("6") }],
  ])("lists anew after %s in the stream", async (_, event) => {
    const watch = stream();
    const { asked, backOff, failed, seen } = await reflect([list("7"), watch.reply, stall]);
    await watch.write(`${JSON.stringify(event)}\n`);
    await failed(1);
    await backOff();
    expect(await asked(3)).toBe("list");
    expect(seen()).toEqual([]);
  });

  test("lists anew after an ERROR event of 410, which is no problem", async () => {
    const watch = stream();
    const { asked, clock, problems } = await reflect([list("7"), watch.reply, stall]);
    await watch.write(`${JSON.stringify({ type: "ERROR", object: gone })}\n`);
    await clock.armed(500);
    await clock.advance(500);
    expect(await asked(3)).toBe("list");
    expect(problems).toEqual([]);
  });

  test("lists anew after a line that is no JSON, and does not quote it", async () => {
    const watch = stream();
    const { asked, backOff, failed, problems } = await reflect([list("7"), watch.reply, stall]);
    await watch.write('{"type":"ADDED","object":{"data":"c2VjcmV0"\n');
    await failed(1);
    await backOff();
    expect(await asked(3)).toBe("list");
    expect(String(problems[0])).not.toContain("c2VjcmV0");
  });

  test("lists anew when a watch does not end in its time: its connection is dead without a close", async () => {
    const watch = stream();
    const { asked, backOff, clock, failed, problems, script } = await reflect([list("7"), watch.reply, stall]);
    await script.called(2);
    await clock.armed(endMs);
    await clock.advance(10_000);
    // A word does not give it more time
    await watch.event("BOOKMARK", bookmark("8"));
    await clock.armed(endMs - 10_000);
    await clock.advance(9_999);
    await turn();
    expect(problems).toEqual([]);
    await clock.advance(1);
    await failed(1);
    await backOff();
    expect(await asked(3)).toBe("list");
    expect(problems).toMatchObject([{ code: "TimedOut" }]);
  });

  test("ends a long watch that says nothing for 150 s, and lets one live whose bookmarks come in time", async () => {
    const watch = stream();
    const { clock, failed, problems, reflector, script } = await reflect([list("7"), watch.reply, stall], {
      watchSeconds: 600,
    });
    await script.called(2);
    for (const version of ["8", "9"]) {
      await clock.armed(150_000);
      await turn();
      await clock.advance(149_000);
      await watch.event("BOOKMARK", bookmark(version));
    }
    await clock.armed(150_000);
    await turn();
    expect(problems).toEqual([]);
    expect(reflector.silenceMs()).toBe(0);
    await clock.advance(150_000);
    await failed(1);
    expect(reflector.silenceMs()).toBe(150_000);
  });

  test("renew lists anew at once, and calls it no problem", async () => {
    const { asked, clock, problems, reflector, script } = await reflect([list("7"), stream().reply, stall]);
    await script.called(2);
    await clock.armed(endMs);
    reflector.renew();
    await clock.armed(500);
    await clock.advance(500);
    expect([await asked(3), problems]).toEqual(["list", []]);
  });

  test("contains what a listener throws", async () => {
    const broken = new Error("broken listener");
    const onChange = (): void => {
      throw broken;
    };
    const { failed, problems, reflector } = await reflect([list("7", object("x", "5")), stall], { onChange });
    await failed(1);
    expect(problems).toEqual([broken]);
    expect(reflector.store.size).toBe(1);
  });
});

describe("Reflector.run, stopped", () => {
  const page = { kind: "ConfigMapList", metadata: { resourceVersion: "1", continue: "t" }, items: [] };

  test.each([
    ["during a list", { replies: [stall], calls: 1, timerMs: 30_000 }],
    ["between two pages", { replies: [json(200, page), stall], calls: 2, timerMs: 30_000 }],
    ["before the head of a watch", { replies: [list("7"), stall], calls: 2, timerMs: 10_000 }],
    ["during a watch", { replies: [list("7"), stream().reply], calls: 2, timerMs: endMs }],
  ])("%s cuts the request, and leaves no timer", async (_, { replies, calls, timerMs }) => {
    const { clock, problems, script, stopped } = await reflect(replies);
    await script.called(calls);
    await clock.armed(timerMs);
    await stopped();
    await script.quiet();
    expect([clock.waits, problems, script.calls.length]).toEqual([[], [], calls]);
  });

  test("by who hears of the list begins no watch", async () => {
    const stop = new AbortController();
    const script = await scriptServer([list("7", object("x", "5")), stall]);
    const onChange = (): void => stop.abort();
    await new Reflector({ client: clientTo(script.server), resource: configMaps, onChange }).run(stop.signal);
    expect(script.calls).toHaveLength(1);
  });

  test.each([
    ["during the retries of a list", [status(503, "ServiceUnavailable")], 1],
    ["during the back-off of a watch", [list("7"), status(403, "Forbidden")], 2],
  ])("%s asks for nothing more, and leaves no timer", async (_, replies, calls) => {
    const { clock, script, stopped } = await reflect(replies);
    await script.called(calls);
    await clock.armed(1, 1000);
    await stopped();
    expect(clock.waits).toEqual([]);
    for (let n = 0; n < 20; n++) await turn();
    expect(script.calls).toHaveLength(calls);
  });
});
