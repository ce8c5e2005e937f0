import { describe, expect, test } from "vitest";
import { isPathWithin } from "../../../src/issuer/callers/path-within.ts";

describe("isPathWithin", () => {
  test.each<[path: unknown, above: unknown]>([
    ["/a", "/a"],
    ["/a/b", "/a"],
    ["/a/b/c.txt", "/a"],
    ["/a/b", "/a/"],
    ["/a", "/"],
    ["a/b", "a"],
    ["/a/[id]/...x", "/a"],
    ["/a/.env", "/a"],
    ["/a/caf\u0065\u0301", "/a"],
    // The same text is the same path, whatever it means
    ["/a/../b", "/a/../b"],
    ["%2e", "%2e"],
  ])("%j lies within %j", (path, above) => expect(isPathWithin(path, above)).toBe(true));

  test.each<[path: unknown, above: unknown]>([
    ["/ab", "/a"],
    ["/", "/a"],
    ["/a", "/a/b"],
    ["/b", "/a"],
    ["/A/b", "/a"],
    ["a/b", "/a"],
    ["/a/", "/a"],
    ["/a//b", "/a"],
    ["//b", "/"],
    ["/a/./b", "/a"],
    ["/a/..", "/a"],
    ["/a/../b", "/a"],
    ["/a/b/../../c", "/a"],
    ["/a/..;x/b", "/a"],
    ["/a/.../b", "/a"],
    ["/a/%2e%2e/b", "/a"],
    ["/a/%252e", "/a"],
    ["/a/..%2fb", "/a"],
    ["/a/..\\b", "/a"],
    ["/a/\uff0e\uff0e/b", "/a"],
    ["/a/\u2025/b", "/a"],
    ["/a/b\uff0f..", "/a"],
    ["/a/b\u0000", "/a"],
    ["/a/b\n", "/a"],
    ["/a/\ud800", "/a"],
    [1, 1],
    ["/a", undefined],
    [{}, "/a"],
  ])("%j does not lie within %j", (path, above) => expect(isPathWithin(path, above)).toBe(false));
});
