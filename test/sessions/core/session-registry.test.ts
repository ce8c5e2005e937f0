import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type RegistryEffects, SessionRegistry } from "../../../src/sessions/core/session-registry.ts";
import {
  alice,
  hourMs,
  lines,
  looked,
  message,
  newRegistry,
  nowMs,
  opening,
  rules,
  tokenOf,
} from "./support/registry.ts";

describe("SessionRegistry.open", () => {
  it("accepts the newer session before the older one is told", () => {
    const registry = newRegistry();
    expect(lines(registry.open(alice, opening("s1"), nowMs))).toEqual(["accept s1 anew", "tell opened s1"]);
    const resume = { sessionId: "s1", received: 0 };
    expect(lines(registry.open(alice, opening("s2", { resume }), nowMs))).toEqual([
      ...["accept s2 resumed", "close s1 Superseded", "tell resumed s2"],
    ]);
    expect(registry.size.open).toBe(1);
  });

  it("gives deadlines of the token that was shown", () => {
    const [first] = newRegistry().open(alice, opening("s1"), nowMs);
    expect(first?.effect).toMatchObject({
      acceptance: {
        generation: 1,
        received: 0,
        deadlines: { expiresAtMs: nowMs + hourMs, closesAtMs: nowMs + hourMs + 25_000 },
      },
    });
  });

  it.each([
    [nowMs - 1, ["close s1 Expired"]],
    [nowMs, ["close s1 Expired"]],
    [nowMs + 1, ["accept s1 anew", "tell opened s1"]],
  ])("looks at the end of the token: %d", (endMs, expected) => {
    const token = tokenOf("alice", endMs);
    expect(lines(newRegistry().open(alice, opening("s1", { token }), nowMs))).toEqual(expected);
  });

  it("refuses to go on with another's session, which is left as it was", () => {
    const registry = newRegistry();
    registry.open(alice, opening("s1"), nowMs);
    const bob = { subject: "bob", instanceId: "one" };
    const resume = { sessionId: "s1", received: 0 };
    const other = registry.open(bob, opening("s2", { token: tokenOf("bob"), resume }), nowMs);
    expect(lines(other)).toEqual(["close s2 Forbidden for good"]);
    expect(lines(registry.open(alice, opening("s3"), nowMs).slice(0, 0))).toEqual([]);
    expect(lines(registry.send({ ...alice }, message("a"), nowMs))).toEqual(["transmit s3 1 a"]);
  });

  it("takes the same instance of another subject for somebody else", () => {
    const registry = newRegistry();
    registry.open(alice, opening("s1"), nowMs);
    const bob = { subject: "bob", instanceId: "one" };
    const effects = registry.open(bob, opening("s2", { token: tokenOf("bob") }), nowMs);
    expect(lines(effects)).toEqual(["accept s2 anew", "tell opened s2"]);
    expect(registry.size.open).toBe(2);
  });

  it("refuses a token of another subject than the peer's", () => {
    const effects = newRegistry().open(alice, opening("s1", { token: tokenOf("bob") }), nowMs);
    expect(lines(effects)).toEqual(["close s1 Forbidden for good"]);
  });

  it("refuses one too many of a subject, until one is away: that one is forgotten, and its senders are told", () => {
    const registry = newRegistry();
    const peer = (n: number) => ({ subject: "alice", instanceId: `i${n}` });
    for (const n of [1, 2, 3]) registry.open(peer(n), opening(`s${n}`), nowMs);
    expect(lines(registry.open(peer(4), opening("s4"), nowMs))).toEqual(["close s4 TooMany"]);
    registry.from({ kind: "lost", sessionId: "s2", left: false }, nowMs);
    registry.send(peer(2), message("a"), nowMs);
    expect(lines(registry.open(peer(5), opening("s5"), nowMs))).toEqual([
      ...["answer a gone", "accept s5 anew", "tell opened s5"],
    ]);
  });

  it("refuses one too many of all", () => {
    const registry = newRegistry({ peers: 1 });
    registry.open(alice, opening("s1"), nowMs);
    const bob = { subject: "bob", instanceId: "one" };
    const effects = registry.open(bob, opening("s2", { token: tokenOf("bob") }), nowMs);
    expect(lines(effects)).toEqual(["close s2 TooMany"]);
    expect(lines(registry.open(alice, opening("s3"), nowMs))).toContain("accept s3 anew");
  });
});

describe("SessionRegistry.from", () => {
  it("is deaf to a session that has ended", () => {
    const registry = newRegistry();
    registry.open(alice, opening("s1"), nowMs);
    registry.open(alice, opening("s2", { resume: { sessionId: "s1", received: 0 } }), nowMs);
    expect(registry.from({ kind: "lost", sessionId: "s1", left: true }, nowMs)).toEqual([]);
    expect(registry.from({ kind: "heard", sessionId: "s1", message: { seq: 1, ...message("u") } }, nowMs)).toEqual([]);
    expect(registry.size).toMatchObject({ open: 1, peers: 1 });
  });

  it("keeps a peer whose connection broke, and forgets one that has left", () => {
    const registry = newRegistry();
    registry.open(alice, opening("s1"), nowMs);
    registry.from({ kind: "lost", sessionId: "s1", left: false }, nowMs);
    expect(registry.size.peers).toBe(1);
    registry.send(alice, message("a"), nowMs);
    const resume = { sessionId: "s1", received: 0 };
    expect(lines(registry.open(alice, opening("s2", { resume }), nowMs))).toContain("transmit s2 1 a");
    expect(lines(registry.from({ kind: "lost", sessionId: "s2", left: true }, nowMs))).toEqual([
      ...["tell closed s2", "answer a gone"],
    ]);
    expect(registry.size).toEqual({ open: 0, peers: 0, bytes: 0, remembered: 0 });
  });

  it.each([
    [{ seq: 2, ...message("u2") }, "close s1 BadMessage for good"],
    [{ seq: 1, id: "u1", payload: new Uint8Array(1001) }, "close s1 TooMany"],
  ])("closes a session that sends what can't be taken: %o", (sent, expected) => {
    const registry = newRegistry();
    registry.open(alice, opening("s1"), nowMs);
    expect(lines(registry.from({ kind: "heard", sessionId: "s1", message: sent }, nowMs))[0]).toBe(expected);
  });

  it("closes a session that confirms what was never sent", () => {
    const registry = newRegistry();
    registry.open(alice, opening("s1"), nowMs);
    const effects = registry.from({ kind: "confirmed", sessionId: "s1", seq: 1 }, nowMs);
    expect(lines(effects)[0]).toBe("close s1 BadMessage for good");
  });

  it("lets so many messages wait for the application, and closes for one more", () => {
    const registry = newRegistry();
    registry.open(alice, opening("s1"), nowMs);
    const say = (seq: number) =>
      lines(registry.from({ kind: "heard", sessionId: "s1", message: { seq, ...message(`u${seq}`) } }, nowMs));
    expect([1, 2, 3, 4].flatMap(say)).toEqual(["deliver 1 u1", "deliver 2 u2", "deliver 3 u3", "deliver 4 u4"]);
    expect(lines(registry.taken(alice, { lineage: "s1", seq: 1 }, nowMs))).toEqual(["confirm s1 1"]);
    expect(say(5)).toEqual(["deliver 5 u5"]);
    expect(say(6)[0]).toBe("close s1 TooMany");
  });
});

describe("SessionRegistry.send", () => {
  it("answers once, when the peer has it", () => {
    const registry = newRegistry();
    registry.open(alice, opening("s1"), nowMs);
    expect(lines(registry.send(alice, message("a"), nowMs))).toEqual(["transmit s1 1 a"]);
    expect(registry.send(alice, message("a"), nowMs)).toEqual([]);
    expect(lines(registry.from({ kind: "confirmed", sessionId: "s1", seq: 1 }, nowMs))).toEqual(["answer a delivered"]);
    expect(lines(registry.send(alice, message("a"), nowMs))).toEqual(["answer a delivered"]);
    expect(registry.size.bytes).toBe(0);
  });

  it("knows as many of those that were confirmed as may be confirmed at once", () => {
    const registry = newRegistry({ queueMessages: 100 });
    registry.open(alice, opening("s1"), nowMs);
    for (let n = 1; n <= 100; n++) registry.send(alice, message(`m${n}`), nowMs);
    registry.from({ kind: "confirmed", sessionId: "s1", seq: 100 }, nowMs);
    expect(lines(registry.send(alice, message("m1"), nowMs))).toEqual(["answer m1 delivered"]);
  });

  it("says at once that nobody is there", () => {
    expect(lines(newRegistry().send(alice, message("a"), nowMs))).toEqual(["answer a gone"]);
  });

  it.each([
    ["messages", { queueMessages: 2 }],
    ["bytes of one peer", { queueBytes: 29 }],
    ["bytes of all", { totalBytes: 29 }],
  ])("says that there is no room: %s", (_, other) => {
    const registry = newRegistry(other);
    registry.open(alice, opening("s1"), nowMs);
    registry.send(alice, message("a"), nowMs);
    registry.send(alice, message("b"), nowMs);
    expect(lines(registry.send(alice, message("c"), nowMs))).toEqual(["answer c full"]);
  });

  it("says of a message what is known of it, also where there is no room for another one", () => {
    const registry = newRegistry({ totalBytes: 20 });
    registry.open(alice, opening("s1"), nowMs);
    for (const id of ["a", "b", "c"]) registry.send(alice, message(id), nowMs);
    expect(registry.send(alice, message("b"), nowMs)).toEqual([]);
    const seq1 = { kind: "confirmed", sessionId: "s1", seq: 1 } as const;
    expect(lines(registry.from(seq1, nowMs))).toEqual(["answer a delivered"]);
    registry.send(alice, message("c"), nowMs);
    expect(lines(registry.send(alice, message("a"), nowMs))).toEqual(["answer a delivered"]);
    expect(lines(registry.send({ ...alice, instanceId: "two" }, message("d"), nowMs))).toEqual(["answer d gone"]);
  });
});

describe("SessionRegistry.from", () => {
  it("skips what a peer says again, also where there is no room for anything new", () => {
    const registry = newRegistry({ totalBytes: 20 });
    registry.open(alice, opening("s1"), nowMs);
    const heard = (seq: number) =>
      ({ kind: "heard", sessionId: "s1", message: { ...message(`u${seq}`), seq } }) as const;
    for (const seq of [1, 2]) registry.from(heard(seq), nowMs);
    expect(registry.from(heard(2), nowMs)).toEqual([]);
    expect(lines(registry.from(heard(3), nowMs))).toEqual(["close s1 TooMany", "tell closed s1"]);
  });
});

describe("SessionRegistry.renew", () => {
  it("moves the deadlines, with a token of the same subject that ends no sooner", () => {
    const registry = newRegistry();
    registry.open(alice, opening("s1"), nowMs);
    expect(registry.renew("s1", tokenOf("alice", nowMs + hourMs - 1), nowMs)).toEqual([]);
    expect(registry.renew("s1", tokenOf("bob", nowMs + 2 * hourMs), nowMs)).toBeUndefined();
    expect(registry.renew("s2", tokenOf("alice", nowMs + 2 * hourMs), nowMs)).toBeUndefined();
    expect(lines(registry.renew("s1", tokenOf("alice", nowMs + 2 * hourMs), nowMs))).toEqual(["extend s1"]);
    expect(lines(looked(registry, nowMs + hourMs + 25_000))).toEqual([]);
    expect(lines(looked(registry, nowMs + 2 * hourMs + 25_000))).toEqual(["close s1 Expired", "tell closed s1"]);
  });
});

describe("SessionRegistry.look", () => {
  it("closes after the grace, not a millisecond before, and forgets a minute later", () => {
    const registry = newRegistry();
    registry.open(alice, opening("s1"), nowMs);
    const closesAtMs = nowMs + hourMs + 25_000;
    expect(registry.wakeAtMs).toBe(closesAtMs);
    expect(looked(registry, closesAtMs - 1)).toEqual([]);
    expect(lines(looked(registry, closesAtMs))).toEqual(["close s1 Expired", "tell closed s1"]);
    expect(looked(registry, closesAtMs + 59_999)).toEqual([]);
    expect(registry.size.peers).toBe(1);
    looked(registry, closesAtMs + 60_000);
    expect(registry.size).toEqual({ open: 0, peers: 0, bytes: 0, remembered: 0 });
    expect(registry.wakeAtMs).toBe(Infinity);
  });
});

describe("SessionRegistry.revoke", () => {
  it("ends what it concerns, and nothing else", () => {
    const registry = newRegistry();
    const bob = { subject: "bob", instanceId: "one" };
    registry.open(alice, opening("s1"), nowMs);
    registry.open(bob, opening("s2", { token: { ...tokenOf("bob"), kid: "key-2" } }), nowMs);
    expect(lines(registry.revoke({ kind: "key", value: "key-2" }, nowMs))).toEqual([
      ...["close s2 Revoked", "tell closed s2"],
    ]);
    const grant = { kind: "grant", value: "g-alice", atMs: nowMs, endsAtMs: Infinity } as const;
    expect(lines(registry.revoke(grant, nowMs))).toEqual(["close s1 Revoked for good", "tell closed s1"]);
    expect(registry.size).toMatchObject({ open: 0, peers: 1 });
  });

  it("goes by the newest token that was shown", () => {
    const registry = newRegistry();
    registry.open(alice, opening("s1"), nowMs);
    registry.renew("s1", { ...tokenOf("alice"), kid: "key-2" }, nowMs);
    expect(registry.revoke({ kind: "key", value: "key-1" }, nowMs)).toEqual([]);
    expect(lines(registry.revoke({ kind: "key", value: "key-2" }, nowMs))[0]).toBe("close s1 Revoked");
  });
});

describe("SessionRegistry.drain", () => {
  it("spreads the ends over the time, takes nobody new, and tells the rest at the end", () => {
    let drawn = 0;
    const registry = new SessionRegistry({ ...rules, peersOfSubject: 100 }, () => (drawn++ % 10) / 10);
    for (let n = 0; n < 10; n++) registry.open({ subject: "alice", instanceId: `${n}` }, opening(`s${n}`), nowMs);
    registry.drain(10_000, nowMs);
    expect(lines(registry.open(alice, opening("late"), nowMs))).toEqual(["close late Draining"]);
    const open = [];
    for (let ms = 0; ms < 10_000; ms += 1000) {
      looked(registry, nowMs + ms);
      open.push(registry.size.open);
    }
    expect(open).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    registry.send({ subject: "alice", instanceId: "0" }, message("a"), nowMs);
    expect(lines(registry.end(nowMs))).toEqual(["answer a gone"]);
    expect(registry.size.remembered).toBe(0);
  });
});

describe("SessionRegistry after ten thousand connects and disconnects", () => {
  it.each([true, false])("has nothing left, whether they left or broke: %s", (left) => {
    const registry = newRegistry();
    for (let n = 0; n < 10_000; n++) {
      const peer = { subject: `user-${n % 4000}`, instanceId: `${n}` };
      registry.open(peer, opening(`s${n}`, { token: tokenOf(peer.subject) }), nowMs + n);
      registry.send(peer, message("a"), nowMs + n);
      registry.from({ kind: "lost", sessionId: `s${n}`, left }, nowMs + n);
    }
    expect(registry.size.bytes).toBeLessThanOrEqual(rules.totalBytes);
    looked(registry, nowMs + 10_000 + rules.keepMs);
    expect(registry.size).toEqual({ open: 0, peers: 0, bytes: 0, remembered: 0 });
  });
});

describe("SessionRegistry of a peer that is lost and comes back every minute of a token of eight hours", () => {
  it("remembers no more of it at the end than at the beginning", () => {
    const registry = newRegistry();
    const token = tokenOf("alice", nowMs + 8 * hourMs);
    registry.open(alice, opening("s0", { token }), nowMs);
    const { remembered } = registry.size;
    for (let n = 1; n < 480; n++) {
      const atMs = nowMs + n * 60_001;
      registry.from({ kind: "lost", sessionId: `s${n - 1}`, left: false }, atMs);
      registry.open(alice, opening(`s${n}`, { token }), atMs);
      looked(registry, atMs + 60_000);
    }
    expect(registry.size.open).toBe(1);
    expect(registry.size.remembered).toBeLessThanOrEqual(remembered + 2);
  });
});

describe("SessionRegistry in any history", () => {
  const peer = fc.record({ subject: fc.constantFrom("a", "b"), instanceId: fc.constantFrom("1", "2", "3") });
  const event = fc.record({
    what: fc.constantFrom(
      "open",
      "resume",
      "lose",
      "leave",
      "send",
      "hear",
      "confirm",
      "take",
      "renew",
      "revoke",
      "pass",
    ),
    peer,
    n: fc.nat(6),
  });

  it("keeps its bounds, counts right, answers each message once, and has nothing left in the end", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (history) => {
        const registry = newRegistry({ peers: 4, peersOfSubject: 2, totalBytes: 60 });
        const open = new Map<string, string>();
        const pending = new Set<string>();
        let [atMs, count] = [nowMs, 0];
        const take = (effects: RegistryEffects = []): void => {
          for (const { peer: of, effect } of effects) {
            const key = JSON.stringify(of);
            if (effect.kind === "accept") open.set(key, effect.sessionId);
            if (effect.kind === "close" && open.get(key) === effect.sessionId) open.delete(key);
            if (effect.kind === "answer") expect(pending.delete(effect.id)).toBe(true);
            if (effect.kind === "transmit") expect(open.get(key)).toBe(effect.sessionId);
          }
        };
        for (const { what, peer: of, n } of history) {
          const key = JSON.stringify(of);
          const sessionId = open.get(key) ?? `s${n}`;
          const next = `s${++count}`;
          const token = tokenOf(of.subject, atMs + hourMs);
          if (what === "open") take(registry.open(of, { sessionId: next, token }, atMs));
          else if (what === "resume")
            take(registry.open(of, { sessionId: next, token, resume: { sessionId, received: n } }, atMs));
          else if (what === "lose" || what === "leave") {
            const owner = [...open].find(([, id]) => id === sessionId)?.[0];
            open.delete(owner ?? "");
            take(registry.from({ kind: "lost", sessionId, left: what === "leave" }, atMs));
          } else if (what === "send") {
            pending.add(next);
            take(registry.send(of, message(next), atMs));
          } else if (what === "hear")
            take(registry.from({ kind: "heard", sessionId, message: { seq: n + 1, ...message(next) } }, atMs));
          else if (what === "confirm") take(registry.from({ kind: "confirmed", sessionId, seq: n }, atMs));
          else if (what === "take") take(registry.taken(of, { lineage: sessionId, seq: n }, atMs));
          else if (what === "renew") take(registry.renew(sessionId, token, atMs));
          else if (what === "revoke")
            take(registry.revoke({ kind: "grant", value: `g-${of.subject}`, atMs, endsAtMs: Infinity }, atMs));
          else take(looked(registry, (atMs += n * 20_000)));
          const { size } = registry;
          expect(size.peers).toBeLessThanOrEqual(4);
          expect(size.bytes).toBeLessThanOrEqual(60);
          expect(size.open).toBe(open.size);
        }
        take(registry.end(atMs));
        expect(pending.size).toBe(0);
        expect(registry.size).toEqual({ open: 0, peers: 0, bytes: 0, remembered: 0 });
      }),
      { numRuns: 500 },
    );
  });
});
