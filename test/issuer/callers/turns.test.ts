import { expect, test } from "vitest";
import { Turns } from "../../../src/issuer/callers/turns.ts";

/** Work that ends when the test says so. */
function held() {
  const ends: ((value: string) => void)[] = [];
  const work = (): Promise<string> =>
    new Promise((resolve) => {
      ends.push(resolve);
    });
  return { ends, work };
}

test("Turns.take lets so many go on at once, so many wait in order, and turns the next one away", async () => {
  const turns = new Turns({ atOnce: 2, waiting: 1 });
  const { ends, work } = held();
  const [first, second, third] = [turns.take(work), turns.take(work), turns.take(work)];
  expect(await turns.take(work)).toBeUndefined();
  expect(ends).toHaveLength(2);
  ends[1]?.("second");
  expect(await second).toBe("second");
  expect(ends).toHaveLength(3);
  ends[0]?.("first");
  ends[2]?.("third");
  expect(await Promise.all([first, third])).toEqual(["first", "third"]);
});

test("Turns.take gives a turn back when the work fails", async () => {
  const turns = new Turns({ atOnce: 1, waiting: 0 });
  await expect(turns.take(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await turns.take(() => Promise.resolve("again"))).toBe("again");
});
