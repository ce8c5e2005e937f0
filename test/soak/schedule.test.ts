import { expect, it } from "vitest";
import { rounds, type Trouble } from "./schedule.ts";

const trouble = (name: string, befalls: readonly string[] = []): Trouble<undefined> => ({
  ...{ name, befalls, lastsMs: [1000, 2000] },
  begin: () => Promise.resolve(() => Promise.resolve()),
});

const troubles = [
  trouble("a", ["x"]),
  trouble("b", ["x"]),
  trouble("c", ["y"]),
  trouble("d"),
  trouble("e"),
  trouble("f"),
];

function drawn(seed: number, count: number) {
  const found: {
    readonly name: string;
    readonly afterMs: number;
    readonly lastsMs: number;
    readonly number: number;
  }[][] = [];
  for (const round of rounds(seed, "side", troubles)) {
    found.push(
      round.map(({ trouble: { name }, afterMs, lastsMs, chance }) => ({
        name,
        afterMs,
        lastsMs,
        number: chance.next(),
      })),
    );
    if (found.length === count) break;
  }
  return found;
}

it("draws the same for the same seed, and something else for another", () => {
  expect(drawn(1, 20)).toEqual(drawn(1, 20));
  expect(drawn(1, 20)).not.toEqual(drawn(2, 20));
});

it("draws one to three, never two that befall the same, within their times", () => {
  const all = drawn(3, 200);
  expect(new Set(all.map((round) => round.length))).toEqual(new Set([1, 2, 3]));
  for (const round of all) {
    const names = round.map(({ name }) => name);
    expect(names.includes("a") && names.includes("b")).toBe(false);
    for (const { lastsMs } of round) expect(lastsMs >= 1000 && lastsMs <= 2000).toBe(true);
  }
});

it("has each trouble come before one comes again", () => {
  const names = drawn(4, 12).flatMap((round) => round.map(({ name }) => name));
  expect(new Set(names.slice(0, troubles.length)).size).toBe(troubles.length);
});

it("draws nothing from nothing", () => {
  expect([...rounds(1, "side", [])]).toEqual([]);
});
