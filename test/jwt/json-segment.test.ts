import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isJson, membersIn, membersInBytes } from "../../src/jwt/json-segment.ts";
import { tokenDepthLimit } from "../../src/jwt/reasons.ts";

const nested = (open: string, close: string, levels: number): string =>
  `{"a":${open.repeat(levels)}1${close.repeat(levels)}}`;

describe("membersIn", () => {
  test.each([
    ["{}", {}],
    [' { "a" : [ 1 , { "b" : "c:d" } ] } ', { a: [1, { b: "c:d" }] }],
    ['{"a":{"a":{"a":1}},"b":{"a":2}}', { a: { a: { a: 1 } }, b: { a: 2 } }],
    ['{"a\\"":1,"a\\\\":2,"a":3}', { 'a"': 1, "a\\": 2, a: 3 }],
    ['{"a":"{[\\"]}:"}', { a: '{["]}:' }],
    ['{"a":[{"b":1},{"b":2}]}', { a: [{ b: 1 }, { b: 2 }] }],
  ])("reads %s", (text, expected) => {
    expect(membersIn(text)).toEqual(expected);
  });

  test.each([
    ["", "Malformed"],
    ["{", "Malformed"],
    ['{"a":1}}', "Malformed"],
    ["[]", "Malformed"],
    ["null", "Malformed"],
    ["1", "Malformed"],
    ['"a"', "Malformed"],
    ["{'a':1}", "Malformed"],
    ['{"a":1,}', "Malformed"],
    ['{"a":NaN}', "Malformed"],
    ['\ufeff{"a":1}', "Malformed"],
    ['{"a":1,"a":1}', "DuplicateMember"],
    ['{"a":1,"\\u0061":2}', "DuplicateMember"],
    ['{"a":{"b":1,"b":2}}', "DuplicateMember"],
    ['{"a":[0,{"b":1,"c":2,"b":3}]}', "DuplicateMember"],
    ['{"a":{"b":1},"a":{"b":1,"c":2}}', "DuplicateMember"],
    ['{"__proto__":1,"__proto__":2}', "DuplicateMember"],
    ['{"":1,"":2}', "DuplicateMember"],
  ])("refuses %s: %s", (text, flaw) => {
    expect(membersIn(text)).toBe(flaw);
  });

  test.each([
    ["lists", "[", "]"],
    ["objects", '{"a":', "}"],
  ])("takes %s as deep as the limit, and no deeper", (_, open, close) => {
    expect(membersIn(nested(open, close, tokenDepthLimit - 1))).toBeTypeOf("object");
    expect(membersIn(nested(open, close, tokenDepthLimit))).toBe("TooDeep");
    expect(membersIn(nested(open, close, 5000))).toBe("TooDeep");
  });

  test("reads whatever JSON.stringify writes of an object", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })), (members) => {
        const text = JSON.stringify(members);
        expect(membersIn(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  test("never throws", () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 2 }), (text, at, splice) => {
        const index = at % (text.length + 1);
        const read = membersIn(text.slice(0, index) + splice + text.slice(index));
        expect(["object", "string"]).toContain(typeof read);
      }),
    );
  });

  test("finds a second member of any name at any place", () => {
    const name = fc.string();
    fc.assert(
      fc.property(fc.dictionary(name, fc.jsonValue({ maxDepth: 2 }), { minKeys: 1 }), fc.nat(), (members, at) => {
        const names = Object.keys(members);
        const again = names[at % names.length] ?? "";
        const text = JSON.stringify(members);
        expect(membersIn(`{"x":[${text.slice(0, -1)},${JSON.stringify(again)}:0}]}`)).toBe("DuplicateMember");
      }),
    );
  });
});

describe("membersInBytes", () => {
  const of = (...bytes: number[]): Buffer => Buffer.from(bytes);
  const quoted = (...bytes: number[]): Buffer => of(...Buffer.from('{"a":"'), ...bytes, ...Buffer.from('"}'));

  test.each([
    ["UTF-8", [0xc3, 0xa9], { a: "é" }],
    ["a replacement character of its own", [0xef, 0xbf, 0xbd], { a: "\ufffd" }],
    ["a byte that is no UTF-8", [0xff], "Malformed"],
    ["an overlong slash", [0xc0, 0xaf], "Malformed"],
    ["half a surrogate pair", [0xed, 0xa0, 0x80], "Malformed"],
    ["a replacement character and a byte that is no UTF-8", [0xef, 0xbf, 0xbd, 0xff], "Malformed"],
  ])("%s", (_, bytes, expected) => {
    expect(membersInBytes(quoted(...bytes))).toEqual(expected);
  });

  test("refuses a byte order mark and UTF-16", () => {
    expect(membersInBytes(of(0xef, 0xbb, 0xbf, ...Buffer.from("{}")))).toBe("Malformed");
    expect(membersInBytes(Buffer.from("{}", "utf16le"))).toBe("Malformed");
  });
});

describe("isJson", () => {
  test.each([
    [{ a: [1, "b", true, null, { c: -0.5 }] }, true],
    [Object.create(null), true],
    [undefined, false],
    [{ a: undefined }, false],
    [Number.NaN, false],
    [Number.POSITIVE_INFINITY, false],
    [1n, false],
    [Symbol("a"), false],
    [{ toJSON: () => 1 }, false],
    [new Date(0), false],
    [new Map(), false],
    [[() => 1], false],
  ])("%s: %s", (value, expected) => {
    expect(isJson(value, 3)).toBe(expected);
  });

  test.each([
    [0, 1, true],
    [0, [], false],
    [1, [], true],
    [1, [1], true],
    [1, [[]], false],
    [2, { a: {} }, true],
    [2, { a: { b: [] } }, false],
  ])("at most %d deep, %j: %s", (depth, value, expected) => {
    expect(isJson(value, depth)).toBe(expected);
  });
});
