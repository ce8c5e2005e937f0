import { describe, expect, test } from "vitest";
import { copyLife, propagationMs, silenceMs } from "../../src/holder/freshness.ts";
import { reduce } from "../../src/holder/reduce.ts";
import { type HolderState, newHolder } from "../../src/holder/state.ts";
import type { Ring } from "../../src/ring/ring.ts";
import { opened } from "../gateway/support/rings.ts";

const minute = 60_000;
const nowMs = Date.UTC(2026, 10, 21, 10);
const startMs = 5000;

/** Rings whose keys wait so long, with a max-age as the ring has it: at most 15 min. */
function waiting(waitMs: number): Partial<Ring> {
  const { signer, standby, settings } = opened({ generation: 5 }).ring;
  return {
    signer: { ...signer, waitMs },
    ...(standby && { standby: { ...standby, waitMs } }),
    settings: { ...settings, jwksMaxAgeMs: Math.min(waitMs, 15 * minute) },
  };
}

const start = (): HolderState => newHolder({ rotation: "gateway", acks: "off", fenced: true }, undefined, startMs);

/** Heard at `nowMs` and `startMs`. */
function heard(waitMs: number, generation = 5, state = start()): HolderState {
  const ring = opened({ generation, change: waiting(waitMs) });
  return reduce(state, { type: "read", askedAtMs: nowMs, ring }, startMs);
}

const after = (ms: number) => ({ nowMs: nowMs + ms, monotonicMs: startMs + ms });

describe("copyLife", () => {
  test.each([
    [30, 0, { kind: "kept", maxAgeMs: 15 * minute }],
    [30, 15, { kind: "kept", maxAgeMs: 15 * minute }],
    [30, 20, { kind: "kept", maxAgeMs: 10 * minute }],
    [30, 30, { kind: "none" }],
    [10, 0, { kind: "kept", maxAgeMs: 10 * minute }],
    [10, 1, { kind: "kept", maxAgeMs: 9 * minute }],
    [10, 10, { kind: "none" }],
  ])("with a wait of %i min, %i min after the last word: %j", (wait, silent, expected) => {
    expect(copyLife(heard(wait * minute), after(silent * minute))).toEqual(expected);
  });

  test.each([
    [1000, 999, { kind: "kept", maxAgeMs: 1 }],
    [1000, 1000, { kind: "once" }],
    [1000, 14_999, { kind: "once" }],
    [1000, 15_000, { kind: "none" }],
    [0, 0, { kind: "once" }],
    [15_001, 15_000, { kind: "kept", maxAgeMs: 1 }],
    [15_001, 15_001, { kind: "none" }],
  ])("with a wait of %i ms, shorter than 15 s, after %i ms: %j", (waitMs, silentMs, expected) => {
    expect(copyLife(heard(waitMs), after(silentMs))).toEqual(expected);
  });

  test("no copy ever lives longer than the wait that began with the last word", () => {
    for (const waitMs of [2 * minute, 15 * minute, 40 * minute])
      for (let ms = 0; ms < waitMs; ms += 10_007) {
        const life = copyLife(heard(waitMs), after(ms));
        expect(life.kind === "kept" ? ms + life.maxAgeMs : 0).toBeLessThanOrEqual(waitMs);
      }
  });

  test("is once before the first word, counted from the start, and none after the wait", () => {
    const ring = opened({ generation: 5, change: waiting(30 * minute) });
    const state = reduce(start(), { type: "shown", source: "mount", ring }, startMs);
    expect(copyLife(state, after(0)).kind).toBe("once");
    expect(copyLife(state, after(30 * minute - 1)).kind).toBe("once");
    expect(copyLife(state, after(30 * minute)).kind).toBe("none");
  });

  test("is once while degraded, and while the source shows an older ring", () => {
    expect(copyLife({ ...heard(30 * minute), degraded: true }, after(0)).kind).toBe("once");
    const older = heard(30 * minute, 4, heard(30 * minute));
    expect(copyLife(older, after(0)).kind).toBe("once");
    expect(copyLife(heard(30 * minute, 6, older), after(0)).kind).toBe("kept");
  });

  test("is none without a ring", () => {
    expect(copyLife(start(), after(0))).toEqual({ kind: "none" });
  });

  const later = { askedAtMs: nowMs + minute };
  test.each([
    ["no ring is a word of a server", { type: "read", ...later, isServer: true }, [0, "once"]],
    ["none of a directory, which may be cut off", { type: "read", ...later, isServer: false }, [minute, "kept"]],
    ["what is no ring is a word of a server", { type: "unfit", source: "truth", problem: "", ...later }, [0, "once"]],
    ["none of a directory or a watch", { type: "unfit", source: "watch", problem: "" }, [minute, "kept"]],
  ] as const)("%s", (_, event, expected) => {
    const state = reduce(heard(30 * minute), event, startMs + minute);
    expect([silenceMs(state, after(minute)), copyLife(state, after(minute)).kind]).toEqual(expected);
  });
});

describe("silenceMs", () => {
  test.each([
    ["a wall clock that was set back", { nowMs: nowMs - 60 * minute, monotonicMs: startMs + minute }, minute],
    ["a machine that slept", { nowMs: nowMs + 60 * minute, monotonicMs: startMs + minute }, 60 * minute],
    ["an answer that was long on its way", { nowMs: nowMs + 5000, monotonicMs: startMs }, 5000],
  ])("after %s takes the clock that says more", (_, now, expected) => {
    expect(silenceMs(heard(minute), now)).toBe(expected);
  });
});

test("propagationMs is the shortest wait of the keys that are to sign, and at least the max-age", () => {
  const { ring } = opened({ generation: 5 });
  const of = (signer: number, standby: number, maxAge: number): number =>
    propagationMs({
      ...ring,
      signer: { ...ring.signer, waitMs: signer },
      ...(ring.standby && { standby: { ...ring.standby, waitMs: standby } }),
      settings: { ...ring.settings, jwksMaxAgeMs: maxAge },
    });
  expect([of(3, 5, 1), of(5, 3, 1), of(3, 3, 4)]).toEqual([3, 3, 4]);
});
