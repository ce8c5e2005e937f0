import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { comeBackAtMs } from "../../src/deadline/come-back.ts";
import { renewAtMs } from "../../src/deadline/renewal.ts";
import { sessionDeadlines } from "../../src/deadline/session.ts";

const [second, hour] = [1000, 3_600_000];
const jitters = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("comeBackAtMs", () => {
  it.each([
    [0, 480 * second],
    [0.5, 493.5 * second],
    [0.999_999_999, 507 * second],
  ])("of ten minutes, of which 86 %% may be used, with jitter %d is %d", (jitter, expected) => {
    const known = { openedAtMs: 0, expiresAtMs: 600 * second, reconnectBeforeMs: 516 * second };
    expect(comeBackAtMs(known, jitter)).toBeCloseTo(expected, 3);
  });

  it("is never where the gateway asks for nothing", () => {
    expect(comeBackAtMs({ openedAtMs: 0 }, 0)).toBe(Infinity);
    expect(comeBackAtMs({ openedAtMs: 0, expiresAtMs: hour }, 0)).toBe(Infinity);
  });

  it("is the instant itself where a gateway asks for the next session before the token is renewed", () => {
    const known = { openedAtMs: 0, expiresAtMs: hour, reconnectBeforeMs: hour / 2 };
    expect(comeBackAtMs(known, 0.5)).toBe(hour / 2);
  });

  it("lies after the keeper's renewal and before the deadline, for lives of 60 s to 8 h, whenever the session was opened (S2, S3)", () => {
    const opened = fc.record({
      lifeMs: fc.integer({ min: 60 * second, max: 8 * hour }),
      lived: fc.double({ min: 0, max: 0.8, noNaN: true }),
      ...{ keepers: jitters, gateways: jitters, own: jitters },
    });
    fc.assert(
      fc.property(opened, ({ lifeMs, lived, keepers, gateways, own }) => {
        const openedAtMs = lived * lifeMs;
        const deadlines = sessionDeadlines({ nowMs: openedAtMs, expiresAtMs: lifeMs, graceMs: 0, jitter: gateways });
        const atMs = comeBackAtMs({ openedAtMs, ...deadlines }, own);
        expect(atMs).toBeGreaterThanOrEqual(renewAtMs({ receivedAtMs: 0, expiresAtMs: lifeMs }, keepers));
        expect(atMs).toBeLessThan(deadlines.reconnectBeforeMs ?? 0);
      }),
    );
  });
});
