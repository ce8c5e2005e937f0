import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clockWaitMs, movedBack, setBackMs } from "../../src/deadline/clock-look.ts";
import { hasEnded, type Life, renewAtMs } from "../../src/deadline/renewal.ts";

const receivedAtMs = 1_800_000_000_000;
const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000];
const lasting = (lifeMs: number): Life => ({ receivedAtMs, expiresAtMs: receivedAtMs + lifeMs });
const jitters = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("clockWaitMs", () => {
  it("is never longer than 30 s, so that a jump of the clock or a sleep is seen, and 0 when it is time", () => {
    expect(clockWaitMs(receivedAtMs + hour, receivedAtMs)).toBe(30 * second);
    expect(clockWaitMs(receivedAtMs + 500, receivedAtMs)).toBe(500);
    expect(clockWaitMs(receivedAtMs, receivedAtMs)).toBe(0);
    expect(clockWaitMs(receivedAtMs - day, receivedAtMs)).toBe(0);
  });

  it("renews in time on a machine whose clock jumps or that sleeps, whenever that is less than a fifth of the life", () => {
    const jumps = fc.array(fc.integer({ min: 0, max: 5 * minute }), { maxLength: 5 });
    fc.assert(
      fc.property(fc.integer({ min: hour, max: 90 * day }), jitters, jumps, (lifeMs, jitter, jumpsMs) => {
        const life = lasting(lifeMs);
        const atMs = renewAtMs(life, jitter);
        let nowMs = receivedAtMs;
        let looks = 0;
        for (const jumpMs of jumpsMs) nowMs += clockWaitMs(atMs, nowMs) + jumpMs;
        for (let waitMs = clockWaitMs(atMs, nowMs); waitMs > 0 && looks < 20_000; waitMs = clockWaitMs(atMs, nowMs)) {
          nowMs += waitMs;
          looks++;
        }
        expect(nowMs).toBeGreaterThanOrEqual(atMs);
        expect(hasEnded(life, nowMs)).toBe(false);
      }),
      { numRuns: 50 },
    );
  });
});

describe("setBackMs", () => {
  const at = (nowMs: number, monotonicMs: number): { nowMs: number; monotonicMs: number } => ({ nowMs, monotonicMs });
  it.each([
    ["both went on", at(minute, minute), 0],
    ["the wall clock was set back", at(minute - day, minute), day],
    ["it is slewed by a second", at(minute - second, minute), 0],
    ["it is slewed by more", at(minute - second - 1, minute), second + 1],
    ["it was set ahead", at(minute + day, minute), 0],
    ["the machine slept", at(day, second), 0],
  ])("%s", (_, now, expected) => {
    expect(setBackMs(at(0, 0), now)).toBe(expected);
  });
});

describe("movedBack", () => {
  it("moves both ends, so that what is left stays", () => {
    expect(movedBack(lasting(hour), day)).toEqual({
      receivedAtMs: receivedAtMs - day,
      expiresAtMs: receivedAtMs - day + hour,
    });
    expect(movedBack({ receivedAtMs }, day)).toEqual({ receivedAtMs: receivedAtMs - day });
  });

  it("lets nobody miss the renewal, however the clock is set while the token lives, and whatever sleeps a fifth of its life", () => {
    const troubles = fc.array(
      fc.record({
        setMs: fc.integer({ min: -400 * day, max: 400 * day }),
        sleepShare: fc.double({ min: 0, max: 0.03, noNaN: true }),
      }),
      { maxLength: 6 },
    );
    const lives = fc.integer({ min: 40 * second, max: 90 * day });
    fc.assert(
      fc.property(lives, jitters, troubles, (lifeMs, jitter, happens) => {
        let life = lasting(lifeMs);
        // What nobody sees: how much of its life the token has really lived
        let [livedMs, wallMs, monotonicMs] = [0, receivedAtMs, 0];
        let seen = { nowMs: wallMs, monotonicMs };
        let looks = 0;
        while (clockWaitMs(renewAtMs(life, jitter), wallMs) > 0 && looks++ < 2000) {
          // Steps of a hundredth of the life: with 30 s a test of 90 days would not end
          const waitMs = Math.max(
            clockWaitMs(renewAtMs(life, jitter), wallMs),
            Math.min(lifeMs / 100, renewAtMs(life, jitter) - wallMs),
          );
          const { setMs, sleepShare } = happens[looks - 1] ?? { setMs: 0, sleepShare: 0 };
          const sleptMs = sleepShare * lifeMs;
          livedMs += waitMs + sleptMs;
          wallMs += waitMs + sleptMs + setMs;
          monotonicMs += waitMs;
          const backMs = setBackMs(seen, { nowMs: wallMs, monotonicMs });
          life = movedBack(life, backMs);
          seen = { nowMs: wallMs, monotonicMs };
        }
        expect(looks).toBeLessThan(2000);
        expect(livedMs).toBeLessThan(lifeMs);
      }),
      { numRuns: 200 },
    );
  });
});
