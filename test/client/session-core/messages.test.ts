import { describe, expect, test } from "vitest";
import { IncomingMessages } from "../../../src/client/session-core/incoming-messages.ts";
import { OutgoingMessages } from "../../../src/client/session-core/outgoing-messages.ts";

const message = (id: string, bytes = 1) => ({ id, payload: new Uint8Array(bytes) });
const anew = { isResumed: false, received: 0, queueMessages: 2, queueBytes: 10 };

describe("OutgoingMessages", () => {
  const ids = (out: OutgoingMessages): readonly string[] => {
    const sent: string[] = [];
    for (let next = out.next(); next; next = out.next()) sent.push(`${next.seq} ${next.id}`);
    return sent;
  };

  function holding(...names: readonly string[]): OutgoingMessages {
    const out = new OutgoingMessages();
    for (const name of names) out.add(message(name));
    return out;
  }

  test("says nothing before a session is there", () => {
    expect(holding("a").next()).toBeUndefined();
  });

  test("numbers from 1, and lets no more be under way than the gateway takes", () => {
    const out = holding("a", "b", "c");
    out.begin(anew);
    expect(ids(out)).toEqual(["1 a", "2 b"]);
    expect(out.confirm(1)).toEqual(["a"]);
    expect(ids(out)).toEqual(["3 c"]);
    expect(out.size).toEqual({ queued: 0, queuedBytes: 0, unconfirmed: 2 });
  });

  test("counts bytes: the one that fits exactly goes, one more byte waits", () => {
    const out = new OutgoingMessages();
    for (const one of [message("a", 4), message("b", 6), message("c", 1)]) out.add(one);
    out.begin({ ...anew, queueMessages: 9 });
    expect(ids(out)).toEqual(["1 a", "2 b"]);
    out.confirm(2);
    expect(ids(out)).toEqual(["3 c"]);
  });

  test("names what will never fit, once nothing is under way", () => {
    const out = new OutgoingMessages();
    for (const one of [message("a", 1), message("b", 11), message("c", 1)]) out.add(one);
    out.begin(anew);
    expect(ids(out)).toEqual(["1 a"]);
    expect(out.oversized()).toBeUndefined();
    out.confirm(1);
    expect([out.next(), out.oversized(), out.oversized()]).toEqual([undefined, "b", undefined]);
    expect(ids(out)).toEqual(["2 c"]);
  });

  test("goes on: what the application has is confirmed, the rest goes again in order", () => {
    const out = holding("a", "b", "c");
    out.begin(anew);
    ids(out);
    const after = out.begin({ ...anew, isResumed: true, received: 1 });
    expect(after).toMatchObject({ confirmed: ["a"], doubtful: [], again: [{ seq: 2, id: "b" }] });
    expect(ids(out)).toEqual(["3 c"]);
  });

  test("begins anew: what was sent is in doubt, what was not is sent from 1", () => {
    const out = holding("a", "b", "c");
    out.begin(anew);
    ids(out);
    expect(out.begin(anew)).toEqual({ confirmed: [], doubtful: ["a", "b"], again: [] });
    expect(ids(out)).toEqual(["1 c"]);
  });

  test("ends: what was sent is in doubt, what was not was not", () => {
    const out = holding("a", "b", "c");
    out.begin(anew);
    ids(out);
    expect(out.end()).toEqual({ doubtful: ["a", "b"], unsent: ["c"] });
    expect(out.size).toEqual({ queued: 0, queuedBytes: 0, unconfirmed: 0 });
  });
});

describe("IncomingMessages", () => {
  const begin = { isResumed: false, queueMessages: 8 };

  function hearing(...names: readonly string[]): IncomingMessages {
    const messages = new IncomingMessages();
    messages.begin(begin);
    for (const [index, id] of names.entries()) expect(messages.heard({ seq: index + 1, id })).toBe("new");
    return messages;
  }

  test("confirms what was taken, and all before it", () => {
    const messages = hearing("a", "b", "c");
    expect([messages.take("b"), messages.takenSeq]).toEqual([false, 0]);
    expect([messages.take("a"), messages.takenSeq]).toEqual([true, 2]);
    expect([messages.take("a"), messages.take("unknown"), messages.takenSeq]).toEqual([false, false, 2]);
    expect([messages.take("c"), messages.takenSeq]).toEqual([true, 3]);
  });

  test("skips what comes again by its number, and finds what is missing", () => {
    const messages = hearing("a");
    expect(messages.heard({ seq: 1, id: "a" })).toBe("again");
    expect(messages.heard({ seq: 3, id: "c" })).toBe("gap");
    expect(messages.heard({ seq: 2, id: "b" })).toBe("new");
  });

  test("skips what comes again under another number, and confirms it once it is taken", () => {
    const messages = hearing("a", "b");
    messages.take("a");
    messages.begin(begin);
    expect(messages.takenSeq).toBe(0);
    expect([messages.heard({ seq: 1, id: "a" }), messages.takenSeq]).toEqual(["again", 1]);
    expect([messages.heard({ seq: 2, id: "b" }), messages.takenSeq]).toEqual(["again", 1]);
    expect([messages.take("b"), messages.takenSeq]).toEqual([true, 2]);
  });

  test("counts on after a session that goes on", () => {
    const messages = hearing("a");
    messages.take("a");
    messages.begin({ ...begin, isResumed: true });
    expect([messages.heard({ seq: 2, id: "b" }), messages.takenSeq]).toEqual(["new", 1]);
  });

  test.each([
    [8, 1024],
    [2000, 2000],
  ])("remembers ids: of a gateway that lets %d wait %d", (queueMessages, remembered) => {
    const messages = new IncomingMessages();
    messages.begin({ isResumed: false, queueMessages });
    const names = Array.from({ length: remembered + 1 }, (_, n) => `m${n}`);
    for (const [index, id] of names.entries()) {
      messages.heard({ seq: index + 1, id });
      messages.take(id);
    }
    messages.begin(begin);
    expect(messages.heard({ seq: 1, id: "m1" })).toBe("again");
    expect(messages.heard({ seq: 2, id: "m0" })).toBe("new");
  });
});
