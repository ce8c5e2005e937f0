import { beforeEach, describe, expect, it, vi } from "vitest";
import { Diary } from "./diary.ts";
import { type Answer, Ledger, type Token } from "./ledger.ts";

const startMs = Date.UTC(2026, 0, 1);
let ledger: Ledger;
let token: Token;

beforeEach(() => {
  vi.useFakeTimers({ now: startMs });
  ledger = new Ledger(new Diary());
  token = ledger.minted({ text: "…", kid: "k1", minter: "gw-1", mintedAtMs: startMs, endsAtMs: startMs + 10_000 });
});

const answer = (says: Answer["says"], afterMs: number, more: Partial<Answer> = {}): Answer => ({
  ...{ by: "gw-2", says, askedAtMs: startMs + afterMs, answeredAtMs: startMs + afterMs },
  ...more,
});

const wrongs = (): unknown => Object.fromEntries(ledger.wrongs);

describe("a token whose kid nobody revoked", () => {
  it("may not be refused before half a second of its end", () => {
    ledger.answered(token, answer("refuses", 9501));
    expect(wrongs()).toEqual({});
    ledger.answered(token, answer("refuses", 9500));
    expect(wrongs()).toEqual({ "valid refused": 1 });
  });

  it("is right to be accepted", () => {
    ledger.answered(token, answer("accepts", 5000));
    expect(wrongs()).toEqual({});
    expect(ledger.numbers).toMatchObject({ minted: 1, verifications: 1 });
  });
});

describe("a token of a revoked kid", () => {
  beforeEach(() => {
    ledger.revoking("k1");
  });

  it("may be refused, and accepted until it is acknowledged", () => {
    ledger.answered(token, answer("refuses", 1));
    ledger.answered(token, answer("accepts", 2000));
    expect(wrongs()).toEqual({});
    expect(ledger.longestRevocationMs).toBe(2000);
  });

  it("may not be accepted by who was asked after its own ack", () => {
    vi.setSystemTime(startMs + 1000);
    ledger.acknowledged("gw-2", ["k2"]);
    ledger.answered(token, answer("accepts", 1000));
    expect(wrongs()).toEqual({});
    ledger.answered(token, answer("accepts", 1001));
    expect(wrongs()).toEqual({ "revoked accepted after its own ack": 1 });
  });

  it("is not acknowledged by an ack that still has the kid, or that is another's", () => {
    ledger.acknowledged("gw-2", ["k1", "k2"]);
    ledger.acknowledged("gw-3", ["k2"]);
    ledger.answered(token, answer("accepts", 5000));
    expect(wrongs()).toEqual({});
  });

  it("may not be accepted by anybody after all acks, nor by a copy that was fetched later", () => {
    vi.setSystemTime(startMs + 1000);
    ledger.acknowledgedByAll("k1");
    ledger.answered(token, answer("accepts", 5000, { copied: { atMs: startMs + 900, from: "gw-1" } }));
    expect(wrongs()).toEqual({});
    ledger.answered(token, answer("accepts", 5000, { copied: { atMs: startMs + 1001, from: "gw-1" } }));
    ledger.answered(token, answer("accepts", 1001, { by: "gw-9" }));
    expect(wrongs()).toEqual({ "revoked accepted after all acks": 2 });
  });
});

it("tells the story: the token without its text, who said what, and which troubles were on", () => {
  const diary = new Diary();
  ledger = new Ledger(diary);
  diary.began("etcd restored");
  const ended = diary.began("gateway killed");
  ended();
  ledger.answered(token, answer("refuses", 1000, { why: "signature 1" }));
  expect(ledger.stories).toEqual([
    [
      "00:00:00.000 valid refused: gw-2, asked at 00:00:01.000, refuses token 1 (kid k1, minted by gw-1 at 00:00:00.000, good until 00:00:10.000): signature 1",
      "    00:00:00.000 etcd restored, still on",
      "    00:00:00.000 gateway killed, until 00:00:00.000",
    ].join("\n"),
  ]);
});

it("counts a token of a key that nobody has, and more than one signer", () => {
  ledger.foreign("gw-1", "refuses");
  ledger.signers(1, "here");
  expect(wrongs()).toEqual({});
  ledger.foreign("gw-1", "accepts");
  ledger.signers(2, "here");
  expect(wrongs()).toEqual({ "foreign accepted": 1, "more than one signer": 1 });
});

describe("a key that took over from a revoked signer", () => {
  const of = (kid: string): Token =>
    ledger.minted({ text: "…", kid, minter: "gw-1", mintedAtMs: startMs, endsAtMs: startMs + 10_000 });

  it("need not be known to who has not acknowledged it, nor to copies of before", () => {
    ledger.revoking("k1");
    const early = of("k2");
    ledger.answered(early, answer("refuses", 1));
    vi.setSystemTime(startMs + 1000);
    ledger.acknowledged("gw-2", ["k2"]);
    ledger.answered(early, answer("refuses", 2000, { by: "a copy", copied: { atMs: startMs + 999, from: "gw-2" } }));
    expect(wrongs()).toEqual({});
    expect(ledger.numbers.tooEarly).toBe(2);
    ledger.answered(early, answer("refuses", 2000, { by: "a copy", copied: { atMs: startMs + 1000, from: "gw-2" } }));
    ledger.answered(early, answer("refuses", 2000));
    expect(wrongs()).toEqual({ "valid refused": 2 });
  });

  it("is the only one that may be: the next waits until everybody knows it", () => {
    ledger.revoking("k1");
    of("k2");
    ledger.answered(of("k3"), answer("refuses", 1));
    expect(wrongs()).toEqual({ "valid refused": 1 });
  });

  it("may be one that a recovery has made", () => {
    ledger.recovering();
    ledger.answered(of("k2"), answer("refuses", 1));
    vi.setSystemTime(startMs + 60_000);
    ledger.answered(of("k3"), answer("refuses", 2));
    expect(wrongs()).toEqual({ "valid refused": 1 });
  });
});
