import { describe, expect, test } from "vitest";
import { ClockGuard } from "../../../src/standalone/loop/clock-guard.ts";
import { FakeTime, hour, minute, second } from "../fake-time.ts";
import { newWorld } from "../world.ts";

/** A world with a published standby, a retiring key and nothing to do for now. */
async function rotated() {
  const world = await newWorld();
  await world.runFor(hour + minute);
  const ring = await world.ring();
  return { world, ring };
}

describe("ClockGuard", () => {
  test.each([
    [29_999, true],
    [30_000, true],
    [30_001, false],
    [-30_000, true],
    [-30_001, false],
  ])("a clock that was set by %d ms is trusted: %s", async (jumpMs, trusted) => {
    const { world, ring } = await rotated();
    const guard = new ClockGuard(world.time);
    world.time.wallMs += jumpMs;
    expect(guard.check(ring).trusted).toBe(trusted);
  });

  test.each([
    ["forwards", 25 * second],
    ["backwards", -25 * second],
  ])("a step that is too small to hold anything, %s, never shortens a wait", async (_, jumpMs) => {
    const { world, ring } = await rotated();
    const guard = new ClockGuard(world.time);
    const { waitsFromMs } = guard.check(ring);
    world.time.pass(5 * second);
    world.time.wallMs += jumpMs;
    const after = guard.check(ring);
    expect(after.trusted).toBe(true);
    expect(after.nowMs - waitsFromMs).toBeLessThanOrEqual(5 * second);
    // A wait that begins now ends no earlier when the clock is set right again
    world.time.wallMs -= jumpMs;
    world.time.pass(5 * second);
    expect(guard.check(ring).nowMs - after.waitsFromMs).toBeLessThanOrEqual(5 * second);
  });

  test("a small step counts as the time once every wait of before it is over", async () => {
    const { world, ring } = await rotated();
    const guard = new ClockGuard(world.time);
    world.time.wallMs += 25 * second;
    expect(guard.check(ring).nowMs).toBe(world.time.nowMs() - 25 * second);
    world.time.pass(24 * minute - 1);
    expect(guard.check(ring).nowMs).toBe(world.time.nowMs() - 25 * second);
    world.time.pass(1);
    expect(guard.check(ring)).toMatchObject({ nowMs: world.time.nowMs(), waitsFromMs: world.time.nowMs() });
  });

  test("many small corrections add up", async () => {
    const { world, ring } = await rotated();
    const guard = new ClockGuard(world.time);
    const verdicts = Array.from({ length: 4 }, () => {
      world.time.wallMs += 10 * second;
      return guard.check(ring).trusted;
    });
    expect(verdicts).toEqual([true, true, true, false]);
  });

  test("set forwards: held until every wait under way has really passed, whatever the clock says", async () => {
    const { world, ring } = await rotated();
    const guard = new ClockGuard(world.time);
    // Rotated a minute ago: the old key is pruned 25 minutes after that
    world.time.wallMs += 31 * second;
    expect(guard.check(ring)).toMatchObject({ trusted: false, jumpMs: 31 * second, holdMs: 24 * minute });
    world.time.pass(24 * minute - 1);
    expect(guard.check(ring)).toMatchObject({ trusted: false, holdMs: 1 });
    world.time.pass(1);
    expect(guard.check(ring).trusted).toBe(true);
    expect(guard.check(ring).trusted).toBe(true);
  });

  test("set forwards while nothing waits: not held at all, so a laptop that slept goes on at once", async () => {
    const world = await newWorld();
    await world.runFor(30 * minute);
    const guard = new ClockGuard(world.time);
    world.time.wallMs += 8 * hour;
    expect(guard.check(await world.ring()).trusted).toBe(true);
  });

  test("set backwards: held until it is where it was", async () => {
    const { world, ring } = await rotated();
    const guard = new ClockGuard(world.time);
    world.time.wallMs -= 2 * minute;
    expect(guard.check(ring)).toMatchObject({ trusted: false, jumpMs: -2 * minute, holdMs: 2 * minute });
    world.time.pass(2 * minute - 1);
    expect(guard.check(ring).trusted).toBe(false);
    world.time.pass(1);
    expect(guard.check(ring).trusted).toBe(true);
  });

  test("set backwards by years: held no longer than the longest wait and window", async () => {
    const { world, ring } = await rotated();
    const guard = new ClockGuard(world.time);
    world.time.wallMs -= 40_000 * hour;
    expect(guard.check(ring)).toMatchObject({ trusted: false, holdMs: 25 * minute });
  });

  test("set back to where it was: trusted again at once", async () => {
    const { world, ring } = await rotated();
    const guard = new ClockGuard(world.time);
    world.time.wallMs += 5 * hour;
    expect(guard.check(ring).trusted).toBe(false);
    world.time.wallMs -= 5 * hour;
    expect(guard.check(ring).trusted).toBe(true);
  });

  test("set twice: held from the second time", async () => {
    const { world, ring } = await rotated();
    const guard = new ClockGuard(world.time);
    world.time.wallMs -= 2 * minute;
    guard.check(ring);
    world.time.pass(minute);
    world.time.wallMs -= 3 * minute;
    expect(guard.check(ring)).toMatchObject({ trusted: false, jumpMs: -5 * minute, holdMs: 5 * minute });
  });

  test("a ring with facts from the future tells of a clock that was set back while nobody ran", async () => {
    const { world, ring } = await rotated();
    world.time.wallMs -= 10 * minute;
    const guard = new ClockGuard(world.time);
    // The last fact is a minute old
    expect(guard.check(ring)).toMatchObject({ trusted: false, jumpMs: -9 * minute, holdMs: 9 * minute });
    world.time.pass(9 * minute);
    expect(guard.check(ring).trusted).toBe(true);
  });

  test("without a ring nothing waits, so nothing is held", () => {
    const time = new FakeTime();
    const guard = new ClockGuard(time);
    time.wallMs += hour;
    expect(guard.check(undefined).trusted).toBe(true);
  });
});

describe("a clock that was set while the loop runs", () => {
  test("no key signs before its wait has really passed", async () => {
    const world = await newWorld();
    const first = await world.settle();
    // By the new clock both the schedule and the propagation of ten minutes are over
    world.time.in(minute, () => void (world.time.wallMs += 2 * hour));
    const activatedAtMs: number[] = [];
    await world.run({
      forMs: 20 * minute,
      until: ({ steps }) => {
        if (steps.some(({ type }) => type === "activate")) activatedAtMs.push(world.time.steadyMs);
        return false;
      },
    });
    expect(activatedAtMs).toEqual([10 * minute]);
    const after = await world.ring();
    expect(after.signer.kid).toBe(first.standby?.kid);
    expect(world.log.texts("warn")).toEqual(["the clock was set forwards: everything but revocation is held"]);
  });

  test("a revocation goes through all the same", async () => {
    const world = await newWorld();
    const first = await world.settle();
    world.time.in(minute, () => void (world.time.wallMs -= 2 * hour));
    world.time.in(2 * minute, () => world.writeOverrides({ revokedKids: [{ kid: first.signer.kid }] }));
    await world.runFor(3 * minute, { pollMs: second });
    expect((await world.ring()).signer.kid).toBe(first.standby?.kid);
  });
});
