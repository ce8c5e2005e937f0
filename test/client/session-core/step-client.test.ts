import { describe, expect, test } from "vitest";
import {
  type ClientEffect,
  type ClientEvent,
  type ClientState,
  type ConnectionEnd,
  newClient,
  type SessionTerms,
} from "../../../src/client/session-core/client-state.ts";
import { endOfCode, noOtherEnd, ownEnd } from "../../../src/client/session-core/connection-end.ts";
import { clientWakeAtMs, stepClient } from "../../../src/client/session-core/step-client.ts";
import { endCodes } from "../../../src/sessions/core/session-end.ts";

/** A client in a time of its own, and what it had done. */
class Driven {
  nowMs = 0;
  chance = 0.5;
  done: readonly ClientEffect[] = [];
  state: ClientState;

  constructor(renewal: ClientState["renewal"] = "reconnect") {
    this.state = newClient(renewal);
  }

  /** What it does at once; what it tells comes first in the kinds. */
  on(event: ClientEvent): readonly string[] {
    const { state, effects } = stepClient(this.state, event, { nowMs: this.nowMs, chance: this.chance });
    this.state = state;
    this.done = effects;
    return effects.map((effect) => (effect.kind === "tell" ? effect.news.kind : effect.kind));
  }

  /** The clock goes to when something is due. */
  due(): readonly string[] {
    this.nowMs = clientWakeAtMs(this.state);
    return this.on({ kind: "looked" });
  }

  get number(): number {
    return this.state.number;
  }

  given(token: string): readonly string[] {
    return this.on({ kind: "given", number: this.number, token });
  }

  accepted(terms: SessionTerms = {}, heartbeatMs = 1_000_000): readonly string[] {
    return this.on({ kind: "accepted", connection: this.number, sessionId: `s${this.number}`, heartbeatMs, terms });
  }

  lost(end: ConnectionEnd, connection = this.number): readonly string[] {
    return this.on({ kind: "lost", connection, end });
  }

  /** With a session that ends after 100 s, and of which the client is to be back before 90 s. */
  static open(renewal: ClientState["renewal"] = "reconnect"): Driven {
    const driven = new Driven(renewal);
    expect(driven.due()).toEqual(["connecting", "ask"]);
    expect(driven.given("t1")).toEqual(["connect"]);
    expect(driven.accepted({ expiresInMs: 100_000, reconnectInMs: 90_000 })).toEqual(["open"]);
    return driven;
  }
}

const broken = ownEnd("Lost", "broken");
const never = { ...broken, code: "Removed", isRetryable: false };

describe("stepClient", () => {
  test("with an open session asks for another token than its own in time, and opens the next one before it lets go", () => {
    const driven = Driven.open();
    expect(driven.due()).toEqual(["renewing", "ask"]);
    expect(driven.nowMs).toBe(83_750);
    expect(driven.done[1]).toMatchObject({ refused: "t1" });
    expect(driven.given("t2")).toEqual(["connect"]);
    expect(driven.accepted()).toEqual(["retire", "open"]);
    expect(driven.done[0]).toEqual({ kind: "retire", connection: 2 });
  });

  test("goes on where there is no other token yet, and asks again after a while", () => {
    const driven = Driven.open();
    driven.due();
    expect(driven.on({ kind: "notGiven", number: driven.number, end: broken })).toEqual(["open"]);
    expect(driven.done[0]).toMatchObject({ news: { trouble: { code: "Lost" } } });
    expect(driven.due()).toEqual(["renewing", "ask"]);
    expect(driven.nowMs).toBe(84_250);
    expect(driven.done[1]).toMatchObject({ refused: "t1" });
  });

  test("shows the newer token in place, and where that is not taken, over another connection", () => {
    const driven = Driven.open("inPlace");
    driven.due();
    expect(driven.given("t2")).toEqual(["renew"]);
    const terms = { expiresInMs: 100_000, reconnectInMs: 90_000 };
    expect(driven.on({ kind: "renewed", connection: 2, terms, token: "t2" })).toEqual(["open"]);
    expect(driven.due()).toEqual(["renewing", "ask"]);
    expect(driven.nowMs).toBe(2 * 83_750);
    expect(driven.done[1]).toMatchObject({ refused: "t2" });
    driven.given("t3");
    expect(driven.on({ kind: "notRenewed", number: driven.number })).toEqual(["connect"]);
    expect(driven.done[0]).toMatchObject({ token: "t3" });
    expect(driven.accepted()).toEqual(["retire", "open"]);
  });

  test("gives a renewal in place ten seconds", () => {
    const driven = Driven.open("inPlace");
    driven.due();
    driven.given("t2");
    expect(driven.due()).toEqual(["connect"]);
    expect(driven.nowMs).toBe(93_750);
  });

  test.each(endCodes)("told %s on its session, it does as the table of codes says", (code) => {
    const driven = Driven.open();
    const end = { ...endOfCode(code, ""), afterMs: 3000 };
    const forGood = ["BadMessage", "Forbidden", "Removed"].includes(code);
    expect(driven.lost(end)).toEqual([forGood ? "ended" : "waiting"]);
    if (forGood) return;
    expect(driven.due()).toEqual(["connecting", "ask"]);
    expect(driven.nowMs).toBe(3000);
    const ofToken = ["Expired", "TokenRefused", "Revoked"].includes(code);
    expect(driven.done[1]).toEqual({ kind: "ask", number: 3, ...(ofToken && { refused: "t1" }) });
  });

  test("is told by the gateway whether it helps to come back, whatever the code is", () => {
    const driven = Driven.open();
    expect(driven.lost({ ...endOfCode("Revoked", ""), isRetryable: false })).toEqual(["ended"]);
    expect(driven.on({ kind: "looked" })).toEqual([]);
    expect(clientWakeAtMs(driven.state)).toBe(Infinity);
  });

  test("asks for another token at once, after that as after any other failure, also where a session was accepted and ended at once", () => {
    const driven = new Driven();
    driven.due();
    driven.given("t1");
    driven.lost(endOfCode("TokenRefused", ""));
    expect([driven.due(), driven.nowMs, driven.done[1]]).toEqual([
      ["connecting", "ask"],
      0,
      { kind: "ask", number: 3, refused: "t1" },
    ]);
    driven.given("t2");
    driven.lost(endOfCode("TokenRefused", ""));
    expect([driven.due(), driven.nowMs, driven.done[1]]).toEqual([
      ["connecting", "ask"],
      500,
      { kind: "ask", number: 5, refused: "t2" },
    ]);
    // No other is to be had: the same one is shown again
    driven.on({ kind: "notGiven", number: 5, end: noOtherEnd });
    driven.due();
    expect([driven.nowMs, driven.done[1]]).toEqual([1500, { kind: "ask", number: 6 }]);
    driven.given("t2");
    driven.accepted();
    driven.lost(endOfCode("Revoked", ""));
    driven.due();
    expect([driven.nowMs, driven.done[1]]).toEqual([3500, { kind: "ask", number: 8, refused: "t2" }]);
    driven.given("t3");
    driven.accepted();
    driven.nowMs += 30_000;
    driven.lost(endOfCode("Revoked", ""));
    driven.due();
    expect([driven.nowMs, driven.done[1]]).toEqual([33_500, { kind: "ask", number: 10, refused: "t3" }]);
  });

  test("a token that is refused beside an open session costs that one nothing", () => {
    const driven = Driven.open();
    driven.due();
    driven.given("t2");
    expect(driven.lost({ ...endOfCode("TokenRefused", ""), afterMs: 2000 })).toEqual(["open"]);
    expect(driven.due()).toEqual(["renewing", "ask"]);
    expect([driven.nowMs, driven.done[1]]).toEqual([85_750, { kind: "ask", number: 5, refused: "t2" }]);
  });

  test("waits with full jitter under a ceiling that doubles up to 30 s", () => {
    const driven = new Driven();
    driven.chance = 0.25;
    const waits = Array.from({ length: 8 }, () => {
      driven.due();
      driven.given("t1");
      const fromMs = driven.nowMs;
      driven.lost(broken);
      return clientWakeAtMs(driven.state) - fromMs;
    });
    expect(waits).toEqual([250, 500, 1000, 2000, 4000, 7500, 7500, 7500]);
  });

  test.each([
    [29_999, 4],
    [30_000, 1],
  ])("of a session of %d ms its failures before are %d at the next", (lived, failures) => {
    const driven = new Driven();
    for (let failed = 0; failed < 3; failed++) {
      driven.due();
      driven.given("t1");
      driven.lost(broken);
    }
    driven.due();
    driven.given("t1");
    driven.accepted();
    driven.nowMs += lived;
    driven.lost(broken);
    expect(driven.state.failures).toBe(failures);
  });

  test("says a heartbeat in time, and cuts after two and a half without a word", () => {
    const driven = new Driven();
    driven.due();
    driven.given("t1");
    driven.accepted({}, 1000);
    expect([driven.due(), driven.nowMs]).toEqual([["beat"], 1000]);
    driven.on({ kind: "heard", connection: 2 });
    expect([driven.due(), driven.nowMs]).toEqual([["beat"], 2000]);
    expect([driven.due(), driven.nowMs]).toEqual([["beat"], 3000]);
    expect([driven.due(), driven.nowMs]).toEqual([["cut", "waiting"], 3500]);
  });

  test("gives up what is not accepted within ten seconds, and a keeper after a minute", () => {
    const driven = new Driven();
    driven.due();
    expect([driven.due(), driven.nowMs]).toEqual([["waiting"], 60_000]);
    driven.due();
    const fromMs = driven.nowMs;
    driven.given("t1");
    expect([driven.due(), driven.nowMs - fromMs]).toEqual([["cut", "waiting"], 10_000]);
  });

  test("superseded by its own newer session it waits for the word of that one", () => {
    const driven = Driven.open();
    driven.due();
    driven.given("t2");
    expect(driven.lost(endOfCode("Superseded", ""), 2)).toEqual([]);
    expect(driven.accepted()).toEqual(["open"]);
  });

  test("superseded by another it comes back after a while", () => {
    const driven = Driven.open();
    expect(driven.lost(endOfCode("Superseded", ""))).toEqual(["waiting"]);
    expect([driven.due(), driven.nowMs]).toEqual([["connecting", "ask"], 500]);
  });

  test("goes on with the attempt that is under way when its session breaks", () => {
    const driven = Driven.open();
    driven.due();
    expect(driven.lost(broken, 2)).toEqual(["connecting"]);
    expect(driven.given("t2")).toEqual(["connect"]);
    expect(driven.accepted()).toEqual(["open"]);
  });

  test.each<[string, (driven: Driven) => ClientEvent]>([
    ["a token that was asked for before", () => ({ kind: "given", number: 1, token: "late" })],
    ["no token, asked for before", () => ({ kind: "notGiven", number: 1, end: broken })],
    ["the end of another connection", () => ({ kind: "lost", connection: 1, end: never })],
    ["a word of another connection", () => ({ kind: "heard", connection: 1 })],
    ["a renewal of another connection", () => ({ kind: "renewed", connection: 1, terms: {} })],
    ["no renewal, asked for before", () => ({ kind: "notRenewed", number: 1 })],
    [
      "another session, which nobody waits for",
      () => ({ kind: "accepted", connection: 2, sessionId: "s9", heartbeatMs: 1, terms: {} }),
    ],
  ])("is not concerned by %s", (_, event) => {
    const driven = Driven.open();
    const before = driven.state;
    expect(driven.on(event(driven))).toEqual([]);
    expect(driven.state).toEqual(before);
  });

  test("ended for good by its attempt it ends its session, too, without a farewell", () => {
    const driven = Driven.open();
    driven.due();
    driven.given("t2");
    expect(driven.lost(never)).toEqual(["cut", "ended"]);
    expect(driven.done[0]).toEqual({ kind: "cut", connection: 2 });
  });

  test("leaves in good order, with all that it has", () => {
    const driven = Driven.open();
    driven.due();
    driven.given("t2");
    expect(driven.on({ kind: "left" })).toEqual(["leave", "leave", "ended"]);
    expect(new Driven().on({ kind: "left" })).toEqual(["ended"]);
  });

  test("of a token for a year it comes back after most of that", () => {
    const [driven, yearMs] = [new Driven(), 365 * 86_400_000];
    driven.due();
    driven.given("t1");
    driven.accepted({ expiresInMs: yearMs, reconnectInMs: 0.9 * yearMs }, 2 * yearMs);
    expect([driven.due(), driven.nowMs]).toEqual([["renewing", "ask"], 0.8375 * yearMs]);
  });

  test("is renewed by somebody else, and counts from then on", () => {
    const driven = Driven.open();
    driven.nowMs = 50_000;
    const terms = { expiresInMs: 100_000, reconnectInMs: 90_000 };
    expect(driven.on({ kind: "renewed", connection: 2, terms })).toEqual([]);
    expect(clientWakeAtMs(driven.state)).toBe(133_750);
  });
});
