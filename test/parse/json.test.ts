import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { duplicateIn } from "../../src/parse/duplicate.ts";
import { jsonFlaw, jsonIn, objectIn } from "../../src/parse/json.ts";

test("jsonIn parses what is JSON, and says nothing of what is not", () => {
  expect(jsonIn('[1,{"a":null}]')).toEqual([1, { a: null }]);
  expect(["", "{", "undefined", "\ufeff1"].map(jsonIn)).toEqual([undefined, undefined, undefined, undefined]);
});

describe("duplicateIn", () => {
  test.each([
    ['{"a":1,"a":2}', "$.a"],
    ['{"a":1,"\\u0061":2}', "$.a"],
    ['{"a":{"b":1},"c":[0,{"b":1,"d":2,"b":3}]}', "$.c[1].b"],
    ['{"a\\"":1,"a\\\\":2,"a\\"":3}', '$["a\\""]'],
    ['{"x y":{"":1,"":2}}', '$["x y"][""]'],
    ['[[],[{"k":1,"k":1}]]', "$[1][0].k"],
    ['{"":"\\\\","a.b":1,"a.b":2}', "$[a.b]"],
  ])("in %s finds %s", (text, path) => {
    expect(duplicateIn(text)).toBe(path);
  });

  test("finds one exactly where jsonFlaw counts one", () => {
    // No name that ends with a backslash: once V8 13.6 has seen one, JSON.parse may take the name `"` for it
    const name = fc.constantFrom("a", "b", "a\\u0062", "\\\\a", '\\"', "{", ":", "");
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 4 }, fc.constantFrom("1", "null", '"{\\":["'), tie("list"), tie("object")),
      list: fc.array(tie("value"), { maxLength: 3 }).map((items) => `[${items.join()}]`),
      object: fc
        .array(fc.tuple(name, tie("value")), { maxLength: 4 })
        .map((members) => `{${members.map(([key, member]) => `"${key}":${String(member)}`).join()}}`),
    }));
    const seen = { good: 0, bad: 0 };
    fc.assert(
      fc.property(value, (json) => {
        const text = String(json);
        const isTwice = jsonFlaw(text, jsonIn(text), 100) === "DuplicateMember";
        seen[isTwice ? "bad" : "good"]++;
        expect(duplicateIn(text) !== undefined).toBe(isTwice);
      }),
      { numRuns: 1000, seed: 7 },
    );
    expect(Math.min(seen.good, seen.bad)).toBeGreaterThan(50);
  });
});

test.each([
  ['{"a":[1]}', 2, { a: [1] }],
  ['{"a":[1]}', 1, "TooDeep"],
  ["[]", 1, "Malformed"],
  ['{"a":1,"a":1}', 1, "DuplicateMember"],
])("objectIn reads %s at most %i deep", (text, depthLimit, expected) => {
  expect(objectIn(text, depthLimit)).toEqual(expected);
});
