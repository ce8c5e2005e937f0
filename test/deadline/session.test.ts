import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { renewAtMs } from "../../src/deadline/renewal.ts";
import { sessionDeadlines } from "../../src/deadline/session.ts";

const nowMs = 1_800_000_000_000;
const [second, hour] = [1000, 3_600_000];
const jitters = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("sessionDeadlines", () => {
  it.each([
    [10 * second, 0, 8500],
    [10 * second, 0.75, 8400],
    [40 * second, 0, 35 * second],
    [60 * second, 0, 54 * second],
    [60 * second, 0.5, 51.6 * second],
    [8 * hour, 0, 7.2 * hour],
    [8 * hour, 0.5, 6.88 * hour],
  ])("of %d ms that are left, with jitter %d, the owner is to be back within %d", (leftMs, jitter, expected) => {
    const { reconnectBeforeMs = 0 } = sessionDeadlines({ nowMs, expiresAtMs: nowMs + leftMs, graceMs: 25_000, jitter });
    expect(reconnectBeforeMs - nowMs).toBeCloseTo(expected, 3);
  });

  it("closes after the end and the grace", () => {
    const opened = { nowMs, expiresAtMs: nowMs + hour, graceMs: 25_000, jitter: 0 };
    expect(sessionDeadlines(opened)).toMatchObject({ expiresAtMs: nowMs + hour, closesAtMs: nowMs + hour + 25_000 });
  });

  it("has none for a token without an end", () => {
    expect(sessionDeadlines({ nowMs, graceMs: 25_000, jitter: 0 })).toEqual({});
  });

  it("lies after the owner's own renewal and before the end, whenever in the token's life the session was opened", () => {
    const opened = fc.record({
      lifeMs: fc.integer({ min: 60 * second, max: 8 * hour }),
      lived: fc.double({ min: 0, max: 0.99, noNaN: true }),
      own: jitters,
      its: jitters,
    });
    fc.assert(
      fc.property(opened, ({ lifeMs, lived, own, its }) => {
        const receivedAtMs = nowMs - lived * lifeMs;
        const expiresAtMs = receivedAtMs + lifeMs;
        const { reconnectBeforeMs = 0 } = sessionDeadlines({ nowMs, expiresAtMs, graceMs: 0, jitter: its });
        expect(reconnectBeforeMs).toBeGreaterThan(nowMs);
        expect(reconnectBeforeMs).toBeLessThan(expiresAtMs);
        expect(reconnectBeforeMs).toBeGreaterThan(renewAtMs({ receivedAtMs, expiresAtMs }, own));
      }),
    );
  });
});
