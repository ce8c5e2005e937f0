import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { scaleOf, type ScaleInput } from "../../../src/tools/timeline/scale.ts";
import { ticksOf } from "../../../src/tools/timeline/ticks.ts";
import { day, epoch, hour, minute, second } from "../../support/story.ts";

const input = (change: Partial<ScaleInput> = {}): ScaleInput => ({
  fromMs: epoch,
  untilMs: epoch + 10 * hour,
  columns: 100,
  edges: [],
  phaseMs: Infinity,
  nowMs: epoch + 5 * hour,
  ...change,
});

describe("scaleOf", () => {
  test.each([
    ["just before the left edge", -1, -1],
    ["at the left edge", 0, 0],
    ["in the middle", 5 * hour, 50],
    ["at the border of two cells", 6 * minute, 1],
    ["just before that border", 6 * minute - 1, 0],
    ["just before the right edge", 10 * hour - 1, 99],
    ["at the right edge", 10 * hour, 100],
  ])("puts an instant into its cell: %s", (_, ms, column) => {
    expect(scaleOf(input()).columnOf(epoch + ms)).toBe(column);
  });

  test("is to scale as long as the shortest phase has four cells", () => {
    const edges = [epoch + 24 * minute, epoch + 48 * minute];
    expect(scaleOf(input({ edges, phaseMs: 24 * minute })).stretches.some((s) => s.folded)).toBe(false);
  });

  test("folds the longest stretch when the shortest phase would have less", () => {
    const edges = [epoch + 23 * minute, epoch + 46 * minute];
    const scale = scaleOf(input({ edges, phaseMs: 23 * minute, nowMs: epoch }));
    expect(scale.stretches.map((s) => s.folded)).toEqual([false, false, true]);
    expect(scale.columnOf(epoch + 46 * minute) - scale.columnOf(epoch + 23 * minute)).toBeGreaterThan(30);
  });

  test("folds nothing that has no edges", () => {
    expect(scaleOf(input({ phaseMs: second })).stretches).toHaveLength(1);
  });

  test("cuts a fold in two where now lies, in proportion", () => {
    const edges = [epoch + hour, epoch + 2 * hour];
    const month = input({ edges, untilMs: epoch + 30 * day, phaseMs: hour, nowMs: epoch + 15 * day });
    const { stretches } = scaleOf(month);
    expect(stretches.map((s) => s.folded)).toEqual([false, false, true, true]);
    expect(stretches[2]?.toMs).toBe(epoch + 15 * day);
    expect(stretches[2]?.width).toBe(stretches[3]?.width);
  });

  test("shows every instant in order, whatever is folded, and fills the row", () => {
    const instants = fc.array(fc.integer({ min: 1, max: 400 * day }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(
        instants,
        fc.integer({ min: 30, max: 200 }),
        fc.integer({ min: 1, max: day }),
        (ms, columns, phaseMs) => {
          const edges = ms.map((one) => epoch + one).sort((a, b) => a - b);
          const untilMs = (edges.at(-1) ?? epoch) + hour;
          const scale = scaleOf(input({ edges, untilMs, columns, phaseMs, nowMs: edges[0] ?? epoch }));
          const cells = [epoch, ...edges, untilMs - 1].map((at) => scale.columnOf(at));
          expect(cells).toEqual(cells.toSorted((a, b) => a - b));
          expect(cells[0]).toBe(0);
          expect(Math.max(...cells)).toBeLessThan(columns);
          expect(scale.stretches.reduce((sum, s) => sum + s.width, 0)).toBeCloseTo(columns, 6);
        },
      ),
    );
  });
});

describe("ticksOf", () => {
  const labels = (change: Partial<ScaleInput>, timeZone = "UTC"): readonly string[] =>
    ticksOf(scaleOf(input(change)), { nowMs: change.nowMs ?? epoch, timeZone }).map((t) =>
      `${t.column} ${t.label}`.trim(),
    );

  test("counts seconds in a picture of a minute", () => {
    expect(labels({ untilMs: epoch + 30 * second, nowMs: epoch })).toEqual([
      "0 00:00:00",
      "16 00:00:05",
      "33 00:00:10",
      "50 00:00:15",
      "66 00:00:20",
      "83 00:00:25",
    ]);
  });

  test("counts hours in a picture of a day, and says the date where a new one begins", () => {
    expect(labels({ fromMs: epoch + 6 * hour, untilMs: epoch + 30 * hour, nowMs: epoch })).toEqual([
      "0 21 Nov 06:00",
      "12",
      "25 12:00",
      "37 15:00",
      "50 18:00",
      "62 21:00",
      "75 22 Nov",
      "87 03:00",
    ]);
  });

  test("counts days in a picture of months", () => {
    expect(labels({ untilMs: epoch + 60 * day })).toEqual([
      "3 23 Nov",
      "20 3 Dec",
      "36 13 Dec",
      "53 23 Dec",
      "70 2 Jan",
      "86 12 Jan",
    ]);
  });

  test("stands at round times of the zone, on both sides of the change to winter time", () => {
    const fromMs = Date.UTC(2026, 9, 24, 20);
    const found = labels({ fromMs, untilMs: fromMs + 12 * hour, columns: 60, nowMs: fromMs }, "Europe/Berlin");
    expect(found).toEqual(["10 25 Oct", "30 03:00", "45 06:00"]);
  });

  test("says where a fold begins, but not at now", () => {
    const edges = [epoch + hour, epoch + 2 * hour];
    const found = labels({ edges, untilMs: epoch + 90 * day, phaseMs: hour, nowMs: epoch + 45 * day });
    expect(found.at(-1)).toMatch(/^\d+ 02:00$/);
  });
});
