import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  hasEnded,
  isDueAtStart,
  isDueOnUse,
  type Life,
  keepAliveAtMs,
  lifeOf,
  renewAtMs,
  throttledUntilMs,
} from "../../src/deadline/renewal.ts";

const receivedAtMs = 1_800_000_000_000;
const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000];
const lasting = (lifeMs: number): Life => ({ receivedAtMs, expiresAtMs: receivedAtMs + lifeMs });
const lives = fc.integer({ min: second, max: 90 * day });
const jitters = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("lifeOf", () => {
  it.each([
    [
      "expires_in counts from receipt, whatever exp and the clocks say",
      { expiresInSeconds: 60, exp: 1, serverNowMs: 5 },
      minute,
    ],
    [
      "exp is of the issuer's clock: one that is ahead",
      { exp: receivedAtMs / 1000 + 60, serverNowMs: receivedAtMs + 10_000 },
      50_000,
    ],
    [
      "exp is of the issuer's clock: one that is behind",
      { exp: receivedAtMs / 1000 + 60, serverNowMs: receivedAtMs - 10_000 },
      70_000,
    ],
    ["exp alone is taken at its word", { exp: receivedAtMs / 1000 + 60 }, minute],
  ])("%s", (_, said, lifeMs) => {
    expect(lifeOf({ receivedAtMs, ...said })).toEqual(lasting(lifeMs));
  });

  it("has no end where none is said", () => {
    expect(lifeOf({ receivedAtMs })).toEqual({ receivedAtMs });
  });
});

describe("renewAtMs", () => {
  it.each([
    [second, 0, 800],
    [second, 0.999, 800],
    [1250, 0.999, second],
    [2 * second, 0, 1600],
    [10 * second, 0.8, 7200],
    [8 * hour, 0, 6.4 * hour],
    [15 * hour, 0, 12 * hour],
    [90 * day, 0, 12 * hour],
    [90 * day, 0.8, 10.8 * hour],
  ])("of a life of %d ms with jitter %d it is %d ms after receipt", (lifeMs, jitter, expected) => {
    expect(renewAtMs(lasting(lifeMs), jitter) - receivedAtMs).toBeCloseTo(expected, 3);
  });

  it("is six hours away, less jitter, where a token has no end", () => {
    expect(renewAtMs({ receivedAtMs }, 0)).toBe(receivedAtMs + 6 * hour);
    expect(renewAtMs({ receivedAtMs }, 0.8)).toBeCloseTo(receivedAtMs + 5.4 * hour, 3);
  });

  it("lies before the end by a fifth of the life, or more, and is at once for a token that has ended", () => {
    fc.assert(
      fc.property(lives, jitters, (lifeMs, jitter) => {
        const afterMs = renewAtMs(lasting(lifeMs), jitter) - receivedAtMs;
        expect(afterMs).toBeGreaterThan(0);
        expect(afterMs).toBeLessThanOrEqual(Math.min(0.8 * lifeMs, 12 * hour) + 1e-3);
        expect(afterMs).toBeGreaterThanOrEqual(Math.min(0.7 * lifeMs, 10.5 * hour) - 1e-3);
      }),
    );
    expect(renewAtMs(lasting(-minute), 0.5)).toBe(receivedAtMs);
  });

  it("spreads tokens that came together over a tenth of their life", () => {
    const at = [0, 0.25, 0.5, 0.75].map((jitter) => renewAtMs(lasting(hour), jitter));
    expect(at.map((ms) => Math.round((ms - receivedAtMs) / minute))).toEqual([48, 47, 45, 44]);
  });
});

describe("isDueOnUse", () => {
  it.each([
    [8 * hour, minute, false],
    [8 * hour, minute - 1, true],
    [2 * minute, 24 * second, false],
    [2 * minute, 24 * second - 1, true],
    [second, 200, false],
    [second, 199, true],
    [second, -1, true],
  ])("of a life of %d ms with %d ms left: %s", (lifeMs, leftMs, expected) => {
    expect(isDueOnUse(lasting(lifeMs), receivedAtMs + lifeMs - leftMs)).toBe(expected);
  });

  it("never holds for a token without an end", () => {
    expect(isDueOnUse({ receivedAtMs }, receivedAtMs + 90 * day)).toBe(false);
  });
});

describe("isDueAtStart", () => {
  it.each([
    [8 * hour, 30 * minute, false],
    [8 * hour, 30 * minute - 1, true],
    [16 * second, second, false],
    [16 * second, second - 1, true],
  ])("of a life of %d ms with %d ms left: %s", (lifeMs, leftMs, expected) => {
    expect(isDueAtStart(lasting(lifeMs), receivedAtMs + lifeMs - leftMs)).toBe(expected);
  });
});

describe("hasEnded", () => {
  it("is exclusive: at the end it has", () => {
    expect(hasEnded(lasting(second), receivedAtMs + 999)).toBe(false);
    expect(hasEnded(lasting(second), receivedAtMs + 1000)).toBe(true);
    expect(hasEnded({ receivedAtMs }, Number.MAX_SAFE_INTEGER)).toBe(false);
  });
});

describe("keepAliveAtMs", () => {
  it.each([
    [day, 0, 0.8 * day],
    [day, 0.8, 0.72 * day],
    [90 * day, 0, 72 * day],
    [-minute, 0, 0],
  ])("of a life of %d ms with jitter %d it is %d ms after receipt", (lifeMs, jitter, expected) => {
    expect(keepAliveAtMs(lasting(lifeMs), jitter) - receivedAtMs).toBeCloseTo(expected, 3);
  });

  it("never comes for a token without an end", () => {
    expect(keepAliveAtMs({ receivedAtMs }, 0.5)).toBe(Infinity);
  });
});

describe("throttledUntilMs", () => {
  it.each([
    [hour, 0, second],
    [hour, 1, 2 * second],
    [hour, 5, 32 * second],
    [hour, 6, minute],
    [hour, 5000, minute],
    [minute, 6, 42 * second],
    [second, 0, 700],
    [0, 0, 700],
    [-hour, 6, 700],
  ])("of a life of %d ms after %d refusals in a row it is %d ms after receipt", (lifeMs, refusals, expected) => {
    expect(throttledUntilMs(lasting(lifeMs), refusals) - receivedAtMs).toBeCloseTo(expected, 3);
  });

  it("holds back no renewal that is due, whatever was refused", () => {
    fc.assert(
      fc.property(lives, jitters, fc.nat(100), (lifeMs, jitter, refusals) => {
        const life = lasting(lifeMs);
        const untilMs = throttledUntilMs(life, refusals);
        expect(untilMs).toBeLessThanOrEqual(renewAtMs(life, jitter) + 1e-3);
        expect(isDueOnUse(life, untilMs - 1)).toBe(false);
      }),
    );
  });
});
