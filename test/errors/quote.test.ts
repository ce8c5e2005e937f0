import { describe, expect, test } from "vitest";
import { hiddenName, quoted, quotedPath, shown } from "../../src/errors/quote.ts";

describe("quoted", () => {
  test.each([
    ["", '""'],
    ["x".repeat(32), `"${"x".repeat(32)}"`],
    ["x".repeat(33), "a text of 33 characters"],
    ["https://issuer.example/tenants/0815", '"https://issuer.example/tenants/0815"'],
    ["ab ".repeat(21), `"${"ab ".repeat(21)}"`],
    ["ab ".repeat(22), "a text of 66 characters"],
    ["a\nb", String.raw`"a\nb"`],
    ['{"d":1}', "what looks like a private key"],
    ["-----BEGIN PRIVATE KEY-----", "what looks like a private key"],
  ])("shows %j as %s", (text, expected) => {
    expect(quoted(text)).toBe(expected);
  });
});

describe("quotedPath", () => {
  const long = "directory-of-a-rotation-with-a-long-name";
  test.each([
    [`/var/lib/${long}`, `"/var/lib/${long}"`],
    [`./${long}`, `"./${long}"`],
    [long, "a text of 40 characters"],
    ["/-----BEGIN PRIVATE KEY-----", "what looks like a private key"],
  ])("shows %j as %s", (path, expected) => {
    expect(quotedPath(path)).toBe(expected);
  });
});

describe("shown", () => {
  test.each([
    [1, "1"],
    [null, "null"],
    [undefined, "missing"],
    [-0, "-0"],
    [[1], "a list"],
    [{ d: 1 }, "an object"],
    ["a", '"a"'],
  ])("shows %j as %s", (value, expected) => {
    expect(shown(value)).toBe(expected);
  });
});

test.each([
  ["kid", undefined],
  ["PRIVATE KEY", "[a name of 11 characters]"],
  ["x".repeat(33), "[a name of 33 characters]"],
])("hiddenName of %s is %s", (name, expected) => {
  expect(hiddenName(name)).toBe(expected);
});
