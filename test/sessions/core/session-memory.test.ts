import { describe, expect, it } from "vitest";
import { alice, hourMs, lines, message, newRegistry, nowMs, opening, tokenOf } from "./support/registry.ts";

describe("SessionRegistry.open, of a peer that goes on", () => {
  it.each([
    [7, "accept last resumed"],
    [8, "accept last anew"],
  ])("remembers eight sessions, of which it may not have heard: %d", (unheard, expected) => {
    const registry = newRegistry();
    registry.open(alice, opening("s0"), nowMs);
    for (let n = 1; n <= unheard; n++) {
      registry.open(alice, opening(`s${n}`, { resume: { sessionId: `s${n - 1}`, received: 0 } }), nowMs);
    }
    const resume = { sessionId: "s0", received: 0 };
    expect(lines(registry.open(alice, opening("last", { resume }), nowMs))[0]).toBe(expected);
  });

  it("goes on with nothing when it names more than was sent, and what waits for it is numbered from 1", () => {
    const registry = newRegistry();
    registry.open(alice, opening("s1"), nowMs);
    for (const id of ["a", "b"]) registry.send(alice, message(id), nowMs);
    registry.from({ kind: "confirmed", sessionId: "s1", seq: 1 }, nowMs);
    const resume = { sessionId: "s1", received: 3 };
    expect(lines(registry.open(alice, opening("s2", { resume }), nowMs)).slice(0, 2)).toEqual([
      ...["accept s2 anew", "transmit s2 1 b"],
    ]);
  });
});

describe("SessionRegistry.send", () => {
  it("remembers 64 ids of what was confirmed, and no more", () => {
    const registry = newRegistry();
    registry.open(alice, opening("s1"), nowMs);
    for (let n = 1; n <= 65; n++) {
      registry.send(alice, message(`m${n}`), nowMs);
      registry.from({ kind: "confirmed", sessionId: "s1", seq: n }, nowMs);
    }
    expect(lines(registry.send(alice, message("m2"), nowMs))).toEqual(["answer m2 delivered"]);
    expect(lines(registry.send(alice, message("m1"), nowMs))).toEqual(["transmit s1 66 m1"]);
  });
});

describe("SessionRegistry.renew, in the grace", () => {
  it("needs a token that has not ended", () => {
    const registry = newRegistry();
    registry.open(alice, opening("s1"), nowMs);
    expect(registry.renew("s1", tokenOf("alice"), nowMs + hourMs)).toEqual([]);
    expect(lines(registry.renew("s1", tokenOf("alice", nowMs + hourMs + 1), nowMs + hourMs))).toEqual(["extend s1"]);
  });
});

describe("SessionRegistry.open, with a clock that was set back", () => {
  it("is later than the session before", () => {
    const registry = newRegistry();
    registry.open(alice, opening("s1"), nowMs);
    registry.open(alice, opening("s2"), nowMs - 5000);
    expect(registry.find(alice)?.openedAtMs).toBe(nowMs + 1);
  });
});
