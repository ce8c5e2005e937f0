import { describe, expect, test } from "vitest";
import { type HolderEvent, reduce } from "../../src/holder/reduce.ts";
import { type Floor, type HolderState, newHolder, type Setup } from "../../src/holder/state.ts";
import type { Ack } from "../../src/ring/ack.ts";
import { confirmEveryMs, isSameAck, mintView, wants } from "../../src/holder/state-view.ts";
import { settings } from "../support/rings.ts";
import { hour, minute } from "../support/story.ts";
import { kid, opened, type RingPlan } from "../gateway/support/rings.ts";

const setup: Setup = { rotation: "gateway", acks: "off", fenced: true };
const nowMs = 1_000_000_000;

const read = (state: HolderState, plan: RingPlan, askedAtMs = nowMs): HolderState =>
  reduce(state, { type: "read", ring: opened(plan), askedAtMs }, 1);
const shown = (state: HolderState, plan: RingPlan): HolderState =>
  reduce(state, { type: "shown", source: "watch", ring: opened(plan) }, 1);
const fresh = (change: Partial<Setup> = {}, floor?: Floor): HolderState => newHolder({ ...setup, ...change }, floor, 0);

describe("mintView", () => {
  test("without a ring or a half has nothing to sign with", () => {
    expect(mintView(fresh(), nowMs)).toBe("no-half");
    const state = reduce(
      fresh(),
      { type: "read", ring: opened({ generation: 5 }, { half: false }), askedAtMs: nowMs },
      1,
    );
    expect(mintView(state, nowMs)).toBe("no-half");
  });

  test("ends at lastConfirmed + rotationWindow - 2 × clockSkew, counted from when the question was asked", () => {
    const state = read(fresh(), { generation: 5 });
    expect(mintView(state, nowMs + hour)).toMatchObject({
      half: { kid: kid(0) },
      fenceAtMs: nowMs + 2 * hour - 2 * minute,
    });
  });

  test("obeys the settings of the ring in memory", () => {
    const change = { settings: { ...settings, rotationWindowMs: hour, clockSkewMs: 0 } };
    expect(mintView(read(fresh(), { generation: 5, change }), nowMs)).toMatchObject({ fenceAtMs: nowMs + hour });
  });

  test("is not moved by a source that only shows the ring", () => {
    expect(mintView(shown(fresh(), { generation: 5 }), nowMs)).toBe("unconfirmed");
    const state = shown(read(fresh(), { generation: 5 }), { generation: 6 });
    expect(mintView(state, nowMs)).toMatchObject({ fenceAtMs: nowMs + 2 * hour - 2 * minute });
  });

  test("begins anew with another signer", () => {
    const state = shown(read(fresh(), { generation: 5 }), { generation: 6, signer: 1, standby: 2 });
    expect(mintView(state, nowMs)).toBe("unconfirmed");
    expect(mintView(read(state, { generation: 6, signer: 1, standby: 2 }), nowMs)).toMatchObject({
      half: { kid: kid(1) },
    });
  });

  test("takes no word about an older signer for one about this", () => {
    const state = shown(read(fresh(), { generation: 5 }), { generation: 6, signer: 1, standby: 2 });
    expect(mintView(read(state, { generation: 5 }), nowMs)).toBe("unconfirmed");
  });

  test("keeps the word about this signer when the source goes back to an older one", () => {
    const state = read(fresh(), { generation: 6, signer: 1, standby: 2 });
    expect(mintView(read(state, { generation: 5 }, nowMs + minute), nowMs + minute)).toMatchObject({
      half: { kid: kid(1) },
      fenceAtMs: nowMs + 2 * hour - 2 * minute,
    });
  });

  test.each([
    [nowMs - 1, "unconfirmed"],
    [nowMs, "a view"],
    [nowMs + 1, "a view"],
  ])("believes no confirmation from the future: at %i %s", (at, expected) => {
    const view = mintView(read(fresh(), { generation: 5 }), at);
    expect(typeof view === "string" ? view : "a view").toBe(expected);
  });

  test("has no fence where nobody can confirm", () => {
    expect(mintView(shown(fresh({ fenced: false }), { generation: 5 }), nowMs)).toMatchObject({ fenceAtMs: Infinity });
  });

  test("goes on after a restart within what was confirmed before", () => {
    const floor = { ring: opened({ generation: 5 }, { half: false }), refused: new Set<string>() };
    const confirmed = { kid: kid(0), askedAtMs: nowMs - hour };
    const state = shown(fresh({}, { ...floor, confirmed }), { generation: 5 });
    expect(mintView(state, nowMs)).toMatchObject({ fenceAtMs: nowMs + hour - 2 * minute });
    expect(mintView(shown(fresh({}, floor), { generation: 5 }), nowMs)).toBe("unconfirmed");
    const other = shown(fresh({}, { ...floor, confirmed }), { generation: 6, signer: 1, standby: 2 });
    expect(mintView(other, nowMs)).toBe("unconfirmed");
  });
});

describe("wants of a minter", () => {
  const state = read(fresh(), { generation: 5 });
  test.each([
    [nowMs - 1, "read"],
    [nowMs, "wait"],
    [nowMs + 19_999, "wait"],
    [nowMs + 20_000, "read"],
  ])("at %i: %s", (at, kind) => {
    expect(wants(state, at).kind).toBe(kind);
  });

  test("is a read at once for a signer that nobody has confirmed", () => {
    expect(wants(shown(state, { generation: 6, signer: 1, standby: 2 }), nowMs)).toEqual({ kind: "read" });
  });

  test("is a read in the same steps where nothing is signed, or on a mount alone: the keys that are served must be fresh", () => {
    const signless: HolderEvent = { type: "read", ring: opened({ generation: 5 }, { half: false }), askedAtMs: nowMs };
    for (const one of [fresh(), fresh({ fenced: false })]) {
      expect(wants(shown(one, { generation: 5 }), nowMs).kind).toBe("read");
      const heard = reduce(one, signless, 1);
      expect(wants(heard, nowMs)).toEqual({ kind: "wait", untilMs: nowMs + 20_000 });
    }
  });

  test.each([
    [{ rotationWindowMs: 160_001 }, 20_000],
    [{ rotationWindowMs: 80_000 }, 10_000],
  ])("confirmEveryMs is 20 s, and an eighth of a shorter rotation window: %j", (change, expected) => {
    const plan = { generation: 5, change: { settings: { ...settings, ...change } } };
    expect(confirmEveryMs(read(fresh(), plan))).toBe(expected);
    expect(confirmEveryMs(read(fresh({ pace: 0.75 }), plan))).toBe(0.75 * expected);
  });

  test.each([
    [80_000, 20_000],
    [20_000, 5000],
    [4000, 1000],
    [0, 1000],
  ])("confirmEveryMs is a quarter of a propagation wait of %i ms, and at least a second", (waitMs, expected) => {
    const { signer, standby } = opened({ generation: 5 }).ring;
    const keys = { signer: { ...signer, waitMs }, ...(standby && { standby: { ...standby, waitMs } }) };
    const change = { ...keys, settings: { ...settings, jwksMaxAgeMs: Math.min(waitMs, 1000) } };
    expect(confirmEveryMs(read(fresh(), { generation: 5, change }))).toBe(expected);
  });
});

describe("isSameAck", () => {
  const ack = { generation: 5, verifies: ["a", "b"], signs: "a" };
  test.each<readonly [Ack | undefined, Ack | undefined, boolean]>([
    [ack, { ...ack, verifies: ["b", "a"] }, true],
    [ack, { ...ack, generation: 6 }, false],
    [ack, { ...ack, verifies: ["a"] }, false],
    [ack, { ...ack, verifies: ["a", "c"] }, false],
    [ack, { ...ack, signs: "b" }, false],
    [ack, { generation: 5, verifies: ["a", "b"] }, false],
    [ack, { ...ack, sourceUnfit: true }, false],
    [ack, undefined, false],
    [undefined, undefined, true],
  ])("%j and %j: %s", (a, b, same) => {
    expect([isSameAck(a, b), isSameAck(b, a)]).toEqual([same, same]);
  });
});
