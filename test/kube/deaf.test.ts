import { describe, expect, test } from "vitest";
import type { ReflectorOptions } from "../../src/kube/reflector.ts";
import { endMs, list, object, reflect, stream } from "./support/reflecting.ts";
import { type Reply, stall, status } from "./support/script-server.ts";

describe("Reflector, after a watch that ended in its time without a word,", () => {
  const probed = async (answers: readonly Reply[], more: Partial<ReflectorOptions> = {}) => {
    const watch = stream();
    const all = await reflect([list("7", object("x", "5")), watch.reply, ...answers, stall], more);
    await all.script.called(2);
    await all.clock.armed(endMs);
    await all.clock.advance(15_000);
    await watch.end();
    return all;
  };

  test("asks for the server's version, by a list of one name that no object can have", async () => {
    const { script } = await probed([list("7")]);
    const { url } = await script.called(3);
    expect(url.pathname).toBe("/api/v1/namespaces/a/configmaps");
    expect(Object.fromEntries(url.searchParams)).toEqual({ fieldSelector: "metadata.name=-", limit: "500" });
  });

  test.each([
    ["of all namespaces in one of them", {}, ["default", "-"]],
    ["of one object for this object alone", { namespace: "a", fieldSelector: "metadata.name=x" }, ["a", "x"]],
  ])("asks as who watches %s", async (_, selection, [namespace = "", name = ""]) => {
    const { script } = await probed([list("7")], { selection });
    const { url } = await script.called(3);
    expect(url.pathname).toBe(`/api/v1/namespaces/${namespace}/configmaps`);
    expect(url.searchParams.get("fieldSelector")).toBe(`metadata.name=${name}`);
  });

  test.each([
    ["the same", "7"],
    ["a newer one", "30"],
    ["what is no number", "a"],
  ])("goes on where it was when that is %s", async (_, version) => {
    const { asked, problems } = await probed([list(version)]);
    expect([await asked(4), problems]).toEqual(["watch from 7", []]);
  });

  test("lists anew when that is older: the server went back, and would say nothing for long", async () => {
    const { asked, backOff, changed, failed, problems, seen } = await probed([list("6"), list("6", object("x", "3"))]);
    await failed(1);
    await backOff();
    expect(await asked(4)).toBe("list");
    await changed(2);
    expect([seen(), await asked(5)]).toEqual([["added x", "updated x"], "watch from 6"]);
    expect(problems).toMatchObject([{ code: "BadAnswer" }]);
  });

  test("lists anew when nobody answers within ten seconds", async () => {
    const { clock, failed, problems, script } = await probed([stall]);
    for (const [call, passes] of [
      [3, [5000, 400]],
      [4, [5000]],
    ] as const) {
      await script.called(call);
      for (const ms of passes) {
        await clock.armed(1, ms);
        await clock.advance(ms);
      }
    }
    await failed(1);
    expect(problems).toMatchObject([{ code: "TimedOut" }]);
  });

  test("has heard something when the next one begins", async () => {
    const next = stream();
    const { clock, reflector } = await probed([list("7"), next.reply]);
    await clock.armed(endMs);
    expect(reflector.silenceMs()).toBe(0);
    await clock.advance(14_000);
    expect(reflector.silenceMs()).toBe(14_000);
  });

  test("lists anew when it is refused", async () => {
    const { asked, backOff, failed } = await probed([status(403, "Forbidden")]);
    await failed(1);
    await backOff();
    expect(await asked(4)).toBe("list");
  });
});
