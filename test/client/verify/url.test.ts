import { describe, expect, test } from "vitest";
import { openVerifier } from "../../../src/client/verify.ts";
import { feedTimes } from "../../../src/client/verify/key-feeds.ts";
import type { VerifierOptions } from "../../../src/client/verify/verifier-options.ts";
import { now, tokenOf } from "../../jwt/support/world.ts";
import { cut, json, type Reply, scriptServer, type ScriptServer, stall } from "../../kube/support/script-server.ts";
import type { Pair } from "../../support/keys.ts";
import { opened, type Opened, pair, reasonOf, setOf, usual } from "./support/opened.ts";

const { intervalMs, shortestMs, longestRefreshMs, staleMs, usualRefreshMs } = feedTimes;

interface World extends Opened {
  /** What the source answers from now on. */
  readonly source: { answer: Reply };
  readonly server: ScriptServer;
}

const keys = (pairs: readonly Pair[], headers: Record<string, string> = {}): Reply =>
  json(200, setOf(...pairs), headers);

async function world(answer: Reply, change: Partial<VerifierOptions> = {}): Promise<World> {
  const source = { answer };
  const server = await scriptServer([(response, call) => source.answer(response, call)]);
  return { source, server, ...(await opened({ jwksURL: `${server.server}/jwks?key=secret` }, change)) };
}

const [old, next] = [pair(0), pair(1)];
const [good, fresh] = [tokenOf({ pair: old }), tokenOf({ pair: next })];
const unknown = (nth: number): string => tokenOf({ pair: { ...old, kid: `unknown-${nth}` } });

describe("a verifier of a URL", () => {
  test.each<[cacheControl: string | undefined, refreshMs: number]>([
    [undefined, usualRefreshMs],
    ["max-age=60", 60_000],
    ["max-age=5", 5000],
    ["max-age=1", shortestMs],
    ["max-age=0", intervalMs],
    ["no-store", intervalMs],
    ["max-age=86400", longestRefreshMs],
  ])("loads again in the time for which a copy is good, within bounds: %s, %i ms", async (cacheControl, refreshMs) => {
    const { server, clock } = await world(keys([old], { ...(cacheControl && { "cache-control": cacheControl }) }));
    expect(clock.waits).toEqual([refreshMs]);
    await clock.advance(refreshMs - 1);
    expect(server.calls).toHaveLength(1);
    await clock.advance(1);
    await server.called(2);
  });

  test("a rotation: the next key is there before it signs, and what was taken back is refused", async () => {
    const { verifier, source, clock, events } = await world(keys([old]));
    expect(await events.next("keys")).toEqual({ kind: "keys", kids: [old.kid] });
    source.answer = keys([old, next]);
    await clock.advance(usualRefreshMs);
    expect(await events.next("keys")).toEqual({ kind: "keys", kids: [old.kid, next.kid] });
    expect([verifier.verifyNow(good).ok, verifier.verifyNow(fresh).ok]).toEqual([true, true]);
    source.answer = keys([next]);
    await clock.advance(usualRefreshMs);
    expect(await events.next("keys")).toEqual({ kind: "keys", kids: [next.kid] });
    expect(await reasonOf(verifier, good)).toBe("KidUnknown");
    expect(verifier.kids).toEqual([next.kid]);
  });

  test("a new key is good with its first token after the interval, and all who come at once wait for one look", async () => {
    const { verifier, source, server, clock } = await world(keys([old]));
    source.answer = keys([old, next]);
    await clock.advance(intervalMs - shortestMs - 1);
    expect(await reasonOf(verifier, fresh)).toBe("KidUnknown");
    await clock.advance(shortestMs + 1);
    expect(verifier.verifyNow(fresh)).toEqual({ ok: false, reason: "KidUnknown" });
    expect(await Promise.all([fresh, fresh, good].map((token) => reasonOf(verifier, token)))).toEqual([
      "ok",
      "ok",
      "ok",
    ]);
    expect(server.calls).toHaveLength(2);
  });

  test.each(["max-age=1", "max-age=0", "no-store"])(
    "where copies are good for a second or less (%s), a token with a new key waits for a load until that is due",
    async (cacheControl) => {
      const { verifier, source, server, clock } = await world(keys([old], { "cache-control": cacheControl }));
      source.answer = keys([old, next], { "cache-control": cacheControl });
      clock.freeze(1);
      const waiting = [reasonOf(verifier, fresh), reasonOf(verifier, fresh)];
      await clock.armed(shortestMs - 1);
      expect(server.calls).toHaveLength(1);
      expect(await reasonOf(verifier, good)).toBe("ok");
      await clock.advance(shortestMs - 1);
      expect(await Promise.all(waiting)).toEqual(["ok", "ok"]);
      expect(server.calls).toHaveLength(2);
    },
  );

  test("a source that is away is asked again as often as its copies ask for, ten seconds apart at most", async () => {
    const { verifier, source, server, clock } = await world(keys([old], { "cache-control": "max-age=2" }));
    source.answer = cut;
    await clock.advance(2000);
    await server.called(2);
    await clock.armed(2000);
    source.answer = keys([next]);
    await clock.advance(2000);
    await server.called(3);
    await clock.armed(usualRefreshMs);
    expect(verifier.kids).toEqual([next.kid]);
  });

  test("a flood of unknown keys is one request per interval", async () => {
    const { verifier, server, clock } = await world(keys([old]));
    const flood = (): Promise<readonly string[]> =>
      Promise.all(Array.from({ length: 100 }, (_, nth) => reasonOf(verifier, unknown(nth))));
    for (let round = 2; round < 5; round++) {
      await clock.advance(intervalMs);
      expect(new Set(await flood())).toEqual(new Set(["KidUnknown"]));
      await flood();
      expect(server.calls).toHaveLength(round);
    }
  });

  test("while the source hangs, tokens of known keys don't wait, and 256 others do; more are told to come again", async () => {
    const { verifier, source, server, clock, events } = await world(keys([old]));
    source.answer = stall;
    await clock.advance(intervalMs);
    const flood = Array.from({ length: 257 }, (_, nth) => reasonOf(verifier, unknown(nth)));
    expect(await flood[256]).toBe("KeysUnavailable");
    await server.called(2);
    expect(await reasonOf(verifier, good)).toBe("ok");
    await clock.advance(5000);
    expect([await flood[0], await flood[255]]).toEqual(["KidUnknown", "KidUnknown"]);
    expect((await events.next("unavailable")).problem).toContain("nothing whole came within 5 s");
  });

  test("while the source is away the keys are used for a day, and not a moment longer; it says so once", async () => {
    const { verifier, source, clock, events } = await world(keys([old]), { maxTTLMs: 2 * staleMs });
    const long = tokenOf({ pair: old, claims: { exp: now + (2 * staleMs) / 1000 } });
    source.answer = json(503, {});
    await clock.advance(usualRefreshMs);
    expect((await events.next("unavailable")).problem).toContain("answers 503");
    await clock.armed(intervalMs);
    await clock.advance(intervalMs);
    await clock.armed(intervalMs);
    expect(events.all.filter(({ kind }) => kind === "unavailable")).toHaveLength(1);
    clock.freeze(staleMs - usualRefreshMs - intervalMs - 1);
    expect(verifier.verifyNow(long)).toMatchObject({ ok: true });
    clock.freeze(1);
    expect(verifier.verifyNow(long)).toEqual({ ok: false, reason: "KeysUnavailable" });
    expect(verifier.kids).toEqual([]);
    source.answer = keys([old]);
    expect(await reasonOf(verifier, long)).toBe("ok");
    expect(events.all.at(-1)).toEqual({ kind: "keys", kids: [old.kid] });
  });

  test.each<[what: string, answer: Reply, problem: string]>([
    ["a page", (response) => void response.end("<html>secret page"), "must be JSON"],
    ["a list", json(200, []), "$: must be an object"],
    ["no keys", json(200, {}), "$.keys: is missing"],
    ["keys of which none can verify", json(200, { keys: [{ kty: "oct", k: "c2VjcmV0" }] }), "must have a key that can"],
    ["two keys of one name", json(200, { keys: [...setOf(old).keys, { ...setOf(next).keys[0], kid: old.kid }] }), ""],
    ["a name twice", (response) => void response.end('{"keys":[],"keys":[]}'), "must stand once, stands twice"],
    ["too much", json(200, { ...setOf(next), more: "x".repeat(262_144) }), "must answer at most 262144 bytes"],
    ["a redirect", (response) => void response.writeHead(302, { location: "/else" }).end(), "is not followed"],
    ["nothing", cut, "the connection broke"],
  ])("a source that answers %s changes nothing: the keys of before go on", async (_, answer, problem) => {
    const { verifier, source, clock, events } = await world(keys([old]));
    source.answer = answer;
    await clock.advance(usualRefreshMs);
    const told = (await events.next("unavailable")).problem;
    expect(told).toContain(problem);
    expect(told).not.toContain("secret");
    expect([await reasonOf(verifier, good), await reasonOf(verifier, fresh)]).toEqual(["ok", "KidUnknown"]);
  });

  test("an empty set is an answer: nothing is good any more", async () => {
    const { verifier, source, clock, events } = await world(keys([old]));
    source.answer = keys([]);
    await clock.advance(usualRefreshMs);
    await events.next("keys");
    expect(await events.next("keys")).toEqual({ kind: "keys", kids: [] });
    expect(await reasonOf(verifier, good)).toBe("KidUnknown");
  });

  test("a key that can't be used is passed over, and the others are used", async () => {
    const { verifier, events } = await world(json(200, { keys: [{ kty: "EC", crv: "P-0" }, ...setOf(old).keys] }));
    expect((await events.next("passedOver")).problem).toContain("$.keys[0].");
    expect(await reasonOf(verifier, good)).toBe("ok");
  });

  test("without keys it does not open, and says why, or refuses all tokens until they come", async () => {
    await expect(world(json(503, {}))).rejects.toMatchObject({
      code: "KeysUnavailable",
      message: expect.stringMatching(/^Cannot open a verifier: ".*\/jwks" must answer 200, answers 503$/) as string,
    });
    const { verifier, source, clock, server } = await world(json(503, {}), { startWithoutKeys: true });
    expect(await reasonOf(verifier, good)).toBe("KeysUnavailable");
    source.answer = keys([old]);
    await clock.advance(intervalMs);
    await server.called(2);
    await clock.armed(usualRefreshMs);
    expect(await reasonOf(verifier, good)).toBe("ok");
  });

  test("closed, it asks for nothing, and the keys that are there go on", async () => {
    const { verifier, server, clock } = await world(keys([old]));
    verifier.close();
    expect(clock.waits).toEqual([]);
    clock.freeze(intervalMs);
    expect([await reasonOf(verifier, good), await reasonOf(verifier, fresh)]).toEqual(["ok", "KidUnknown"]);
    expect(server.calls).toHaveLength(1);
  });

  test("what an ear throws is no problem of the keys", async () => {
    const heard: unknown[] = [];
    const before = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.once("uncaughtException", (error) => heard.push(error));
    const { server } = await scriptServer([keys([old])]).then((one) => ({ server: one.server }));
    const onEvent = (): never => {
      throw new Error("deaf");
    };
    const verifier = await openVerifier({ jwksURL: `${server}/jwks` }, { ...usual, onEvent });
    verifier.close();
    for (const listener of before) process.on("uncaughtException", listener);
    expect(verifier.kids).toEqual([old.kid]);
    expect(heard).toEqual([new Error("deaf")]);
  });
});
