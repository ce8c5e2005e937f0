import { expect, it } from "vitest";
import { RotationMemory } from "../../src/controller/rotation-memory.ts";

it("RotationMemory counts the writes of the last minute", () => {
  const memory = new RotationMemory("uid");
  for (const atMs of [0, 1000, 59_999]) memory.wrote(atMs);
  expect([59_999, 60_000, 61_000, 119_999].map((nowMs) => memory.writes(nowMs))).toEqual([3, 2, 1, 0]);
});
