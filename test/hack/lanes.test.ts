import { describe, expect, test } from "vitest";
import { areSideBySide, inLanes, type Lane } from "../../hack/lanes.ts";

interface Item {
  readonly name: string;
  readonly lane: Lane;
}

const items: readonly Item[] = [
  { name: "static", lane: "computing" },
  { name: "binary", lane: "alone" },
  { name: "unit", lane: "computing" },
  { name: "integration", lane: "server" },
  { name: "e2e", lane: "waiting" },
];

/** Runs them, each until it is told to end. */
function played(all: readonly Item[]) {
  const ends = new Map<string, () => void>();
  const running = (): readonly string[] => [...ends.keys()];
  const done = inLanes(all, async ({ name }) => {
    await new Promise<void>((resolve) => {
      ends.set(name, resolve);
    });
    ends.delete(name);
    return name;
  });
  const end = async (name: string): Promise<void> => {
    ends.get(name)?.();
    await new Promise(setImmediate);
  };
  return { running, end, done };
}

describe("inLanes", () => {
  test("begins one of each lane, the next one of a lane after it, and who is alone after all", async () => {
    const { running, end, done } = played(items);
    expect(running()).toEqual(["static", "integration", "e2e"]);
    await end("e2e");
    expect(running()).toEqual(["static", "integration"]);
    await end("static");
    expect(running()).toEqual(["integration", "unit"]);
    await end("integration");
    expect(running()).toEqual(["unit"]);
    await end("unit");
    expect(running()).toEqual(["binary"]);
    await end("binary");
    expect(running()).toEqual([]);
    expect(await done).toEqual(items.map(({ name }) => name));
  });

  test("runs those who are alone one after the other", async () => {
    const { running, end, done } = played(["one", "two"].map((name) => ({ name, lane: "alone" })));
    await new Promise(setImmediate);
    expect(running()).toEqual(["one"]);
    await end("one");
    expect(running()).toEqual(["two"]);
    await end("two");
    expect(await done).toEqual(["one", "two"]);
  });

  test("rejects with what one rejects with", async () => {
    const broken = inLanes(items, ({ name }) =>
      name === "e2e" ? Promise.reject(new Error(name)) : Promise.resolve(0),
    );
    await expect(broken).rejects.toThrow("e2e");
  });
});

test.each<[boolean, readonly Lane[]]>([
  [false, []],
  [false, ["computing", "computing"]],
  [false, ["computing", "alone"]],
  [true, ["computing", "alone", "server"]],
])("areSideBySide is %s of %j", (expected, lanes) => {
  expect(areSideBySide(lanes.map((lane) => ({ lane })))).toBe(expected);
});
