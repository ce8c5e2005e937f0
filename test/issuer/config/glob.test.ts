import { describe, expect, test } from "vitest";
import { fits, globOf, longestMatched } from "../../../src/issuer/config/glob.ts";

describe("fits", () => {
  test.each([
    ["a", "a", true],
    ["a", "ab", false],
    ["a", "ba", false],
    ["A", "a", false],
    ["", "", true],
    ["*", "", true],
    ["*", "anything else", true],
    ["*", "a/b", false],
    ["*", "a:b", false],
    ["**", "a/b:c", true],
    ["**", "a\nb", true],
    ["*", "a\nb", true],
    ["a*", "a", true],
    ["*a", "ba", true],
    ["*a", "bab", false],
    ["a*b*c", "abc", true],
    ["a*b*c", "a-b-b-c", true],
    ["a*b*c", "acb", false],
    ["a.c", "abc", false],
    ["a.c", "a.c", true],
    ["[ab]", "a", false],
    ["(a|b)+", "a", false],
    ["😀*", "😀b", true],
    ["system:serviceaccount:ci:*", "system:serviceaccount:ci:deployer", true],
    ["system:serviceaccount:ci:*", "system:serviceaccount:ci:a:b", false],
    ["system:serviceaccount:*:*", "system:serviceaccount:a:b", true],
    ["repo:acme/*:ref:refs/heads/main", "repo:acme/shop:ref:refs/heads/main", true],
    ["repo:acme/*:ref:refs/heads/main", "repo:acme/shop:environment:x:ref:refs/heads/main", false],
    ["repo:acme/*:ref:refs/heads/*", "repo:acme/shop:ref:refs/heads/feature/x", false],
    ["repo:acme/*:ref:refs/heads/**", "repo:acme/shop:ref:refs/heads/feature/x", true],
    ["**/a/**", "x/y/a/", true],
  ])("%j and %j: %s", (glob, text, expected) => expect(fits(globOf(glob), text)).toBe(expected));

  test("a text of the longest length may fit, a longer one fits nothing", () => {
    expect(fits(globOf("**"), "a".repeat(longestMatched))).toBe(true);
    expect(fits(globOf("**"), "a".repeat(longestMatched + 1))).toBe(false);
  });

  test("many stars cost no more than the length of both: a regular expression would not come back", () => {
    const glob = globOf(`${"**a".repeat(100)}b`);
    expect(fits(glob, "a".repeat(longestMatched))).toBe(false);
  });
});
