import { describe, expect, test } from "vitest";
import { frozen } from "../../src/parse/frozen.ts";
import { isObject, itemsOf, membersOf, objectsIn } from "../../src/parse/object.ts";

const noObjects = [undefined, null, true, 1, "a", [], [{}]];

describe("isObject", () => {
  test.each(noObjects)("refuses %j", (value) => {
    expect(isObject(value)).toBe(false);
    expect(membersOf(value)).toEqual({});
  });

  test("takes an object, which membersOf returns as it is", () => {
    const value = { a: 1 };
    expect(isObject(value)).toBe(true);
    expect(membersOf(value)).toBe(value);
  });
});

test("objectsIn leaves out what is no object, and finds none in what is no list", () => {
  expect(objectsIn([{ a: 1 }, null, [{}], "a", { b: 2 }])).toEqual([{ a: 1 }, { b: 2 }]);
  expect([objectsIn({ a: {} }), objectsIn(undefined), itemsOf("ab")]).toEqual([[], [], []]);
});

test("frozen freezes all that lies in a value, and returns the same value", () => {
  const value = { a: [{ b: {} }], c: null, d: 1 };
  expect(frozen(value)).toBe(value);
  expect([value, value.a, value.a[0], value.a[0]?.b].every(Object.isFrozen)).toBe(true);
});
