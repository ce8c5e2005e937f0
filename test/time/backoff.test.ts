import { expect, test } from "vitest";
import { backoffMs, ceilingMs } from "../../src/time/backoff.ts";

const backoff = { baseMs: 100, maxMs: 1000 };

test.each([
  [0, 100],
  [1, 100],
  [2, 200],
  [4, 800],
  [5, 1000],
  [5000, 1000],
])("ceilingMs after %i failures is %i", (failures, ms) => {
  expect(ceilingMs(backoff, failures)).toBe(ms);
});

test.each([
  [0, 0],
  [0.5, 400],
  [0.999, 799.2],
])("backoffMs is the whole range: chance %d of 800 is %d", (chance, ms) => {
  expect(backoffMs(backoff, 4, () => chance)).toBeCloseTo(ms);
});
